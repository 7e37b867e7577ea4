//! Pins that a merge of the fleet left in conflict.

use bstr::BString;
use gix::ObjectId;

use super::{commits::Commits, error::Error, exit::Exit};

/// One service whose pin the two sides of a merge moved apart.
#[derive(Debug)]
pub struct Conflict {
    /// Where the service sits.
    pub path: BString,
    /// The pin that both sides began with; none when both added the service.
    pub base: Option<ObjectId>,
    /// The pin of the side that was merged into; none when it has no submodule there.
    pub ours: Option<ObjectId>,
    /// The pin of the side that was merged; none when it has no submodule there.
    pub theirs: Option<ObjectId>,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a conflict.
#[derive(Debug)]
pub enum Verdict {
    /// One side's commit contains the other's: it is the pin.
    Settled(ObjectId),
    /// Both have commits of their own: somebody has to merge them, or to choose.
    Diverged {
        /// What only our side has.
        ours: Commits,
        /// What only theirs has.
        theirs: Commits,
        /// Says so, with the commands that show it.
        error: Error,
    },
    /// Nobody can tell which contains which.
    Open(Error),
}

impl Conflict {
    /// The pin, if it is settled.
    pub fn pin(&self) -> Option<ObjectId> {
        match self.verdict {
            Verdict::Settled(pin) => Some(pin),
            Verdict::Diverged { .. } | Verdict::Open(_) => None,
        }
    }

    /// Why it is not settled.
    pub fn error(&self) -> Option<&Error> {
        match &self.verdict {
            Verdict::Settled(_) => None,
            Verdict::Diverged { error, .. } | Verdict::Open(error) => Some(error),
        }
    }
}

/// The exit code: what is left open is the repository's state.
pub fn exit(conflicts: &[Conflict]) -> Exit {
    match conflicts.iter().all(|conflict| conflict.pin().is_some()) {
        true => Exit::Done,
        false => Exit::Repository,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_open_conflict_leaves_the_repository_unsettled() {
        let pin = ObjectId::null(gix::hash::Kind::Sha1);
        let conflict = |verdict| Conflict {
            path: "web".into(),
            base: None,
            ours: Some(pin),
            theirs: None,
            verdict,
        };
        let settled = || conflict(Verdict::Settled(pin));
        let open = || conflict(Verdict::Open(Error::repository("no history")));
        assert_eq!(settled().pin(), Some(pin));
        assert!(settled().error().is_none());
        assert_eq!(open().pin(), None);
        assert_eq!(open().error().unwrap().to_string(), "no history");
        for (conflicts, want) in [
            (vec![], Exit::Done),
            (vec![settled()], Exit::Done),
            (vec![settled(), open()], Exit::Repository),
        ] {
            assert_eq!(exit(&conflicts), want);
        }
    }
}
