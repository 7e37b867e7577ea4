//! Stores of what was fetched, a folder of them together: what they take up, who writes to one, and how they go.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::scratch::FOLDER;
use crate::{
    git::{network::reachability, repository::Repository},
    interrupt,
    model::error::{Error, Result},
};

/// How long another run may keep the lock: longer than any fetch takes.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);

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
    usage_of(fleet.common_dir().join(FOLDER))
}

/// The same of the stores of commits alone that [`branches`] keeps.
///
/// # Errors
/// They are there and cannot be read.
pub fn usage_of_histories(fleet: &Repository) -> Result<Usage> {
    usage_of(reachability::folder(fleet))
}

fn usage_of(path: PathBuf) -> Result<Usage> {
    let unreadable = |err: io::Error| {
        Error::unavailable(format!("cannot read `{}`", path.display())).because(err)
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

/// Removes the stores of `fleet`, of both kinds, but for those that another run is just writing to.
///
/// # Errors
/// One cannot be removed, or is in use.
pub fn clear(fleet: &Repository) -> Result<()> {
    let mut in_use = 0;
    for folder in [fleet.common_dir().join(FOLDER), reachability::folder(fleet)] {
        let cannot = |err: io::Error| {
            let folder = folder.display();
            Error::unavailable(format!("cannot remove what is in `{folder}`")).because(err)
        };
        for store in stores(&folder).map_err(cannot)? {
            // The lock's file stays: another run may be about to take it.
            let lock = File::create(store.with_extension("lock")).map_err(cannot)?;
            match lock.try_lock() {
                Ok(()) => remove(&store).map_err(cannot)?,
                Err(TryLockError::WouldBlock) => in_use += 1,
                Err(TryLockError::Error(err)) => return Err(cannot(err)),
            }
        }
    }
    match in_use {
        0 => Ok(()),
        _ => Err(Error::unavailable(format!(
            "another run of flota is fetching, and {in_use} of the repositories it fetches into stay"
        ))
        .hint("when it is done: flota cache --clear")),
    }
}

/// Waits until no other run writes to `store`. The lock goes with the process that holds it, however that ends.
///
/// # Errors
/// Unavailable: the lock's file cannot be written, or another run holds it for too long. The code of the signal, when flota
/// is interrupted.
pub(in crate::git) fn hold(store: &Path) -> Result<File> {
    let cannot = |err: io::Error| {
        Error::unavailable(format!("cannot write `{}`", store.display())).because(err)
    };
    fs::create_dir_all(store.parent().unwrap_or(store)).map_err(cannot)?;
    let file = File::create(store.with_extension("lock")).map_err(cannot)?;
    let started = Instant::now();
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(
                exit,
                "interrupted while another run of flota fetches",
            ));
        }
        if started.elapsed() > LOCK_PATIENCE {
            let store = store.display();
            return Err(Error::unavailable(format!(
                "another run of flota holds `{store}`"
            )));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(file)
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
