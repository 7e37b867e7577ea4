//! Services that switch to a branch.

use bstr::BString;
use gix::ObjectId;

use super::{
    error::Error,
    exit::Exit,
    sync::{self, Synced},
};

/// One service.
#[derive(Debug)]
pub struct Switched {
    /// Where it sits.
    pub path: BString,
    /// The branch it was on; none when its HEAD was detached, or is not known.
    pub from: Option<BString>,
    /// The commit it goes to; none when it goes nowhere.
    pub to: Option<ObjectId>,
    /// What became of it.
    pub outcome: SwitchOutcome,
    /// What became of its own submodules, which go to the pins of the branch; those that were there are left out.
    pub nested: Vec<Synced>,
}

/// What became of a service.
#[derive(Debug)]
pub enum SwitchOutcome {
    /// It was on the branch already.
    Current,
    /// It went to the branch.
    Switched,
    /// The branch was made from the remote's, which it follows.
    Tracking,
    /// The branch was made where HEAD was.
    Created,
    /// It has no such branch, and nobody named it: it stays where it is.
    Absent,
    /// There is no worktree to switch.
    Uninitialised,
    /// Work could have been lost, or git does not switch in its state: it stays where it is.
    Refused(Error),
    /// It could not be switched.
    Failed(Error),
}

impl SwitchOutcome {
    /// Its name in JSON and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Switched => "switched",
            Self::Tracking => "tracking",
            Self::Created => "created",
            Self::Absent => "absent",
            Self::Uninitialised => "uninitialised",
            Self::Refused(_) => "refused",
            Self::Failed(error) if error.exit().is_signal() => "stopped",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it is not on the branch.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Refused(error) | Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

/// The exit code of a run ([`Exit::worst`]).
pub fn exit(all: &[Switched]) -> Exit {
    let codes = all.iter().map(|one| match &one.outcome {
        SwitchOutcome::Refused(_) => Exit::Repository,
        SwitchOutcome::Failed(error) if error.exit().is_signal() => error.exit(),
        SwitchOutcome::Failed(_) => Exit::WorkFailed,
        _ => Exit::Done,
    });
    let nested = all.iter().map(|one| sync::exit(&one.nested));
    Exit::worst(codes.chain(nested))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_counts_before_a_refusal_and_that_before_failed_work() {
        use SwitchOutcome as Outcome;
        let refused = || Outcome::Refused(Error::repository("dirty"));
        let failed = || Outcome::Failed(Error::repository("damaged"));
        let stopped = || Outcome::Failed(Error::new(Exit::Interrupted, "interrupted"));
        for (outcomes, want) in [
            (vec![], Exit::Done),
            (vec![Outcome::Switched, Outcome::Absent], Exit::Done),
            (vec![Outcome::Current, refused()], Exit::Repository),
            (vec![Outcome::Current, failed()], Exit::WorkFailed),
            (vec![failed(), refused()], Exit::Repository),
            (vec![failed(), stopped(), refused()], Exit::Interrupted),
        ] {
            let errors = outcomes.iter().filter_map(Outcome::error).count();
            let switched = |outcome| Switched {
                path: "web".into(),
                from: None,
                to: None,
                outcome,
                nested: Vec::new(),
            };
            let all: Vec<_> = outcomes.into_iter().map(switched).collect();
            assert_eq!(exit(&all), want, "{all:?}");
            let is_told =
                |one: &&Switched| matches!(one.outcome.name(), "refused" | "failed" | "stopped");
            assert_eq!(errors, all.iter().filter(is_told).count(), "{all:?}");
        }
    }
}
