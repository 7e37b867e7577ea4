//! Small facts of a fleet, kept for later runs as one file of JSON in its git directory. It is written whole; of two runs at a
//! time the last one wins, and the other's facts are found out again.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    files,
    git::repository::Repository,
    model::error::{Error, Result},
};

/// Which images the Dockerfiles at pins name.
pub(crate) const IMAGES: &str = "image-references";

/// How long services took to build.
pub(crate) const DURATIONS: &str = "durations";

/// Facts by their keys.
pub(crate) struct FactFile<T> {
    path: PathBuf,
    /// What is known.
    pub facts: BTreeMap<String, T>,
}

impl<T: Serialize + DeserializeOwned> FactFile<T> {
    /// The facts of this name. A file that is not there, or cannot be read, holds none.
    pub(crate) fn open(fleet: &Repository, name: &str) -> Self {
        let path = path(fleet, name);
        let bytes = files::read_own(&path).unwrap_or_default();
        Self {
            facts: serde_json::from_slice(&bytes).unwrap_or_default(),
            path,
        }
    }

    /// Writes them, for `fleet`. That they cannot be kept is no reason to stop.
    pub(crate) fn write(&self, fleet: &Repository) {
        if let Ok(json) = serde_json::to_vec(&self.facts) {
            let write = || -> io::Result<()> {
                let sharing = fleet.sharing();
                sharing.create_parent(&self.path, 1)?;
                files::replace(&self.path, &json)?;
                sharing.apply(&self.path)
            };
            let _ = write();
        }
    }
}

/// What such a file takes up.
pub(crate) struct FactUsage {
    /// The file; it need not exist.
    pub path: PathBuf,
    /// How many facts it holds.
    pub entries: usize,
    /// What it takes on disk, in bytes.
    pub bytes: u64,
}

/// What the facts of this name take up.
pub(crate) fn usage(fleet: &Repository, name: &str) -> FactUsage {
    let file = FactFile::<serde_json::Value>::open(fleet, name);
    // A file that is not there takes nothing.
    let bytes = fs::metadata(&file.path).map_or(0, |found| found.blocks() * 512);
    FactUsage {
        entries: file.facts.len(),
        path: file.path,
        bytes,
    }
}

/// Forgets the facts of this name.
///
/// # Errors
/// Unavailable: the file is there and cannot be removed.
pub(crate) fn clear(fleet: &Repository, name: &str) -> Result<()> {
    let path = path(fleet, name);
    match fs::remove_file(&path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            let message = format!("cannot remove `{}`", path.display());
            Err(Error::unavailable(message).because(err))
        }
        _ => Ok(()),
    }
}

fn path(fleet: &Repository, name: &str) -> PathBuf {
    Path::new(fleet.caches()).join("flota").join(name)
}
