//! `flota status`

use std::ffi::OsString;

use clap::Args;

use super::ResultFormat;

/// Arguments of `flota status`.
#[derive(Args, Debug)]
pub struct Status {
    /// Only these services, by path, name or glob.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// List the services that need nothing, too.
    #[arg(short, long)]
    pub all: bool,
    /// How many services to read at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
