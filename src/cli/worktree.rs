//! `flota worktree`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::shared::{ResultFormat, Transfer};

/// Arguments of `flota worktree`.
#[derive(Args, Debug)]
pub struct WorktreeArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: WorktreeCommand,
}

/// What to do with the fleet's worktrees.
#[derive(Debug, Subcommand)]
pub enum WorktreeCommand {
    /// Add a worktree of the fleet with its services, each detached at its pin.
    ///
    /// Each service gets a git directory of its own. Its objects are taken from the other worktrees, as hard links, so that little
    /// or nothing is fetched.
    Add(WorktreeAdd),
    /// List the fleet's worktrees.
    List(WorktreeList),
    /// Remove a worktree of the fleet with its services.
    ///
    /// It is left as it is (exit 4) while it, or a service in it, has work that is nowhere else: uncommitted or untracked files, commits
    /// that are not pushed, a stash, a merge or rebase in progress.
    Remove(WorktreeRemove),
}

/// Arguments of `flota worktree add`.
#[derive(Args, Debug)]
pub struct WorktreeAdd {
    /// The new directory.
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// The branch to check out; it is created from HEAD if there is none [default: the name of the directory].
    #[arg(value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Only show what would be added.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How to clone submodules.
    #[command(flatten)]
    pub bringing: Transfer,
}

/// Arguments of `flota worktree list`.
#[derive(Args, Debug)]
pub struct WorktreeList {
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// Arguments of `flota worktree remove`.
#[derive(Args, Debug)]
pub struct WorktreeRemove {
    /// Its directory.
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// Only show whether it would be removed.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
