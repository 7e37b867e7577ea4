//! `flota sync`

use std::ffi::OsString;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota sync`.
#[derive(Args, Debug)]
pub struct Sync {
    /// The services, given by path, name or glob [default: all that are active].
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Only show which URLs would change.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How many services to fetch at a time [default: 8].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Give up when a server sends nothing for this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub patience: std::num::NonZeroU32,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
