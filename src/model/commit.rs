//! Commits in services, and the fleet's commit of their pins.

use bstr::BString;
use gix::ObjectId;

use super::{error::Error, exit::Exit, outcome::Outcome};

/// What a run committed.
#[derive(Debug)]
pub struct Committed {
    /// The services, sorted by path.
    pub services: Vec<ServiceCommit>,
    /// What became of their pins.
    pub pins: PinCommit,
}

/// One service.
#[derive(Debug)]
pub struct ServiceCommit {
    /// Where it sits.
    pub path: BString,
    /// The branch that it is on; none when its HEAD is detached, or is not known.
    pub branch: Option<BString>,
    /// The commit of HEAD before; none before the first.
    pub from: Option<ObjectId>,
    /// The new commit; none without one.
    pub to: Option<ObjectId>,
    /// What became of it.
    pub outcome: Outcome<CommitStep>,
}

/// What was done in a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitStep {
    /// What was staged was committed.
    Committed,
    /// Nothing was staged.
    Unchanged,
    /// There is no worktree.
    Uninitialised,
}

impl From<CommitStep> for &'static str {
    fn from(step: CommitStep) -> Self {
        match step {
            CommitStep::Committed => "committed",
            CommitStep::Unchanged => "unchanged",
            CommitStep::Uninitialised => "uninitialised",
        }
    }
}

/// What became of the pins of the services that were committed.
#[derive(Debug)]
pub enum PinCommit {
    /// There are none to commit, or nothing was to be changed.
    None,
    /// They are in this commit of the fleet.
    Committed {
        /// The commit.
        commit: ObjectId,
        /// Services that are new in the fleet: their pins are staged only, since a commit of the pin alone would lack what
        /// `.gitmodules` says of them.
        staged: Vec<BString>,
    },
    /// They are staged only, since all of these services are new in the fleet.
    Staged(Vec<BString>),
    /// They could not be committed.
    Failed(Error),
}

impl PinCommit {
    /// The fleet's commit.
    pub fn commit(&self) -> Option<ObjectId> {
        match self {
            Self::Committed { commit, .. } => Some(*commit),
            _ => None,
        }
    }

    /// The services whose pins are staged only.
    pub fn staged(&self) -> &[BString] {
        match self {
            Self::Committed { staged, .. } | Self::Staged(staged) => staged,
            Self::None | Self::Failed(_) => &[],
        }
    }

    /// Why they are not committed.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl Committed {
    /// The exit code ([`Exit::worst`]).
    pub fn exit(&self) -> Exit {
        let services = self.services.iter().map(|one| one.outcome.exit());
        let pins = self.pins.error().map(Error::exit);
        Exit::worst(services.chain(pins))
    }
}
