//! `flota push`

use std::ffi::OsString;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota push`.
#[derive(Args, Debug)]
pub struct Push {
    /// Only these services before the fleet, given by path, name or glob.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Only show what would be pushed.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How many services to push at a time [default: 8]. With 1, ssh and hooks may ask on the terminal each time.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
