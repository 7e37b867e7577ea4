//! Folders: those on the way to a file, and temporary ones.

use std::{env, fs, path::Path};

use tempfile::TempDir;

use super::cannot::cannot;
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

/// A new, empty folder where the system keeps temporary files; it goes away when it is dropped.
///
/// # Errors
/// As [`cannot`] has it.
pub(crate) fn temporary_folder() -> Result<TempDir> {
    tempfile::tempdir()
        .map_err(|err| cannot("create a temporary directory in", &env::temp_dir(), err))
}
