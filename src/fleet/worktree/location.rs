//! Where a service's files are: the one way from a path in the fleet's index to a directory on the disk.

use std::path::{Path, PathBuf};

use bstr::BStr;

use crate::{
    git::{path, worktree},
    model::error::{Error, Result},
};

/// The folder of the submodule at `path` below `root`, whether it is there or not.
///
/// # Errors
/// Repository: the path leaves `root`, or a symbolic link or a file is in its way.
pub(crate) fn of(root: &Path, path: &BStr) -> Result<PathBuf> {
    let relative = path::relative("path", path)?;
    if !worktree::has_real_parents(root, &relative) {
        return Err(Error::repository(format!(
            "a symbolic link or a file is in the way of `{path}`"
        )));
    }
    Ok(root.join(relative))
}

/// The same of one that is initialised; none where there is no repository.
///
/// # Errors
/// As for [`of`].
pub(crate) fn initialised(root: &Path, path: &BStr) -> Result<Option<PathBuf>> {
    let folder = of(root, path)?;
    Ok(folder.join(".git").exists().then_some(folder))
}
