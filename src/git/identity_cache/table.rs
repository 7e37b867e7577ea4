//! The file: a table of fixed slots in buckets of one page.
//!
//! A slot carries a checksum over its key and its value; one that is torn, cut off, flipped or half another writer's
//! counts as empty. So no lock is needed, nothing is ever moved, and the file has a size it cannot outgrow: a full bucket
//! loses one of its facts to the new one. Two writers of one bucket at the same moment may lose some of each other's.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use sha2::{Digest, Sha256};

use crate::{
    files::{self, Sharing},
    git::sharing,
};

/// One page, so that a bucket is read with one call, and a slot never lies across two sectors of a disk.
const BUCKET: usize = 4096;
/// Half of the key, the value, and the checksum.
const SLOT: usize = 256;
const SLOTS: usize = BUCKET / SLOT;
const ID: usize = 16;
/// With them the file never grows beyond 16 MiB. It is sparse: a small fleet's takes a page on disk for each service.
const BUCKETS: u32 = 4096;

/// The checksum's length, in bytes: a whole SHA-256.
const CHECKSUM: usize = 32;

/// A value's length, in bytes: six OIDs of either hash, and flags.
pub(super) const VALUE: usize = SLOT - ID - CHECKSUM;

/// What a fact is about, hashed with all that it depends on.
pub(super) type Key = [u8; 32];
/// What is known.
pub(super) type Value = [u8; VALUE];

/// One bucket, as it was when it was read, with what was put into it since.
pub(super) struct Bucket {
    index: u32,
    bytes: [u8; BUCKET],
    /// The first slot that was put and the one after the last; none while nothing was.
    put: Option<(usize, usize)>,
}

impl Bucket {
    /// The bucket that `place` falls into. What lies beyond the file's end counts as empty.
    pub(super) fn read(file: Option<&File>, place: &Key) -> Self {
        let index = u32::from_be_bytes([place[0], place[1], place[2], place[3]]) % BUCKETS;
        let bytes = file.and_then(|file| read(file, index).ok());
        Self {
            index,
            bytes: bytes.unwrap_or([0; BUCKET]),
            put: None,
        }
    }

    /// Whether nothing is known in it.
    pub(super) fn is_empty(&self) -> bool {
        self.slots().all(is_empty)
    }

    /// What is known under `key`.
    pub(super) fn find(&self, key: &Key) -> Option<Value> {
        let slot = self.slots().find(|slot| slot[..ID] == key[..ID])?;
        let value: Value = slot[ID..][..VALUE].try_into().ok()?;
        (slot[ID + VALUE..] == checksum(key, &value)).then_some(value)
    }

    /// Takes `value` in: over what is there under this key, else where nothing is, else over something else.
    pub(super) fn put(&mut self, key: &Key, value: &Value) {
        let at = self
            .slots()
            .position(|slot| slot[..ID] == key[..ID])
            .or_else(|| self.slots().position(is_empty))
            .unwrap_or(usize::from(key[31]) % SLOTS);
        let slot = &mut self.bytes[at * SLOT..][..SLOT];
        slot[..ID].copy_from_slice(&key[..ID]);
        slot[ID..][..VALUE].copy_from_slice(value);
        slot[ID + VALUE..].copy_from_slice(&checksum(key, value));
        let (first, end) = self.put.unwrap_or((at, at + 1));
        self.put = Some((first.min(at), end.max(at + 1)));
    }

    /// Whether there is something to write.
    pub(super) fn is_changed(&self) -> bool {
        self.put.is_some()
    }

    /// Writes what was put, with one call.
    pub(super) fn write(&self, file: &File) -> io::Result<()> {
        let Some((first, end)) = self.put else {
            return Ok(());
        };
        let offset = u64::from(self.index) * BUCKET as u64 + (first * SLOT) as u64;
        file.write_all_at(&self.bytes[first * SLOT..end * SLOT], offset)
    }

    fn slots(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(SLOT)
    }
}

/// How many slots of the file hold something.
pub(super) fn count(file: &File) -> io::Result<usize> {
    let mut filled = 0;
    for index in 0..BUCKETS {
        let bucket = read(file, index)?;
        filled += bucket
            .chunks_exact(SLOT)
            .filter(|slot| !is_empty(slot))
            .count();
    }
    Ok(filled)
}

/// Opens the file for writing, and makes it if need be, in a folder of a git directory.
pub(super) fn create(path: &Path) -> io::Result<File> {
    if path.exists() {
        return files::open_or_create(path);
    }
    let git_dir = path.ancestors().nth(2);
    let sharing = git_dir.map_or(Sharing::Umask, sharing::of_git_dir);
    sharing.create_parent(path, 1)?;
    let file = files::open_or_create(path)?;
    sharing.apply(path)?;
    Ok(file)
}

/// Covers the whole key, of which the slot holds one half.
fn checksum(key: &Key, value: &Value) -> [u8; CHECKSUM] {
    let hash = Sha256::new().chain_update(key).chain_update(value);
    hash.finalize().into()
}

fn is_empty(slot: &[u8]) -> bool {
    slot[..ID] == [0; ID]
}

fn read(file: &File, index: u32) -> io::Result<[u8; BUCKET]> {
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
