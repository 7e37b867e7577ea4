//! The fleet's worktrees (git-worktree(1)).

use std::path::PathBuf;

use bstr::BString;
use gix::ObjectId;

use super::error::Error;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetWorktree {
    /// Its root; of a bare repository its git directory.
    pub directory: PathBuf,
    /// What it is.
    pub kind: WorktreeKind,
    /// The branch that HEAD is on; none when it is detached.
    pub branch: Option<BString>,
    /// The commit of HEAD; none before the first.
    pub head: Option<ObjectId>,
    /// How many services are initialised in it, and how many there are; none where there are no files.
    pub services: Option<(usize, usize)>,
}

/// What a worktree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorktreeKind {
    /// The one that the repository was cloned into.
    Main,
    /// The repository itself, which has no files.
    Bare,
    /// One that was added.
    Linked,
    /// One that was added and must not be removed (`git worktree lock`).
    Locked,
    /// One that was added, and whose folder is gone.
    Missing,
}

impl WorktreeKind {
    /// Its name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Bare => "bare",
            Self::Linked => "linked",
            Self::Locked => "locked",
            Self::Missing => "missing",
        }
    }
}

/// What keeps a worktree from being removed.
#[derive(Debug)]
pub struct Obstacle {
    /// The service, from the worktree's root; empty for the fleet itself.
    pub path: BString,
    /// What would be lost.
    pub error: Error,
}

/// A worktree that was to be removed.
#[derive(Debug)]
pub struct Removal {
    /// Where it is, or was.
    pub directory: PathBuf,
    /// What would be lost with it: when there is something, it was left as it is.
    pub obstacles: Vec<Obstacle>,
}
