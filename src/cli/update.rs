//! `flota update`

use std::ffi::OsString;

use clap::{ArgGroup, Args};

use super::shared::Transfer;
use crate::model::step_id::StepId;

/// Arguments of `flota update`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("shown").args(["remote", "prune"]).multiple(true))]
pub struct Update {
    /// The services, given by path, name or glob [default: all that are active].
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Move the pins to the tips of their branches, and stage them.
    #[arg(long)]
    pub remote: bool,
    /// Commit the moved pins, with a message that lists the new commits.
    #[arg(long, requires = "remote", conflicts_with = "dry_run")]
    pub commit: bool,
    /// Also remove what is left of services that are not in the fleet any more, if nothing would be lost.
    ///
    /// The worktree and the git directory of a service are removed if it has no changed, untracked, ignored or stashed
    /// file, no operation of git in progress and no other worktree, and if its server has HEAD, every branch and every tag.
    #[arg(long, conflicts_with_all = ["services", "remote", "steps"])]
    pub prune: bool,
    /// Only show which pins would move, or with --prune what would be removed.
    #[arg(short = 'n', long, requires = "shown")]
    pub dry_run: bool,
    /// Only the services in these steps of a plan: ACTION:PATH@COMMIT, as flota plan writes them for CI systems.
    #[arg(
        long = "step",
        value_name = "STEP,…",
        value_delimiter = ',',
        conflicts_with_all = ["services", "remote"]
    )]
    pub steps: Vec<StepId>,
    /// Overwrite files that git ignores, if the new commit has them.
    #[arg(long)]
    pub overwrite_ignore: bool,
    /// How to clone and fetch submodules.
    #[command(flatten)]
    pub bringing: Transfer,
}
