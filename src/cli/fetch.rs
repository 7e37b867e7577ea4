//! `flota fetch`

use std::ffi::OsString;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota fetch`.
#[derive(Args, Debug)]
pub struct Fetch {
    /// Only these services, and not the fleet, given by path, name or glob.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Only show which branches are new or have moved.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How many repositories to fetch at a time [default: 8]. With 1, ssh may ask on the terminal each time.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
