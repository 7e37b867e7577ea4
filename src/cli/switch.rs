//! `flota switch`

use std::ffi::OsString;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota switch`.
#[derive(Args, Debug)]
pub struct Switch {
    /// The branch.
    #[arg(value_name = "BRANCH")]
    pub branch: String,
    /// Only these services, given by path, name or glob; each must have the branch.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Create the branch: from the remote's branch of that name if there is one, else from HEAD.
    #[arg(short, long)]
    pub create: bool,
    /// Only show what would be done.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Overwrite files that git ignores, if the branch has them.
    #[arg(long)]
    pub overwrite_ignore: bool,
    /// How many services to switch at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
