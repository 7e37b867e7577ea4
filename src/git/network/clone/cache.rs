//! Packs kept for the next clone of the same repository on this machine: `flota/objects` in the user's cache directory (XDG base
//! directory specification), one directory for each URL.
//!
//! A clone gets the packs themselves, as hard links or copies: it needs nothing of the cache afterwards. What is here is given
//! out only after the server has named its refs to this user in this run, and each pack is checked against its checksum first. A
//! run that reads or writes holds the directory's lock; a directory with any fault is removed and filled again.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bstr::{BStr, ByteSlice};
use gix::{ObjectId, progress::Discard};

use super::layout;
use crate::{
    files,
    git::network::store::Usage,
    interrupt,
    model::{digest, error::Result, fleet::without_credentials},
};

/// The commits whose whole history a folder holds, one a line.
const TIPS: &str = "tips";
const PACKS: &str = "objects/pack";

/// Each fetch adds a pack. From here on a clone does better to start again than to look through them.
const PACK_LIMIT: usize = 10;

/// What nobody has cloned for so long is removed.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The cache of this user.
#[derive(Clone, Debug)]
pub struct ObjectCache {
    root: PathBuf,
}

/// What is kept for one URL.
pub(super) struct Shelf {
    dir: PathBuf,
}

impl ObjectCache {
    /// None where nobody says which folder it is.
    pub fn of_user() -> Option<Self> {
        Some(Self {
            root: files::user_cache("objects")?,
        })
    }

    /// What is kept for the repository at `address`; URLs that differ in credentials share it.
    pub(super) fn shelf(&self, address: &BStr) -> Shelf {
        let digest = digest::sha256_hex(&without_credentials(address));
        Shelf {
            dir: self.root.join(&digest[..32]),
        }
    }

    /// What it takes up.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn usage(&self) -> Result<Usage> {
        let shelves = self.shelves()?;
        let mut bytes = 0;
        for shelf in &shelves {
            let files = walkdir::WalkDir::new(&shelf.dir).into_iter().flatten();
            // What a clone has too takes no room of its own.
            let own = files
                .filter_map(|file| file.metadata().ok())
                .filter(|found| found.is_dir() || found.nlink() == 1);
            bytes += own.map(|found| found.blocks() * 512).sum::<u64>();
        }
        Ok(Usage {
            path: self.root.clone(),
            entries: shelves.len(),
            bytes,
        })
    }

    /// Removes it all; clones that were made with it stay whole.
    ///
    /// # Errors
    /// Unavailable: something cannot be removed.
    pub fn clear(&self) -> Result<()> {
        self.shelves()?.iter().try_for_each(Shelf::remove)
    }

    /// Removes what was not used for long.
    ///
    /// # Errors
    /// Unavailable: something cannot be removed.
    pub fn expire(&self) -> Result<()> {
        let is_old = |shelf: &Shelf| {
            let used = fs::metadata(shelf.dir.join(TIPS)).and_then(|found| found.modified());
            let age = used.map(|used| SystemTime::now().duration_since(used));
            !matches!(age, Ok(Ok(age)) if age < KEPT_FOR)
        };
        let shelves = self.shelves()?;
        let mut old = shelves.iter().filter(|shelf| is_old(shelf));
        old.try_for_each(Shelf::remove)
    }

    fn shelves(&self) -> Result<Vec<Shelf>> {
        let entries = match fs::read_dir(&self.root) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|err| files::cannot("read", &self.root, err))?,
        };
        let folders = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        Ok(folders.map(|entry| Shelf { dir: entry.path() }).collect())
    }
}

impl Shelf {
    /// Gives `git_dir` the packs that are kept, and says which commits came with all their history; none when nothing fits.
    pub(super) fn take(&self, git_dir: &Path) -> Vec<ObjectId> {
        let taken = || -> io::Result<Vec<ObjectId>> {
            if !is_private(self.dir.parent().unwrap_or(&self.dir)) {
                return Ok(Vec::new());
            }
            let lock = files::open_own(&self.lock_path())?;
            lock.lock_shared()?;
            let tips = self.tips()?;
            if tips.is_empty() || packs(&self.dir)?.len() > PACK_LIMIT {
                return Ok(Vec::new());
            }
            link_packs(&self.dir, git_dir)?;
            // A cache that is used is one that stays.
            files::open_own(&self.dir.join(TIPS))?.set_modified(SystemTime::now())?;
            Ok(tips)
        };
        let tips = taken().unwrap_or_default();
        if !tips.is_empty() && is_sound(git_dir, &tips) {
            return tips;
        }
        if !tips.is_empty() {
            // What cannot be removed is found out again the next time.
            let _ = self.remove();
        }
        for pack in packs(git_dir).unwrap_or_default() {
            for extension in ["idx", "pack"] {
                let _ = fs::remove_file(pack.with_extension(extension));
            }
        }
        Vec::new()
    }

