//! What is known about indexes and commits: which indexes hold just what a commit holds, and when every file was last found to be
//! as the index has it; and which commits have another in their history. All of them are named by what they contain, so that
//! this stays true whatever happens to the worktree. So the next run needs to read neither the objects nor files that are as
//! old as the index.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use gix::ObjectId;

use crate::{
    files,
    git::repository::Repository,
    model::error::{Error, Result},
};

/// An index's checksum, and the commit whose files it lists; or a commit, and one of its history.
type Key = (ObjectId, ObjectId);

/// When its files were found unchanged, in seconds since the Unix epoch; 0 when nobody had to read them.
type Read = i64;

/// How far a file system's clock may be behind this machine's, in seconds.
const CLOCKS: i64 = 2;

/// Facts of earlier runs, and of this one.
pub struct Facts {
    file: PathBuf,
    known: BTreeMap<Key, Read>,
    used: Mutex<BTreeMap<Key, Read>>,
    begun: Read,
}

impl Facts {
    /// Those of `fleet`. A file that cannot be read knows nothing.
    pub fn of(fleet: &Repository) -> Self {
        let file = fleet.caches().join("flota").join("status");
        let text = files::read_own(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let fact = |line: &str| {
            let mut words = line.split(' ');
            let key = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some((key, words.next()?.parse().ok()?))
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            known: text.lines().filter_map(fact).collect(),
            used: Mutex::default(),
            begun: now.map_or(0, |now| now.as_secs() as i64),
            file,
        }
    }

    /// Where they are kept; the file need not exist.
    pub fn path(&self) -> PathBuf {
        self.file.clone()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// What they take on disk, in bytes.
    pub fn bytes(&self) -> u64 {
        // A file that is not there takes nothing.
        fs::metadata(&self.file).map_or(0, |found| found.blocks() * 512)
    }

    /// Forgets them.
    ///
    /// # Errors
    /// Unavailable: the file is there and cannot be removed.
    pub fn clear(&self) -> Result<()> {
        match fs::remove_file(&self.file) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                let path = self.file.display();
                Err(Error::unavailable(format!("cannot remove `{path}`")).because(err))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is known that `holder`, an index or a history, holds `commit`; and from when on a change of a file would show
    /// in its time.
    pub(super) fn recall(&self, holder: ObjectId, commit: ObjectId) -> Option<Read> {
        let read = *self.known.get(&(holder, commit))?;
        self.insert((holder, commit), read);
        Some(read - CLOCKS)
    }

    /// That it does.
    pub(super) fn note(&self, holder: ObjectId, commit: ObjectId) {
        self.insert((holder, commit), 0);
    }

    /// That it does, and that every file was looked at in this run, and is as the index has it.
    pub(super) fn note_read(&self, index: ObjectId, commit: ObjectId) {
        self.insert((index, commit), self.begun);
    }

    fn insert(&self, key: Key, read: Read) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(key, read);
    }

    /// Keeps the facts for later runs: those of this run, and where it did not look at `all` worktrees, the others too. Without
    /// a place to write, they are just not kept. They are those of `fleet`.
    pub fn keep(self, fleet: &Repository, all: bool) {
        let mut facts = self
            .used
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if !all {
            for (key, read) in &self.known {
                facts.entry(*key).or_insert(*read);
            }
        }
        if facts == self.known {
            return;
        }
        let text: String = facts
            .iter()
            .map(|((holder, commit), read)| format!("{holder} {commit} {read}\n"))
            .collect();
        let write = || -> io::Result<()> {
            let folder = self.file.parent().unwrap_or(&self.file);
            let sharing = fleet.sharing();
            sharing.create_parent(&self.file, 1)?;
            let mut file = tempfile::NamedTempFile::with_prefix_in("new-", folder)?;
            file.write_all(text.as_bytes())?;
            file.persist(&self.file)?;
            sharing.apply(&self.file)
        };
        let _ = write();
    }
}
