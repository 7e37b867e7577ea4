//! Branches of the services: listed, made, and deleted where nothing is lost.

use bstr::BString;
use gix::ObjectId;

use super::{error::Error, exit::Exit, outcome::Outcome};

/// A branch of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalBranch {
    /// Its short name.
    pub name: BString,
    /// Its commit.
    pub commit: ObjectId,
    /// Whether HEAD is on it.
    pub is_current: bool,
    /// The remote and the short name of the branch there that it follows.
    pub upstream: Option<BString>,
    /// How many commits it has that its upstream lacks, as far as is known; none without an upstream that was seen.
    pub ahead: Option<usize>,
    /// How many commits its upstream has that it lacks.
    pub behind: Option<usize>,
    /// Whether the default branch of its remote has all of its commits, as far as is known.
    pub is_merged: bool,
    /// Whether the default branch of its remote has its name.
    pub is_default: bool,
}

/// The branches of one service.
#[derive(Debug)]
pub struct ServiceBranches {
    /// Where it sits.
    pub path: BString,
    /// The branches, sorted; or why they cannot be read.
    pub branches: Result<Vec<LocalBranch>, Error>,
}

/// What became of a branch of a service.
#[derive(Debug)]
pub struct BranchResult {
    /// Where the service sits.
    pub path: BString,
    /// The branch; none where a service has none to delete.
    pub branch: Option<BString>,
    /// Its commit.
    pub commit: Option<ObjectId>,
    /// What became of it.
    pub outcome: Outcome<BranchStep>,
}

/// What was done with a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchStep {
    /// It was made.
    Created,
    /// It was there, at the same commit.
    Unchanged,
    /// It was deleted.
    Deleted,
    /// There is none to delete.
    Absent,
    /// There is no worktree.
    Uninitialised,
}

impl From<BranchStep> for &'static str {
    fn from(step: BranchStep) -> Self {
        match step {
            BranchStep::Created => "created",
            BranchStep::Unchanged => "unchanged",
            BranchStep::Deleted => "deleted",
            BranchStep::Absent => "absent",
            BranchStep::Uninitialised => "uninitialised",
        }
    }
}

/// The exit code ([`Exit::worst`]).
pub fn exit(all: &[BranchResult]) -> Exit {
    Exit::worst(all.iter().map(|one| one.outcome.exit()))
}
