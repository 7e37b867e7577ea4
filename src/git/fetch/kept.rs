//! The scratch stores together: what they take up, and how they go.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::scratch::FOLDER;
use crate::{
    git::repository::Repository,
    model::error::{Error, Result},
};

/// What they take up.
pub struct Usage {
    /// The folder they are in; it need not exist.
    pub path: PathBuf,
    /// How many there are.
    pub entries: usize,
    /// What they take on disk, in bytes.
    pub bytes: u64,
}

/// What the scratch stores of `fleet` take up.
///
/// # Errors
/// They are there and cannot be read.
pub fn usage(fleet: &Repository) -> Result<Usage> {
    let path = fleet.common_dir().join(FOLDER);
    let unreadable = |err: io::Error| {
        Error::environment(format!("cannot read `{}`", path.display())).because(err)
    };
    let entries = stores(&path).map_err(unreadable)?.len();
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(&path)
        .into_iter()
        .filter(|_| path.exists())
    {
        match entry.and_then(|entry| entry.metadata()) {
            Ok(found) => bytes += found.blocks() * 512,
            // A run that is at work removes what it no longer needs.
            Err(err) if err.io_error().is_some_and(is_gone) => {}
            Err(err) => return Err(unreadable(err.into())),
        }
    }
    Ok(Usage {
        path,
        entries,
        bytes,
    })
}

/// Removes the scratch stores of `fleet`, but for those that another run is just writing to.
///
/// # Errors
/// One cannot be removed, or is in use.
pub fn clear(fleet: &Repository) -> Result<()> {
    let folder = fleet.common_dir().join(FOLDER);
    let cannot = |err: io::Error| {
        Error::environment(format!("cannot remove what is in `{}`", folder.display())).because(err)
    };
    let mut in_use = 0;
    for store in stores(&folder).map_err(cannot)? {
        // The lock's file stays: another run may be about to take it.
        let lock = File::create(store.with_extension("lock")).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => remove(&store).map_err(cannot)?,
            Err(TryLockError::WouldBlock) => in_use += 1,
            Err(TryLockError::Error(err)) => return Err(cannot(err)),
        }
    }
    match in_use {
        0 => Ok(()),
        _ => Err(Error::environment(format!(
            "another run of flota is fetching, and {in_use} of the repositories it fetches into stay"
        ))
        .hint("when it is done: flota cache --clear")),
    }
}

/// Away with the name first, so that nobody finds half of it; whoever reads from it keeps what is open.
fn remove(store: &Path) -> io::Result<()> {
    let old = tempfile::Builder::new()
        .prefix("old-")
        .tempdir_in(store.parent().unwrap_or(store))?;
    fs::rename(store, old.path().join("store"))?;
    old.close()
}

/// The folders in `folder`: stores, and what killed runs left of some.
fn stores(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(err) if is_gone(&err) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_gone(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::NotFound
}
