//! How much of a commit is fetched.

/// How much of a commit is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Its root tree: enough to tell `code/` and `config/` apart from what they were.
    Trees,
    /// All of its trees, and its `.gitmodules`: what lists of files, globs and nested submodules need.
    AllTrees,
    /// Its trees and small files down to the third folder: `code/Dockerfile`, `code/docker/Dockerfile`.
    UpperFiles,
}

impl Depth {
    /// The filters to ask a server for, the best one first: a server may refuse some of them (git-config(1),
    /// `uploadpackfilter.<filter>.allow` and `uploadpackfilter.tree.maxDepth`). None is for whole commits.
    pub(super) fn filters(self) -> impl Iterator<Item = Option<&'static str>> {
        let own = self.filter();
        let others = [Some(Self::AllTrees.filter()), None];
        let others = others.into_iter().filter(move |other| *other != Some(own));
        std::iter::once(Some(own)).chain(others)
    }

    /// The filter that lets just that through (git-rev-list(1)).
    pub(super) fn filter(self) -> &'static str {
        match self {
            Self::Trees => "tree:1",
            Self::AllTrees => "blob:none",
            Self::UpperFiles => "combine:tree:4+blob:limit=64k",
        }
    }
}
