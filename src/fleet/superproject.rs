//! The fleet that a service is checked out in: whoever stands in the service's folder means it.

use std::path::Path;

use crate::{
    git::{index, repository::Repository},
    model::fleet::NESTING_LIMIT,
};

/// The repository in whose worktree `repository` is a submodule, or a submodule of one: the outermost. Without one, it itself.
pub(crate) fn outermost(repository: Repository) -> Repository {
    let mut outermost = repository;
    for _ in 0..NESTING_LIMIT {
        match around(&outermost) {
            Some(fleet) => outermost = fleet,
            None => break,
        }
    }
    outermost
}

/// The repository whose index has a gitlink where `repository` is checked out (git-rev-parse(1), `--show-superproject-working-tree`).
fn around(repository: &Repository) -> Option<Repository> {
    repository.work_dir()?;
    let folder = repository.folder().ok()?;
    let above = Repository::discover(folder.parent()?).ok()?;
    let root = above.work_dir().and(above.folder().ok())?;
    let path = folder.strip_prefix(&root).ok()?;
    is_link(&above, path).then_some(above)
}

fn is_link(fleet: &Repository, path: &Path) -> bool {
    index::is_gitlink(fleet, path).unwrap_or_default()
}
