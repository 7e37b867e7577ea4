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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_path_that_leaves_the_fleet_has_no_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("repos/web/.git")).unwrap();
        symlink("/", root.join("link")).unwrap();
        for (path, is_initialised) in [("repos/web", true), ("repos", false), ("a/b", false)] {
            assert_eq!(of(root, path.into()).unwrap(), root.join(path));
            let found = initialised(root, path.into()).unwrap();
            assert_eq!(found, is_initialised.then(|| root.join(path)), "{path}");
        }
        for path in ["../web", "/web", "repos/../../web", "link/web"] {
            assert!(of(root, path.into()).is_err(), "{path}");
            assert!(initialised(root, path.into()).is_err(), "{path}");
        }
    }
}
