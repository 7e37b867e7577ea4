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
        let base = ends
            .base
            .commit
            .map(|commit| repository.tree_of(commit))
            .transpose()?;
        let head = match ends.head.commit.is_null() {
            true => None,
            false => Some(repository.tree_of(ends.head.commit)?),
        };
        let trees = Self { base, head };
        let roots: Vec<_> = trees.each().collect();
        gitmodules::obtain(Objects::new(&repository.objects()), &roots)?;
        Ok(trees)
    }

    /// Those that there are.
    pub(super) fn each(&self) -> impl Iterator<Item = ObjectId> {
        self.base.into_iter().chain(self.head)
    }
}
