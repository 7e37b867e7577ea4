//! The state of a service's worktree, compared with its pin, its last commit and its remote.

use bstr::BString;
use gix::ObjectId;
use serde::Serialize;

use super::{error::Error, fleet::Gitlink};

/// One submodule of the fleet.
#[derive(Debug)]
pub struct ServiceStatus {
    /// Where it sits.
    pub path: BString,
    /// The commit that the fleet's index records; none while it is in conflict.
    pub pin: Option<ObjectId>,
    /// What was found.
    pub state: ServiceState,
    /// Its own submodules, and theirs, by their paths from the fleet's root, sorted.
    pub nested: Vec<ServiceStatus>,
}

/// What was found of a submodule.
#[derive(Debug)]
pub enum ServiceState {
    /// There is no repository in its worktree.
    Uninitialised,
    /// There is one.
    Here(Worktree),
    /// It cannot be read.
    Unreadable(Error),
}

impl ServiceState {
    /// Why it cannot be read.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Unreadable(error) => Some(error),
            _ => None,
        }
    }
}

/// A submodule's worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// The branch that HEAD is on; none when it is detached.
    pub branch: Option<BString>,
    /// The commit of HEAD; none before the first.
    pub head: Option<ObjectId>,
    /// HEAD seen from the pin.
    pub standing: Standing,
    /// What is in no commit.
    pub changes: Changes,
    /// How many of HEAD's commits no remote-tracking branch has.
    pub unpushed: usize,
    /// How many stashes it has (git-stash(1)).
    pub stashes: usize,
    /// How many commits its branch's upstream has that the branch lacks, as far as is known.
    pub behind: usize,
    /// What was begun in it and has to be finished.
    pub operation: Option<Operation>,
    /// The submodules that its index records, and their pins.
    pub submodules: Vec<Gitlink>,
}

/// A command of git that has stopped halfway, and that `--continue` finishes (`git bisect reset`, for a bisection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// `git rebase`
    Rebase,
    /// `git am`
    Am,
    /// `git merge`
    Merge,
    /// `git cherry-pick`
    CherryPick,
    /// `git revert`
    Revert,
    /// `git bisect`
    Bisect,
}

impl Operation {
    /// The command, without `git`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rebase => "rebase",
            Self::Am => "am",
            Self::Merge => "merge",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        }
    }
}

/// HEAD seen from the pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Standing {
    /// They are one.
    InStep,
    /// HEAD has commits that the pin lacks.
    Ahead {
        /// How many.
        ahead: usize,
    },
    /// The pin has commits that HEAD lacks.
    Behind {
        /// How many.
        behind: usize,
    },
    /// Both.
    Diverged {
        /// How many HEAD has alone.
        ahead: usize,
        /// How many the pin has alone.
        behind: usize,
    },
    /// The pin's commit is not here: it was not fetched yet.
    PinMissing,
    /// There is no pin, or no HEAD, to compare.
    Unknown,
}

/// Files that differ from HEAD, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// In the index.
    pub staged: usize,
    /// In the worktree, beside the index.
    pub unstaged: usize,
    /// In the worktree, unknown to the index and not ignored; a folder of such counts as one.
    pub untracked: usize,
    /// In conflict.
    pub conflicted: usize,
}

impl ServiceStatus {
    /// Whether somebody should look at it, or at one of its own submodules.
    pub fn needs_attention(&self) -> bool {
        let nested = || self.nested.iter().any(Self::needs_attention);
        self.needs_attention_itself() || nested()
    }

    /// The same without its submodules.
    pub fn needs_attention_itself(&self) -> bool {
        match &self.state {
            ServiceState::Here(worktree) => {
                self.pin.is_none()
                    || worktree.standing != Standing::InStep
                    || worktree.changes != Changes::default()
                    || worktree.unpushed > 0
                    || worktree.operation.is_some()
                    || worktree.stashes > 0
                    || worktree.behind > 0
            }
            ServiceState::Uninitialised | ServiceState::Unreadable(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_elsewhere_or_could_be_lost_needs_attention() {
        let id = ObjectId::null(gix::hash::Kind::Sha1);
        let pin = id;
        let calm = Worktree {
            branch: None,
            head: Some(pin),
            standing: Standing::InStep,
            changes: Changes::default(),
            unpushed: 0,
            operation: None,
            stashes: 0,
            behind: 0,
            submodules: Vec::new(),
        };
        let with = |change: fn(&mut Worktree)| {
            let mut worktree = calm.clone();
            change(&mut worktree);
            ServiceState::Here(worktree)
        };
        for (pin, state, want) in [
            (Some(pin), with(|_| ()), false),
            (Some(pin), with(|it| it.branch = Some("main".into())), false),
            (None, with(|_| ()), true),
            (
                Some(pin),
                with(|it| it.standing = Standing::Ahead { ahead: 1 }),
                true,
            ),
            (
                Some(pin),
                with(|it| it.standing = Standing::PinMissing),
                true,
            ),
            (Some(pin), with(|it| it.changes.untracked = 1), true),
            (Some(pin), with(|it| it.unpushed = 1), true),
            (
                Some(pin),
                with(|it| it.operation = Some(Operation::Bisect)),
                true,
            ),
            (Some(pin), with(|it| it.stashes = 1), true),
            (Some(pin), with(|it| it.behind = 1), true),
            (Some(pin), ServiceState::Uninitialised, true),
            (
                Some(pin),
                ServiceState::Unreadable(Error::repository("damaged")),
                true,
            ),
        ] {
            let path = "web".into();
            let nested = Vec::new();
            let status = ServiceStatus {
                path,
                pin,
                state,
                nested,
            };
            assert_eq!(status.needs_attention(), want, "{status:?}");
            // What befalls a submodule of its own befalls it.
            let above = ServiceStatus {
                path: "api".into(),
                pin: status.pin.or(Some(id)),
                state: with(|_| ()),
                nested: vec![status],
            };
            assert_eq!(above.needs_attention(), want, "{above:?}");
            assert!(!above.needs_attention_itself(), "{above:?}");
        }
    }
}
