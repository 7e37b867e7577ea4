//! Folders on the way to a file.

use std::{fs, path::Path};

use super::cannot::cannot;
use crate::model::error::Result;

/// Makes the folders above `path` that are missing.
///
/// # Errors
/// As [`cannot`] has it.
pub fn create_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|err| cannot("write", parent, err)),
        None => Ok(()),
    }
}
