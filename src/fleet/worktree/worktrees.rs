//! What a run needs to bring worktrees to their pins.

use std::path::Path;

use tempfile::TempDir;

use crate::{
    files,
    fleet::parent::Parent,
    git::{network::clone::Access, vet::Link},
    model::{error::Result, event::Events},
};

/// What brings worktrees to their pins.
pub(in crate::fleet) struct Worktrees<'a> {
    /// The way to servers.
    pub access: Access<'a>,
    /// Where new clones grow: beside the fleet's git directory, so that a rename puts them in place.
    pub scratch: TempDir,
    /// Where progress goes.
    pub events: Events<'a>,
    /// Whether files may go that git ignores, and that a commit to check out holds.
    pub overwrites_ignored: bool,
}

impl Worktrees<'_> {
    /// A new folder where clones grow.
    pub(super) fn folder(&self) -> Result<TempDir> {
        tempfile::tempdir_in(self.scratch.path())
            .map_err(|err| files::cannot("write", self.scratch.path(), err))
    }
}

/// A worktree, and what is to become of it.
pub(super) struct Place<'a> {
    pub parent: &'a Parent,
    pub link: &'a Link,
    pub git_dir: &'a Path,
    pub work_dir: &'a Path,
}
