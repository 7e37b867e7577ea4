//! Folders: those on the way to a file, and temporary ones.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{cannot::cannot, write::TEMPORARY};
use crate::model::error::Result;

/// Makes the folders above `path` that are missing.
///
/// # Errors
/// As [`cannot`] has it.
pub(crate) fn create_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|err| cannot("write", parent, err)),
        None => Ok(()),
    }
}

/// The same with the mode of the folder that is there already above them: who may write into a git directory may write everywhere
/// in it (git-config(1), `core.sharedRepository`).
///
/// # Errors
/// As [`cannot`] has it.
pub(crate) fn create_parent_alike(path: &Path) -> Result<()> {
    let mut missing: Vec<_> = path.ancestors().skip(1).collect();
    let Some(known) = missing.iter().position(|above| above.is_dir()) else {
        return create_parent(path);
    };
    let above = missing[known];
    missing.truncate(known);
    let mode = fs::metadata(above).map_err(|err| cannot("read", above, err))?;
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            // Another service's, at the same time.
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Ok(()) => fs::set_permissions(folder, mode.permissions()),
            Err(err) => Err(err),
        }
        .map_err(|err| cannot("write", folder, err))?;
    }
    Ok(())
}

/// A new, empty folder where the system keeps temporary files; it goes away when it is dropped.
///
/// # Errors
/// As [`cannot`] has it.
pub(crate) fn temporary_folder() -> Result<TempDir> {
    tempfile::tempdir().map_err(|err| {
        cannot("create a temporary directory in", &env::temp_dir(), err)
            .hint("TMPDIR names the directory to use instead")
    })
}

/// A new, empty folder in `folder`, where what is in it has to be or where the space is; it goes away when it is dropped. What a
/// killed run leaves has a name that begins with [`TEMPORARY`].
///
/// # Errors
/// As [`cannot`] has it.
pub(crate) fn temporary_folder_in(folder: &Path) -> Result<TempDir> {
    TempDir::with_prefix_in(TEMPORARY, folder)
        .map_err(|err| cannot("create a temporary directory in", folder, err))
}

/// Moves all that is in the folder `from` into the folder `to`, which has none of these names and keeps its own mode and owner;
/// what is called `last` goes last. Both are on one file system. If one thing cannot be moved, what was moved goes back.
///
/// # Errors
/// What the system says.
pub(crate) fn move_into(from: &Path, to: &Path, last: &str) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        names.push(entry?.file_name());
    }
    names.sort_by_key(|name| name == last);
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    for name in names {
        let step = (from.join(&name), to.join(&name));
        if let Err(err) = fs::rename(&step.0, &step.1) {
            for (from, to) in moved {
                // The reason why it stopped is the one to tell.
                let _ = fs::rename(to, from);
            }
            return Err(err);
        }
        moved.push(step);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn all_of_it_moves_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("from/sub")).unwrap();
        fs::write(at("from/a"), "").unwrap();
        fs::write(at("from/.git"), "").unwrap();
        // In the way of the one that goes last.
        fs::create_dir_all(at("to/.git/full")).unwrap();
        assert!(move_into(&at("from"), &at("to"), ".git").is_err());
        assert_eq!(names(&at("from")), [".git", "a", "sub"]);
        assert_eq!(names(&at("to")), [".git"]);
        fs::remove_dir_all(at("to/.git")).unwrap();
        move_into(&at("from"), &at("to"), ".git").unwrap();
        assert!(names(&at("from")).is_empty());
        assert_eq!(names(&at("to")), [".git", "a", "sub"]);
    }
}
