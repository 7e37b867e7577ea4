//! The results of checking out pins in worktrees.

use bstr::BString;
use gix::ObjectId;

use super::{commits::Commits, error::Error, exit::Exit};

/// One submodule, of the fleet or of another submodule.
#[derive(Debug)]
pub struct Synced {
    /// Where it sits, from the fleet's root.
    pub path: BString,
    /// The commit it belongs at; none while its pin is in conflict.
    pub pin: Option<ObjectId>,
    /// What was done.
    pub outcome: SyncOutcome,
}

/// What became of a submodule.
#[derive(Debug)]
pub enum SyncOutcome {
    /// It was there already.
    Current,
    /// Its repository was cloned, and its files written.
    Cloned,
    /// Its repository was there; its files were written.
    CheckedOut,
    /// HEAD moved to the pin.
    Moved {
        /// From where.
        from: ObjectId,
    },
    /// Its worktree moved to its new path, with all that is in it.
    Relocated,
    /// Its own commits were put on top of the pin (`update = rebase`).
    Rebased {
        /// HEAD before.
        from: ObjectId,
        /// HEAD from now on.
        to: ObjectId,
    },
    /// The pin was merged into HEAD (`update = merge`).
    Merged {
        /// HEAD before.
        from: ObjectId,
        /// HEAD from now on.
        to: ObjectId,
    },
    /// Something in it could have been lost, so it was left as it is.
    Left(Error),
    /// It could not be brought.
    Failed(Error),
}

impl SyncOutcome {
    /// Its name in JSON and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Cloned => "cloned",
            Self::CheckedOut => "checked-out",
            Self::Moved { .. } => "moved",
            Self::Relocated => "relocated",
            Self::Rebased { .. } => "rebased",
            Self::Merged { .. } => "merged",
            Self::Left(_) => "left",
            // A signal came first: that is nobody's failure.
            Self::Failed(error) if error.exit().is_signal() => "stopped",
            Self::Failed(_) => "failed",
        }
    }

    /// HEAD before it moved.
    pub fn from(&self) -> Option<ObjectId> {
        match self {
            Self::Moved { from } | Self::Rebased { from, .. } | Self::Merged { from, .. } => {
                Some(*from)
            }
            _ => None,
        }
    }

    /// HEAD from now on, where it has more than the pin.
    pub fn beyond(&self) -> Option<ObjectId> {
        match self {
            Self::Rebased { to, .. } | Self::Merged { to, .. } => Some(*to),
            _ => None,
        }
    }

    /// Why it is not where it belongs.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Left(error) | Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

/// The exit code of a run ([`Exit::worst`]).
pub fn exit(all: &[Synced]) -> Exit {
    let codes = all.iter().map(|synced| match &synced.outcome {
        SyncOutcome::Left(_) => Exit::Repository,
        SyncOutcome::Failed(error) => match error.exit() {
            // A full disk is no fault of what was to be written.
            exit if exit.is_signal() || exit == Exit::Unavailable => exit,
            _ => Exit::WorkFailed,
        },
        _ => Exit::Done,
    });
    Exit::worst(codes)
}

/// What became of pins that follow their branches.
#[derive(Debug)]
pub struct Followed {
    /// The submodules, sorted by path; of a run that only shows, those alone whose branch could not be found.
    pub synced: Vec<Synced>,
    /// The pins that move.
    pub moves: Vec<Move>,
    /// The fleet's commit that records them, if one was asked for.
    pub commit: Option<ObjectId>,
}

/// A pin that goes to the end of its branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where the service sits.
    pub path: BString,
    /// The branch; none when the remote's HEAD is on none.
    pub branch: Option<BString>,
    /// The pin before.
    pub from: ObjectId,
    /// The pin from now on.
    pub to: ObjectId,
    /// The commits that it brings; none where the history is not here.
    pub gained: Option<Commits>,
    /// The commits that go: some when the branch went back, or was rewritten.
    pub lost: Option<Commits>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides() {
        let of = |outcomes: Vec<SyncOutcome>| {
            let synced = |outcome| Synced {
                path: "a".into(),
                pin: None,
                outcome,
            };
            exit(&outcomes.into_iter().map(synced).collect::<Vec<_>>())
        };
        let left = || SyncOutcome::Left(Error::repository("dirty"));
        let failed = || SyncOutcome::Failed(Error::repository("no such commit"));
        let stopped = || SyncOutcome::Failed(Error::new(Exit::Interrupted, "interrupted"));
        assert_eq!(of(vec![]), Exit::Done);
        assert_eq!(of(vec![SyncOutcome::Current, left()]), Exit::Repository);
        assert_eq!(of(vec![left(), failed()]), Exit::Repository);
        assert_eq!(of(vec![SyncOutcome::Current, failed()]), Exit::WorkFailed);
        assert_eq!(of(vec![failed(), stopped()]), Exit::Interrupted);
        assert_eq!((failed().name(), stopped().name()), ("failed", "stopped"));
    }

    #[test]
    fn whoever_stayed_behind_says_why() {
        let pin = ObjectId::null(gix::hash::Kind::Sha1);
        for (outcome, why) in [
            (SyncOutcome::Current, None),
            (SyncOutcome::Cloned, None),
            (SyncOutcome::CheckedOut, None),
            (SyncOutcome::Moved { from: pin }, None),
            (SyncOutcome::Relocated, None),
            (SyncOutcome::Rebased { from: pin, to: pin }, None),
            (SyncOutcome::Merged { from: pin, to: pin }, None),
            (SyncOutcome::Left(Error::repository("dirty")), Some("dirty")),
            (SyncOutcome::Failed(Error::work("broken")), Some("broken")),
        ] {
            let said = outcome.error().map(ToString::to_string);
            assert_eq!(said.as_deref(), why, "{}", outcome.name());
        }
    }
}
