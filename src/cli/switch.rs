//! `flota switch`

use std::ffi::OsString;

use clap::Args;

use super::ResultFormat;

/// Arguments of `flota switch`.
#[derive(Args, Debug)]
pub struct Switch {
    /// The branch.
    #[arg(value_name = "BRANCH")]
    pub branch: String,
    /// Only these services, by path, name or glob: each must have the branch.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Make the branch, from the remote's where there is one, else where HEAD is.
    #[arg(short, long)]
    pub create: bool,
    /// Show what would be done.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How many services at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
