//! Facts about commits, kept under the fleet's git directory, so that the next run needs neither network nor submodule.
//!
//! The content of a commit, and the relation of two commits in history, follow from their OIDs alone: a fact that was true once
//! stays true, whatever happens to the submodule, so nothing here ever expires. What is not settled by the OIDs (that a
//! commit is available, a URL, a history that is cut short) is not kept. A fact is found by a hash over all it depends on:
//! the OIDs, the settings that give the identities their meaning, and [`SCHEMA`].
//!
//! The facts about one submodule are in one bucket of the file ([`table`]): a run reads a page for each pin that moved,
//! and writes it once. A bucket has room for the last ten or so moves of a pin. The cache never fails a run: without a
//! place to write, facts are just not kept.
//!
//! A checksum is no signature: who can write here can make flota believe anything, as they could by editing the
//! repository's objects, configuration or hooks. `git clone` brings nothing into `.git/flota`. A CI system must not
//! restore it from a cache that runs of untrusted pull requests can write.

use std::{
    cell::RefCell,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use bstr::BStr;
use gix::ObjectId;
use sha2::{Digest, Sha256};

use self::table::{Bucket, Key, VALUE, Value};
use crate::{
    files,
    model::{
        change::Direction,
        error::{Error, Result},
        rules::Content,
        settings::ChangeSettings,
    },
};

mod table;

/// Raised when an identity, or the form of a fact, comes to mean something else: facts of other schemas are never found.
const SCHEMA: u8 = 2;

/// An OID of either hash, in a value.
const OID: usize = 32;

/// The facts of one fleet.
pub struct IdentityCache {
    path: PathBuf,
    file: Option<File>,
    /// Opened, and made if need be, with the first fact to keep.
    writer: OnceLock<Option<File>>,
}

/// What one commit says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The identities in its tree.
    pub content: Content,
    /// Whether it lists submodules of its own.
    pub nested: bool,
}

/// What the cache takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The file; it need not exist.
    pub path: PathBuf,
    /// How many facts it holds.
    pub entries: usize,
    /// What it takes on disk, in bytes.
    pub bytes: u64,
}

impl IdentityCache {
    /// The cache of the repository whose worktrees share `common_dir`.
    pub fn open(common_dir: &Path) -> Self {
        let path = common_dir.join("flota").join("identities");
        Self {
            file: files::open_own(&path).ok(),
            path,
            writer: OnceLock::new(),
        }
    }

    /// What is known of the submodule at `path`. A submodule that moves is learned of anew.
    pub fn of(&self, path: &BStr) -> Known<'_> {
        let place = key(b'p', &[path]);
        Known {
            cache: self,
            bucket: RefCell::new(Bucket::read(self.file.as_ref(), &place)),
        }
    }

    /// What it takes up.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn usage(&self) -> Result<Usage> {
        let mut usage = Usage {
            path: self.path.clone(),
            entries: 0,
            bytes: 0,
        };
        let unreadable =
            |err| Error::unavailable(format!("cannot read `{}`", self.path.display())).because(err);
        let file = match files::open_own(&self.path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(usage),
            Err(err) => return Err(unreadable(err)),
        };
        // The file is sparse: what it takes is its blocks, of 512 bytes each (stat(2)), not its length.
        usage.bytes = file.metadata().map_err(unreadable)?.blocks() * 512;
        usage.entries = table::count(&file).map_err(unreadable)?;
        Ok(usage)
    }

    /// Forgets everything. Runs that have the file open go on with what they see.
    ///
    /// # Errors
    /// The file is there and cannot be removed.
    pub fn clear(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                let message = format!("cannot remove `{}`", self.path.display());
                Err(Error::unavailable(message).because(err))
            }
            _ => Ok(()),
        }
    }

    /// That a fact cannot be kept is no reason to stop.
    fn keep(&self, bucket: &Bucket) {
        let writer = self.writer.get_or_init(|| table::create(&self.path).ok());
        if let Some(file) = writer {
            let _ = bucket.write(file);
        }
    }
}

