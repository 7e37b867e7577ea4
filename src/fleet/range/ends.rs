//! The two commits to compare.

use gix::ObjectId;

use crate::model::{
    change::{Base, BaseKind, End, Warning, WarningKind},
    success::Exceptions,
};

/// Two ends, looked up.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The older one.
    pub base: Base,
    /// The newer one.
    pub head: End,
    /// Services that are compared with another commit of the fleet than `base`, since they last succeeded there.
    pub exceptions: Exceptions,
    /// What is worth saying about the way they were found.
    pub warnings: Vec<Warning>,
}

impl Ends {
    /// `head` against `commit`, which was named `rev`; none for the empty tree.
    pub(super) fn new(
        rev: impl Into<String>,
        commit: Option<ObjectId>,
        kind: BaseKind,
        head: End,
    ) -> Self {
        Self {
            base: Base {
                rev: rev.into(),
                commit,
                kind,
            },
            head,
            exceptions: Exceptions::new(),
            warnings: Vec::new(),
        }
    }

    /// With a warning about its base.
    pub(super) fn warn(mut self, message: String) -> Self {
        self.warnings.push(Warning {
            path: None,
            kind: WarningKind::ApproximateBase,
            message,
        });
        self
    }

    /// With a warning where base and head, which nobody named both, are one commit.
    pub(super) fn warn_if_same(self) -> Self {
        if self.base.commit != Some(self.head.commit) {
            return self;
        }
        let warning = format!(
            "all of {} is in {} already: there is nothing to compare",
            self.head.rev, self.base.rev
        );
        self.warn(warning)
    }
}
