//! What is compared: two trees.

use gix::ObjectId;

use crate::{
    fleet::range::Ends,
    git::{Objects, gitmodules, repository::Repository},
    model::error::Result,
};

/// The root trees of the two ends.
pub(super) struct Trees {
    pub base: Option<ObjectId>,
    pub head: Option<ObjectId>,
}

impl Trees {
    pub(super) fn of(repository: &Repository, ends: &Ends) -> Result<Self> {
        Self::of_commits(repository, ends.base.commit, ends.head.commit)
    }

    /// Those of two commits; without a base, of the empty tree, and with zeros for the head, too.
    pub(super) fn of_commits(
        repository: &Repository,
        base: Option<ObjectId>,
        head: ObjectId,
    ) -> Result<Self> {
        let trees = Self {
            base: base.map(|commit| repository.tree_of(commit)).transpose()?,
            head: match head.is_null() {
                true => None,
                false => Some(repository.tree_of(head)?),
            },
        };
        let roots: Vec<_> = trees.each().collect();
        gitmodules::obtain(Objects::new(&repository.objects()), &roots)?;
        Ok(trees)
    }

    /// Those that there are.
    pub(super) fn each(&self) -> impl Iterator<Item = ObjectId> {
        self.base.into_iter().chain(self.head)
    }
}
