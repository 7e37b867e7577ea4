//! Facts about commits, kept under the fleet's git directory, so that the next run needs neither network nor submodule.
//!
//! The content of a commit, and its parents, follow from its OID alone: a fact that was true once stays true, whatever happens
//! to the submodule, so nothing here ever expires. What is not settled by the OID (that a commit is available, a URL, how
//! far a history reaches) is not kept, so that no answer depends on which other ranges were looked at before. A fact is
//! found by a hash over all it depends on: the OID, the settings that give the identities their meaning, and [`SCHEMA`].
//!
//! The facts about one submodule are in one bucket of the file ([`table`]): a run reads a page for each pin that moved,
//! and writes it once. A bucket has room for the last fifteen or so moves of a pin. The cache never fails a run: without a
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
use super::content_id::LinkedParts;
use crate::{
    files,
    model::{
        error::{Error, Result},
        fleet::Submodule,
        rules::Content,
        settings::ChangeSettings,
    },
};

mod table;

/// Raised when an identity, or the form of a fact, comes to mean something else: facts of other schemas are never found.
const SCHEMA: u8 = 3;

/// An OID of either hash, in a value.
const OID: usize = 32;

/// The facts of one fleet.
pub struct IdentityCache {
    path: PathBuf,
    file: Option<File>,
    /// Opened, and made if need be, with the first fact to keep.
    writer: OnceLock<Option<File>>,
}

/// How many parts a value has the OIDs of. It begins with them; the OIDs of the parents and the flags follow.
const PARTS: usize = 3;

/// How many parents fit into a value. Of a commit with more nothing is kept.
const PARENTS: usize = 3;

/// Where the flags are in a value.
const FLAGS: usize = (PARTS + PARENTS) * OID;

/// The flags.
const NESTED: u8 = 1;
const LINKED_CODE: u8 = 2;
const LINKED_CONFIG: u8 = 4;
const LINKED_CHARTS: u8 = 8;
/// The OID of the values of environments takes the place of the last parent.
const ENVIRONMENTS: u8 = 16;

/// What one commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The identities in its tree.
    pub content: Content,
    /// Which parts of it are no folders, but lead elsewhere.
    pub linked: LinkedParts,
    /// Whether it lists submodules of its own.
    pub nested: bool,
    /// Its parents, as the commit names them: they need not be available.
    pub parents: Vec<ObjectId>,
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
        let part = |index: usize| id_at(&value, index * OID, commit);
        let is_set = |flag: u8| value[FLAGS] & flag != 0;
        let last = PARTS + PARENTS - 1;
        let (environments, parents) = match is_set(ENVIRONMENTS) {
            true => (part(last), PARTS..last),
            false => (None, PARTS..PARTS + PARENTS),
        };
        let content = Content {
            code: part(0),
            config: part(1),
            other: part(2),
            environments,
        };
        Some(Facts {
            content,
            linked: LinkedParts {
                code: is_set(LINKED_CODE),
                config: is_set(LINKED_CONFIG),
                charts: is_set(LINKED_CHARTS),
            },
            nested: is_set(NESTED),
            parents: parents.map_while(part).collect(),
        })
    }

    /// Keeps what is known of `commit` by these settings.
    pub fn keep_facts(&self, commit: ObjectId, settings: &Fingerprint, facts: &Facts) {
        let Facts {
            content,
            linked,
            nested,
            parents,
        } = facts;
        let parts = [content.code, content.config, content.other];
        let environments = content.environments;
        let ids = parts.iter().flatten().chain(parents).chain(&environments);
        // A damaged object may hold an OID of zeros, and it would be read back as nothing at all.
        if parents.len() + usize::from(environments.is_some()) > PARENTS
            || ids.into_iter().any(ObjectId::is_null)
        {
            return;
        }
        let mut value: Value = [0; VALUE];
        let mut parents: Vec<_> = parents.iter().copied().map(Some).collect();
        if environments.is_some() {
            parents.resize(PARENTS - 1, None);
            parents.push(environments);
        }
        for (index, id) in parts.into_iter().chain(parents).enumerate() {
            if let Some(id) = id {
                value[index * OID..][..id.as_slice().len()].copy_from_slice(id.as_slice());
            }
        }
        let flags = [
            (*nested, NESTED),
            (linked.code, LINKED_CODE),
            (linked.config, LINKED_CONFIG),
            (linked.charts, LINKED_CHARTS),
            (environments.is_some(), ENVIRONMENTS),
        ];
        let set = flags.iter().filter(|(is_set, _)| *is_set);
        value[FLAGS] = set.map(|(_, flag)| flag).sum();
        let key = content_key(commit, settings);
        self.bucket.borrow_mut().put(&key, &value);
    }

    fn find(&self, key: impl FnOnce() -> Key) -> Option<Value> {
        let bucket = self.bucket.borrow();
        // In a first run there is nothing to hash a key for.
        if bucket.is_empty() {
            return None;
        }
        bucket.find(&key())
    }
}

/// The OID at `offset`, of the kind that `like` has; none where nothing was put. An OID of zeros names no object.
fn id_at(value: &Value, offset: usize, like: ObjectId) -> Option<ObjectId> {
    let bytes = &value[offset..][..like.as_slice().len()];
    ObjectId::try_from(bytes).ok().filter(|id| !id.is_null())
}

impl Drop for Known<'_> {
    fn drop(&mut self) {
        let bucket = self.bucket.get_mut();
        if bucket.is_changed() {
            self.cache.keep(bucket);
        }
    }
}

/// The settings that decide what a service's identities are, and where its commits come from, as a part of a fact's key.
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of the settings of a service, or of a submodule that is none (`plain`), and of what `.gitmodules` says of it: a commit that
    /// another repository has is not available because that one was once at this path.
    pub fn of(settings: &ChangeSettings, plain: bool, listed: Option<&Submodule>) -> Self {
        // What other paths call for is decided after the identities are known.
        let ChangeSettings {
            code,
            config,
            ignore,
            other: _,
            environments,
        } = settings;
        let mut hash = Sha256::new();
        hash.update([plain.into()]);
        let name = listed.map(|listed| &listed.name);
        let url = listed.and_then(|listed| listed.url.as_ref());
        for text in [name, url] {
            let text = text.map_or(&b""[..], |text| text);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        for globs in [code, config, ignore] {
            hash.update((globs.sources().len() as u64).to_be_bytes());
            for glob in globs.sources() {
                hash.update((glob.len() as u64).to_be_bytes());
                hash.update(glob);
            }
        }
        // Without environments the key is what it was before there were any.
        for environment in environments.iter() {
            hash.update((environment.len() as u64).to_be_bytes());
            hash.update(environment);
        }
        Self(hash.finalize().into())
    }
}

fn content_key(commit: ObjectId, settings: &Fingerprint) -> Key {
    key(b'c', &[commit.as_slice(), &settings.0])
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
