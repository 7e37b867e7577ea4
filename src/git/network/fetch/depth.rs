//! How much of a commit is fetched.

/// How much of a commit is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Its root tree: enough to tell `code/` and `config/` apart from what they were.
    Trees,
    /// All of its trees, and its `.gitmodules`: what lists of files, globs and nested submodules need.
    AllTrees,
    /// Its trees and files down to the third folder: `code/Dockerfile`, `code/docker/Dockerfile`.
    UpperFiles,
}

impl Depth {
    /// The filter that lets just that through (git-rev-list(1)).
    pub(super) fn filter(self) -> &'static str {
        match self {
            Self::Trees => "tree:1",
            Self::AllTrees => "blob:none",
            Self::UpperFiles => "tree:4",
        }
    }
}