/// What is known of one submodule. What is learned of it is written when this goes out of scope.
pub struct Known<'a> {
    cache: &'a IdentityCache,
    bucket: RefCell<Bucket>,
}

impl Known<'_> {
    /// What is known of `commit` by these settings.
    pub fn facts(&self, commit: ObjectId, settings: &Fingerprint) -> Option<Facts> {
        let value = self.find(|| content_key(commit, settings))?;
        let part = |index: usize| {
            let bytes = &value[index * OID..][..commit.as_slice().len()];
            // An OID of zeros names no object: it stands for a part that is not there.
            ObjectId::try_from(bytes).ok().filter(|id| !id.is_null())
        };
        let content = Content {
            code: part(0),
            config: part(1),
            other: part(2),
        };
        let nested = value[3 * OID] != 0;
        Some(Facts { content, nested })
    }

    /// Keeps what is known of `commit` by these settings.
    pub fn keep_facts(&self, commit: ObjectId, settings: &Fingerprint, facts: Facts) {
        let Facts { content, nested } = facts;
        let mut value: Value = [0; VALUE];
        let parts = [content.code, content.config, content.other];
        for (index, id) in parts.iter().enumerate() {
            let Some(id) = id else { continue };
            if id.is_null() {
                // A damaged tree may hold it, and it would be read back as no part at all.
                return;
            }
            value[index * OID..][..id.as_slice().len()].copy_from_slice(id.as_slice());
        }
        value[3 * OID] = nested.into();
        let key = content_key(commit, settings);
        self.bucket.borrow_mut().put(&key, &value);
    }

    /// Which way `from` → `to` goes, if that is known.
    pub fn direction(&self, from: ObjectId, to: ObjectId) -> Option<Direction> {
        match self.find(|| direction_key(from, to))?[0] {
            1 => Some(Direction::Forward),
            2 => Some(Direction::Rollback),
            3 => Some(Direction::Diverged),
            _ => None,
        }
    }

    fn find(&self, key: impl FnOnce() -> Key) -> Option<Value> {
        let bucket = self.bucket.borrow();
        // In a first run there is nothing to hash a key for.
        if bucket.is_empty() {
            return None;
        }
        bucket.find(&key())
    }

    /// Keeps which way `from` → `to` goes, unless that is unknown: more history may tell.
    pub fn keep_direction(&self, from: ObjectId, to: ObjectId, direction: Direction) {
        let mut value: Value = [0; VALUE];
        value[0] = match direction {
            Direction::Forward => 1,
            Direction::Rollback => 2,
            Direction::Diverged => 3,
            Direction::Unknown => return,
        };
        let key = direction_key(from, to);
        self.bucket.borrow_mut().put(&key, &value);
    }
}

impl Drop for Known<'_> {
    fn drop(&mut self) {
        let bucket = self.bucket.get_mut();
        if bucket.is_changed() {
            self.cache.keep(bucket);
        }
    }
}

/// The settings that decide what a service's identities are, as a part of a fact's key.
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of the settings of a service, or of a submodule that is none (`plain`).
    pub fn of(settings: &ChangeSettings, plain: bool) -> Self {
        // What other paths call for is decided after the identities are known.
        let ChangeSettings {
            code,
            config,
            ignore,
            other: _,
        } = settings;
        let mut hash = Sha256::new();
        hash.update([plain.into()]);
        for globs in [code, config, ignore] {
            hash.update((globs.sources().len() as u64).to_be_bytes());
            for glob in globs.sources() {
                hash.update((glob.len() as u64).to_be_bytes());
                hash.update(glob);
            }
        }
        Self(hash.finalize().into())
    }
}

fn content_key(commit: ObjectId, settings: &Fingerprint) -> Key {
    key(b'c', &[commit.as_slice(), &settings.0])
}

fn direction_key(from: ObjectId, to: ObjectId) -> Key {
    key(b'd', &[from.as_slice(), to.as_slice()])
}

/// Each part goes in with its length, so that no two lists of parts read the same.
fn key(kind: u8, parts: &[&[u8]]) -> Key {
    let mut hash = Sha256::new();
    hash.update([SCHEMA, kind]);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
