//! Repositories of flota's own, in the git directory that all worktrees of the fleet share: one for each URL and use. Their names,
//! who writes to one, what they take up, and how they go.
//!
//! They are caches: whatever is wrong with one, it is thrown away and filled again.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use bstr::BStr;
use sha2::{Digest, Sha256};

use crate::{
    files::{self, Lock, Sharing},
    git::repository::Repository,
    model::{
        digest,
        error::{Error, Result},
        fleet::without_credentials,
    },
};

/// How long another run may keep the lock: longer than any fetch takes.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);

/// How many bytes of a hash make a name.
const NAME_LENGTH: usize = 16;

/// What a killed run leaves: git's locks and half-written files, flota's folders of what was just arriving.
const LOCKS: [&str; 3] = ["packed-refs.lock", "shallow.lock", "config.lock"];
const BEGUN: [(&str, &str); 4] = [
    ("", "incoming-"),
    ("", files::TEMPORARY),
    ("objects/pack", "tmp_"),
    ("objects", "tmp_"),
];

/// What a store is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A few commits with their trees: what detection compares.
    Trees,
    /// All commits of the branches, without trees: which of them lead where.
    Histories,
}

impl StoreKind {
    /// Each of them.
    const ALL: [Self; 2] = [Self::Trees, Self::Histories];

    /// Where such stores of `fleet` are; it need not exist.
    fn folder(self, fleet: &Repository) -> PathBuf {
        fleet.caches().join(match self {
            Self::Trees => "flota/scratch",
            Self::Histories => "flota/branches",
        })
    }

    /// The place of the store for what comes from `url`. Its name tells nothing, and URLs that differ in logins share it. It
    /// depends on `contents` too: what else makes a difference to what is in it.
    pub(super) fn path(self, fleet: &Repository, url: &BStr, contents: &[&str]) -> PathBuf {
        let mut hasher = Sha256::new();
        let hash = fleet.object_hash().to_string();
        let url = without_credentials(url);
        let parts = [&url[..], hash.as_bytes()];
        for part in parts
            .into_iter()
            .chain(contents.iter().map(|part| part.as_bytes()))
        {
            hasher.update(part);
            hasher.update([0]);
        }
        let name = &hasher.finalize()[..NAME_LENGTH];
        self.folder(fleet).join(digest::hex(name))
    }
}

/// What stores take up.
pub struct Usage {
    /// The folder they are in; it need not exist.
    pub path: PathBuf,
    /// How many there are.
    pub entries: usize,
    /// What they take on disk, in bytes.
    pub bytes: u64,
}

/// What the stores of `fleet` take up.
///
/// # Errors
/// They are there and cannot be read.
pub fn usage(fleet: &Repository, kind: StoreKind) -> Result<Usage> {
    let path = kind.folder(fleet);
    let unreadable = |err| files::cannot("read", &path, err);
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

/// Removes the stores of `fleet`, of every kind, but for those that another run is just writing to.
///
/// # Errors
/// One cannot be removed, or is in use.
pub fn clear(fleet: &Repository) -> Result<()> {
    let mut in_use = 0;
    for folder in StoreKind::ALL.map(|kind| kind.folder(fleet)) {
        let cannot = |err| files::cannot("remove what is in", &folder, err);
        for store in stores(&folder).map_err(cannot)? {
            // The lock's file stays: another run may be about to take it.
            match Lock::try_take(&store.with_extension("lock")).map_err(cannot)? {
                Some(_lock) => replace(&store, None).map_err(cannot)?,
                None => in_use += 1,
            }
        }
    }
    match in_use {
        0 => Ok(()),
        _ => Err(Error::unavailable(format!(
            "another run of flota is fetching, and {in_use} of the repositories that it uses were kept"
        ))
        .hint("when it is done: flota cache --clear")),
    }
}

/// How many folders above a store are flota's own.
const OWN_FOLDERS: usize = 2;

/// A store that this run alone writes to. What was written gets the modes that the fleet's repository asks for, so that the store
/// is there for all who share that one.
pub(super) struct HeldStore {
    store: PathBuf,
    sharing: Sharing,
    _lock: Lock,
}

impl Drop for HeldStore {
    fn drop(&mut self) {
        // It is a cache: whoever cannot read it does without, or says so.
        let _ = self.sharing.apply_below(&self.store);
    }
}

/// Waits until no other run writes to `store`. The lock goes with the process that holds it, however that ends.
///
/// # Errors
/// Unavailable: the lock's file cannot be written, or another run holds it for too long. The code of the signal, when flota
/// is interrupted.
pub(super) fn hold(store: &Path, sharing: Sharing) -> Result<HeldStore> {
    let file = store.with_extension("lock");
    let cannot = |err| files::cannot("write", &file, err);
    sharing.create_parent(&file, OWN_FOLDERS).map_err(cannot)?;
    let lock = Lock::wait(&file, LOCK_PATIENCE)?;
    sharing.apply(&file).map_err(cannot)?;
    Ok(HeldStore {
        store: store.to_owned(),
        sharing,
        _lock: lock,
    })
}

/// Removes what a killed run may have left in `store`: with the lock held, nobody is at work on it. What cannot be removed does no
/// harm where it is.
pub(super) fn sweep(store: &Path) {
    for lock in LOCKS {
        let _ = fs::remove_file(store.join(lock));
    }
    for (folder, prefix) in BEGUN {
        let entries = fs::read_dir(store.join(folder)).into_iter().flatten();
        for entry in entries.flatten() {
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes())
            {
                let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
            }
        }
    }
}

/// Puts the folder `new` in the place of `store`, or nothing: away with the name first, so that nobody finds half of it. Whoever
/// reads from the old one keeps what is open.
pub(super) fn replace(store: &Path, new: Option<&Path>) -> io::Result<()> {
    if store.exists() {
        let old = tempfile::Builder::new()
            .prefix("old-")
            .tempdir_in(store.parent().unwrap_or(store))?;
        fs::rename(store, old.path().join("store"))?;
        if new.is_none() {
            old.close()?;
        }
    }
    new.map_or(Ok(()), |new| fs::rename(new, store))
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