    /// Keeps the packs of `git_dir`, which hold `tips` with all their history. A cache that cannot be written is none.
    pub(super) fn put(&self, git_dir: &Path, tips: &[ObjectId]) {
        let _ = self.try_put(git_dir, tips);
    }

    fn try_put(&self, git_dir: &Path, tips: &[ObjectId]) -> io::Result<()> {
        let root = self.dir.parent().unwrap_or(&self.dir);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)?;
        if !is_private(root) {
            return Ok(());
        }
        let lock = files::open_or_create(&self.lock_path())?;
        lock.lock()?;
        let kept = packs(&self.dir).unwrap_or_default();
        let is_new = |pack: &&PathBuf| kept.iter().all(|old| old.file_name() != pack.file_name());
        let has_new = packs(git_dir)?.iter().filter(is_new).count() > 0;
        if kept.len() > PACK_LIMIT || self.tips().unwrap_or_default().is_empty() {
            let _ = fs::remove_dir_all(&self.dir);
        } else if !has_new && self.tips()? == tips {
            return Ok(());
        }
        fs::create_dir_all(self.dir.join(PACKS))?;
        link_packs(git_dir, &self.dir)?;
        let lines: String = tips.iter().map(|tip| format!("{tip}\n")).collect();
        files::replace(&self.dir.join(TIPS), lines.as_bytes())
    }

    fn tips(&self) -> io::Result<Vec<ObjectId>> {
        let text = files::read_own(&self.dir.join(TIPS))?;
        let ids = text.lines().map(ObjectId::from_hex);
        ids.collect::<std::result::Result<_, _>>()
            .map_err(io::Error::other)
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.with_extension("lock")
    }

    /// The lock's file stays: another run may be about to take it.
    fn remove(&self) -> Result<()> {
        let cannot = |err| files::cannot("remove", &self.dir, err);
        let lock = files::open_or_create(&self.lock_path()).map_err(cannot)?;
        lock.lock().map_err(cannot)?;
        match fs::remove_dir_all(&self.dir) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(cannot(err)),
            _ => Ok(()),
        }
    }
}

/// Whether it is a folder of this user's that nobody else can write to.
fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| {
        found.is_dir()
            && found.uid() == rustix::process::geteuid().as_raw()
            && found.mode() & 0o022 == 0
    })
}

/// The indices of the packs of a git directory.
fn packs(git_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(git_dir.join(PACKS))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Gives `to` the packs of `from` that it lacks; their indices last, since a pack counts once that is there.
fn link_packs(from: &Path, to: &Path) -> io::Result<()> {
    for index in packs(from)? {
        for extension in ["pack", "idx"] {
            let file = index.with_extension(extension);
            let name = file.file_name().unwrap_or_default();
            let target = to.join(PACKS).join(name);
            match fs::hard_link(&file, &target) {
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
                // Another file system, or one without links.
                Err(_) => files::copy(&file, &target)?,
                Ok(()) => {}
            }
        }
    }
    Ok(())
}

/// Whether every pack is what its checksum says, and the tips are there.
fn is_sound(git_dir: &Path, tips: &[ObjectId]) -> bool {
    let Some(hash) = tips.first().map(|tip| tip.kind()) else {
        return true;
    };
    let is_whole = |index: &PathBuf| {
        let flag = interrupt::flag();
        let checked = gix_pack::index::File::at(index, hash)
            .and_then(|index| index.verify_checksum(&mut Discard, flag))
            .and_then(|_| gix_pack::data::File::at(index.with_extension("pack"), hash))
            .and_then(|pack| pack.verify_checksum(&mut Discard, flag));
        checked.is_ok()
    };
    packs(git_dir).is_ok_and(|packs| packs.iter().all(is_whole)) && layout::has_all(git_dir, tips)
}
