//! What is left of services that the fleet does not link any more.

use bstr::BString;

use super::{
    error::Error,
    exit::Exit,
    status::{Changes, Operation},
};

/// One of them, in which somebody's work may be.
#[derive(Debug)]
pub struct Leftover {
    /// Where its worktree is, or was, from the fleet's root.
    pub path: BString,
    /// Its name, by which git keeps its git directory.
    pub name: BString,
    /// What is in it alone.
    pub work: LocalWork,
    /// Why it cannot be read.
    pub error: Option<Error>,
}

/// Work that no remote has, as far as the last fetch or push tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalWork {
    /// What is in no commit.
    pub changes: Changes,
    /// How many commits, of HEAD and all branches, no remote-tracking branch has.
    pub unpushed: usize,
    /// How many times `git stash` put something away.
    pub stashes: usize,
    /// What was begun in it and has to be finished.
    pub operation: Option<Operation>,
}

impl Leftover {
    /// Whether something could be lost with it, or nobody can tell.
    pub fn holds_work(&self) -> bool {
        self.error.is_some() || self.work != LocalWork::default()
    }
}

/// What became of a leftover that was to be removed.
#[derive(Debug)]
pub struct Pruned {
    /// Where its worktree was, from the fleet's root.
    pub path: BString,
    /// Its name.
    pub name: BString,
    /// Why it is still there; none when worktree and git directory are gone.
    pub left: Option<Error>,
}

impl Pruned {
    /// What became of it, in JSON and tables.
    pub fn outcome(&self) -> &'static str {
        match self.left {
            None => "removed",
            Some(_) => "left",
        }
    }
}

/// The exit code: that of the worst reason to leave one.
pub fn exit(pruned: &[Pruned]) -> Exit {
    let left = pruned.iter().filter_map(|one| one.left.as_ref());
    Exit::worst(left.map(Error::exit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_be_lost_is_work() {
        let with = |change: fn(&mut Leftover)| {
            let mut one = Leftover {
                path: "web".into(),
                name: "web".into(),
                work: LocalWork::default(),
                error: None,
            };
            change(&mut one);
            one.holds_work()
        };
        assert!(!with(|_| ()));
        assert!(with(|it| it.work.changes.untracked = 1));
        assert!(with(|it| it.work.unpushed = 1));
        assert!(with(|it| it.work.stashes = 1));
        assert!(with(|it| it.work.operation = Some(Operation::Am)));
        assert!(with(|it| it.error = Some(Error::repository("damaged"))));
    }

    #[test]
    fn the_worst_reason_decides() {
        let pruned = |left| Pruned {
            path: "web".into(),
            name: "web".into(),
            left,
        };
        let all = [pruned(None), pruned(Some(Error::repository("dirty")))];
        assert_eq!(exit(&all[..1]), Exit::Done);
        assert_eq!(exit(&all), Exit::Repository);
        assert_eq!([all[0].outcome(), all[1].outcome()], ["removed", "left"]);
    }
}
