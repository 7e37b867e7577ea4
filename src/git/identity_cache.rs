//! Facts about commits, kept under the fleet's git directory, so that the next run needs neither network nor submodule.
//!
//! What a commit holds, and how two commits lie in history, follows from their OIDs alone: a fact that was true once
//! stays true, whatever happens to the submodule, so nothing here ever expires. What is not settled by the OIDs (that a
//! commit is at hand, a URL, a history that is cut short) is not kept. A fact is found by a hash over all it depends on:
//! the OIDs, the settings that give the identities their meaning, and [`SCHEMA`].
//!
//! The file is a table of fixed slots in buckets of one page, found by the hash. A slot is written with one call and
//! carries a checksum over its hash and its value; one that is torn, cut off, flipped or half another writer's counts as
//! empty. So no lock is needed, nothing is ever moved, and the file has a size it cannot outgrow: a full bucket loses
//! one of its facts to the new one. The cache never fails a run: without a place to write, facts are just not kept.
//!
//! A checksum is no signature: who can write here can make flota believe anything, as they could by editing the
//! repository's objects, configuration or hooks. `git clone` brings nothing into `.git/flota`. A CI system must not
//! restore it from a cache that runs of untrusted pull requests can write.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use gix::ObjectId;
use sha2::{Digest, Sha256};

use crate::model::{
    change::Direction,
    error::{Error, Result},
    rules::Content,
    settings::ChangeSettings,
};

/// Raised when an identity, or the form of a fact, comes to mean something else: facts of other schemas are never found.
const SCHEMA: u8 = 1;

/// One page, so that a bucket is read with one call, and a slot never lies across two sectors of a disk.
const BUCKET: usize = 4096;
/// Half of the key, the value, and a checksum that fills the slot.
const SLOT: usize = 128;
const ID: usize = 16;
/// Three OIDs and a flag.
const VALUE: usize = 3 * OID + 1;
/// An OID of either hash, in a value.
const OID: usize = 32;
/// With them the file never grows beyond 16 MiB: 131,072 facts, enough for 40,000 pins that moved. It is sparse: a small
/// fleet's takes a page on disk for each fact.
const BUCKETS: u32 = 4096;

/// What a fact is about, hashed with all that it depends on.
type Key = [u8; 32];
type Value = [u8; VALUE];

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
#[derive(Clone, Debug)]
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
            file: File::open(&path).ok(),
            path,
            writer: OnceLock::new(),
        }
    }

    /// What is known of `commit` by these settings.
    pub fn facts(&self, commit: ObjectId, settings: &Fingerprint) -> Option<Facts> {
        let value = self.find(&content_key(commit, settings))?;
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
        let mut value = [0; VALUE];
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
        self.keep(&content_key(commit, settings), &value);
    }

    /// Which way `from` → `to` goes, if that is known.
    pub fn direction(&self, from: ObjectId, to: ObjectId) -> Option<Direction> {
        match self.find(&direction_key(from, to))?[0] {
            1 => Some(Direction::Forward),
            2 => Some(Direction::Rollback),
            3 => Some(Direction::Diverged),
            _ => None,
        }
    }

    /// Keeps which way `from` → `to` goes, unless that is unknown: more history may tell.
    pub fn keep_direction(&self, from: ObjectId, to: ObjectId, direction: Direction) {
        let mut value = [0; VALUE];
        value[0] = match direction {
            Direction::Forward => 1,
            Direction::Rollback => 2,
            Direction::Diverged => 3,
            Direction::Unknown => return,
        };
        self.keep(&direction_key(from, to), &value);
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
            |err| Error::environment(format!("cannot read `{}`", self.path.display())).because(err);
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(usage),
            Err(err) => return Err(unreadable(err)),
        };
        // The file is sparse: what it takes is its blocks, of 512 bytes each (stat(2)), not its length.
        usage.bytes = file.metadata().map_err(unreadable)?.blocks() * 512;
        for index in 0..BUCKETS {
            let bucket = read_bucket(&file, index).map_err(unreadable)?;
            usage.entries += bucket
                .chunks_exact(SLOT)
                .filter(|slot| !is_empty(slot))
                .count();
        }
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
                Err(Error::environment(message).because(err))
            }
            _ => Ok(()),
        }
    }

    fn find(&self, key: &Key) -> Option<Value> {
        let bucket = read_bucket(self.file.as_ref()?, bucket_of(key)).ok()?;
        let slot = bucket
            .chunks_exact(SLOT)
            .find(|slot| slot[..ID] == key[..ID])?;
        let value: Value = slot[ID..][..VALUE].try_into().ok()?;
        (slot[ID + VALUE..] == checksum(key, &value)).then_some(value)
    }

    /// That a fact cannot be kept is no reason to stop.
    fn keep(&self, key: &Key, value: &Value) {
        let Some(file) = self.writer.get_or_init(|| create(&self.path).ok()) else {
            return;
        };
        let index = bucket_of(key);
        let Ok(bucket) = read_bucket(file, index) else {
            return;
        };
        let slots = || bucket.chunks_exact(SLOT);
        let at = slots()
            .position(|slot| slot[..ID] == key[..ID])
            .or_else(|| slots().position(is_empty))
            .unwrap_or(usize::from(key[31]) % (BUCKET / SLOT));
        let mut slot = [0; SLOT];
        slot[..ID].copy_from_slice(&key[..ID]);
        slot[ID..][..VALUE].copy_from_slice(value);
        slot[ID + VALUE..].copy_from_slice(&checksum(key, value));
        let offset = u64::from(index) * BUCKET as u64 + (at * SLOT) as u64;
        let _ = file.write_all_at(&slot, offset);
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

/// Covers the whole key, of which the slot holds one half.
fn checksum(key: &Key, value: &Value) -> [u8; SLOT - ID - VALUE] {
    let hash = Sha256::new()
        .chain_update(key)
        .chain_update(value)
        .finalize();
    std::array::from_fn(|index| hash[index])
}

fn bucket_of(key: &Key) -> u32 {
    u32::from_be_bytes([key[16], key[17], key[18], key[19]]) % BUCKETS
}

fn is_empty(slot: &[u8]) -> bool {
    slot[..ID] == [0; ID]
}

/// What lies beyond the file's end counts as empty.
fn read_bucket(file: &File, index: u32) -> io::Result<[u8; BUCKET]> {
    let mut bucket = [0; BUCKET];
    let mut filled = 0;
    while filled < BUCKET {
        let offset = u64::from(index) * BUCKET as u64 + filled as u64;
        match file.read_at(&mut bucket[filled..], offset) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(bucket)
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}
