//! Files and folders that a command writes.

use std::{fs, io, path::Path};

use crate::model::error::{Error, Result};

/// Makes the folders above `path` that are missing.
pub(crate) fn create_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|err| cannot(parent, err)),
        None => Ok(()),
    }
}

/// That `path` cannot be written.
pub(crate) fn cannot(path: &Path, err: io::Error) -> Error {
    Error::unavailable(format!("cannot write `{}`", path.display())).because(err)
}
