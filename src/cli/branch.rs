//! `flota branch`

use std::ffi::OsString;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota branch`.
#[derive(Args, Debug)]
pub struct Branch {
    /// The branch to create or delete [default: lists all branches].
    #[arg(value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Only this service, given by path, name or glob; can be given several times.
    #[arg(short, long = "service", value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Delete the branch where the remote has its commits; without BRANCH, every branch that is in the remote's default branch.
    #[arg(short, long)]
    pub delete: bool,
    /// Only show what would be created or deleted.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How many services to look at at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
