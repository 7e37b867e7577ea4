//! What is new at the remotes.

use bstr::BString;
use gix::ObjectId;

use super::{exit::Exit, outcome::Outcome};

/// What a run fetched.
#[derive(Debug)]
pub struct FetchRun {
    /// The services, sorted by path.
    pub services: Vec<FetchedRepository>,
    /// The fleet itself; none where services were named.
    pub fleet: Option<FetchedRepository>,
}

/// One repository.
#[derive(Debug)]
pub struct FetchedRepository {
    /// Where the service sits; `.` for the fleet.
    pub path: BString,
    /// The remote that was asked; none where there is none.
    pub remote: Option<BString>,
    /// Its branches that were seen elsewhere before, sorted.
    pub branches: Vec<BranchMove>,
    /// How many commits of its upstream the branch lacks that HEAD is on; none without an upstream.
    pub behind: Option<usize>,
    /// What became of it.
    pub outcome: Outcome<FetchStep>,
}

/// A branch at a remote that is not where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchMove {
    /// Its short name.
    pub name: BString,
    /// Where it was seen before; none of a new one.
    pub from: Option<ObjectId>,
    /// Where it is; none of one that is gone.
    pub to: Option<ObjectId>,
}

/// What was done in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchStep {
    /// Something was new.
    Fetched,
    /// Nothing was, or there is no remote.
    Unchanged,
    /// There is no worktree.
    Uninitialised,
}

impl From<FetchStep> for &'static str {
    fn from(step: FetchStep) -> Self {
        match step {
            FetchStep::Fetched => "fetched",
            FetchStep::Unchanged => "unchanged",
            FetchStep::Uninitialised => "uninitialised",
        }
    }
}

impl FetchRun {
    /// The services, then the fleet.
    pub fn all(&self) -> impl Iterator<Item = &FetchedRepository> {
        self.services.iter().chain(&self.fleet)
    }

    /// The exit code: a signal's, else failed work.
    pub fn exit(&self) -> Exit {
        Exit::worst(self.all().map(|one| one.outcome.exit()))
    }
}
