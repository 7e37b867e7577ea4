//! Branches that go to their remotes: the services' first, then the fleet's.

use bstr::BString;

use super::{error::Error, exit::Exit, outcome::Outcome};

/// What a run pushed.
#[derive(Debug)]
pub struct Pushed {
    /// The services, sorted by path.
    pub services: Vec<PushedBranch>,
    /// The fleet.
    pub fleet: PushedBranch,
}

/// The branch of one repository.
#[derive(Debug)]
pub struct PushedBranch {
    /// Where the service sits; `.` for the fleet.
    pub path: BString,
    /// The branch; none when HEAD is detached, or is not known.
    pub branch: Option<BString>,
    /// The remote and the short name of the branch there; none where nothing is to be pushed.
    pub target: Option<BString>,
    /// How many commits were new to the remote.
    pub commits: usize,
    /// What became of it.
    pub outcome: Outcome<PushStep>,
}

/// What was done with a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushStep {
    /// It was pushed.
    Pushed,
    /// It was pushed, and is new at the remote.
    Created,
    /// The remote has its commits.
    Unchanged,
    /// There is no worktree.
    Uninitialised,
}

impl From<PushStep> for &'static str {
    fn from(step: PushStep) -> Self {
        match step {
            PushStep::Pushed => "pushed",
            PushStep::Created => "created",
            PushStep::Unchanged => "unchanged",
            PushStep::Uninitialised => "uninitialised",
        }
    }
}

impl PushedBranch {
    /// One that nothing more is known of.
    pub fn ended(path: BString, outcome: Outcome<PushStep>) -> Self {
        Self {
            path,
            branch: None,
            target: None,
            commits: 0,
            outcome,
        }
    }
}

impl Pushed {
    /// The services, then the fleet.
    pub fn all(&self) -> impl Iterator<Item = &PushedBranch> {
        self.services.iter().chain([&self.fleet])
    }

    /// The exit code ([`Exit::worst`]).
    pub fn exit(&self) -> Exit {
        Exit::worst(self.all().map(|one| one.outcome.exit()))
    }
}

/// That the fleet stays where it is, since others could not clone these services at their pins.
pub fn unpublished(mut errors: Vec<Error>) -> Error {
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let error = match said.len() {
        1 => return errors.remove(0),
        count => Error::repository(format!(
            "{count} pins are not where .gitmodules says, so the fleet was not pushed"
        )),
    };
    let hints = errors.iter().flat_map(|error| error.hints().to_vec());
    hints.fold(error.because(said.join("\n")), Error::hint)
}
