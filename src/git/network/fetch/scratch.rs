//! The scratch store of one URL: a bare repository of a few trees, kept for later runs.
//!
//! It is a cache. Whatever is wrong with it, it is thrown away and filled again: a pack is moved into place only when it is
//! complete, its index last; every object is checked against its own id before it counts as present ([`lacking`]); and what a
//! killed run left half done is swept away by the next one that holds the lock.

use std::{
    fs,
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use bstr::ByteSlice;
use gix::ObjectId;

use super::{
    depth::Depth,
    lacking::{self, Lack},
};
use crate::{
    files::{self, Lock},
    git::{
        network::store::{self, StoreKind},
        pack::{self, Received},
        repository::Repository,
        submodule::Store,
        url::Source,
    },
    interrupt,
    model::error::Result,
};

/// What every bare repository has there; nothing refers to it.
const HEAD: &str = "ref: refs/heads/main\n";
/// Each fetch adds a pack. From here on it is cheaper to start again than to look through them.
const PACK_LIMIT: usize = 10;

/// The place of a store, which may not exist yet.
pub(super) struct Scratch {
    dir: PathBuf,
    hash: gix::hash::Kind,
    depth: Depth,
}

impl Scratch {
    /// The store for what comes from `source`.
    pub(super) fn of(fleet: &Repository, source: &Source, depth: Depth) -> Self {
        let hash = fleet.object_hash();
        Self {
            dir: StoreKind::Trees.path(fleet, source.url.as_ref(), &[depth.filter()]),
            hash,
            depth,
        }
    }

    /// Its objects; none when there is no store.
    pub(super) fn open(&self) -> Option<Store> {
        Store::borrowed(self.dir.clone(), self.hash)
    }

    /// What of `commits`, and of `objects` that the first of them needs, is not here; none when the store is damaged.
    pub(super) fn lacking(&self, commits: &[ObjectId], objects: &[ObjectId]) -> Option<Vec<Lack>> {
        match self.open() {
            Some(store) => lacking::of(&store, commits, objects, self.depth),
            None => Some(commits.iter().copied().map(Lack::whole).collect()),
        }
    }

    /// Waits until no other run writes here. The lock goes with the process that holds it, however that ends.
    pub(super) fn lock(&self) -> Result<Locked<'_>> {
        Ok(Locked {
            scratch: self,
            _lock: store::hold(&self.dir)?,
        })
    }
}

/// A store that this run alone writes to.
pub(super) struct Locked<'a> {
    scratch: &'a Scratch,
    _lock: Lock,
}

impl Locked<'_> {
    /// Its git directory.
    pub(super) fn dir(&self) -> &Path {
        &self.scratch.dir
    }

    /// What of `commits`, and of `objects` that the first of them needs, is to be fetched into the store, which is made, tidied or
    /// made anew as it needs.
    pub(super) fn prepare(&self, commits: &[ObjectId], objects: &[ObjectId]) -> Result<Vec<Lack>> {
        if self.is_sound() {
            store::sweep(self.dir());
            match self.scratch.lacking(commits, objects) {
                Some(lacking) if lacking.is_empty() || self.indices().count() <= PACK_LIMIT => {
                    return Ok(lacking);
                }
                _ => {}
            }
        }
        self.make_anew()
            .map_err(|err| files::cannot("keep fetched trees in", self.dir(), err))?;
        Ok(self.scratch.lacking(commits, objects).unwrap_or_default())
    }

    /// Whether git, too, would take it for a repository, and for one that may lack objects.
    fn is_sound(&self) -> bool {
        let holds = |file: &str, text: &str| {
            fs::read(self.dir().join(file)).is_ok_and(|bytes| bytes == text.as_bytes())
        };
        holds("HEAD", HEAD)
            && holds("config", &self.config())
            && self.dir().join("objects/pack").is_dir()
            && self.indices().all(|index| self.is_whole(&index))
    }

    /// What an index does not list is missing from a pack that is there: git does not replace that one by its like.
    fn is_whole(&self, index: &Path) -> bool {
        let index = gix_pack::index::File::at(index, self.scratch.hash);
        index.is_ok_and(|index| {
            index
                .verify_checksum(&mut gix::progress::Discard, interrupt::flag())
                .is_ok()
        })
    }

    /// git-config(1): what is missing is promised by a remote, whose URL (it may hold a password) is not written down.
    fn config(&self) -> String {
        let (hash, filter) = (self.scratch.hash, self.scratch.depth.filter());
        format!(
            "[core]\n\trepositoryformatversion = 1\n\tbare = true\n\
             [extensions]\n\tobjectFormat = {hash}\n\tpartialClone = origin\n\
             [remote \"origin\"]\n\tpromisor = true\n\tpartialCloneFilter = {filter}\n"
        )
    }

    fn make_anew(&self) -> io::Result<()> {
        let parent = self.dir().parent().unwrap_or(self.dir());
        let new = tempfile::Builder::new().prefix("new-").tempdir_in(parent)?;
        fs::create_dir_all(new.path().join("objects/pack"))?;
        fs::create_dir_all(new.path().join("refs"))?;
        fs::write(new.path().join("config"), self.config())?;
        fs::write(new.path().join("HEAD"), HEAD)?;
        store::replace(self.dir(), Some(&new.keep()))
    }

    /// The indices of its packs.
    fn indices(&self) -> impl Iterator<Item = PathBuf> {
        let files = fs::read_dir(self.dir().join("objects/pack"));
        let paths = files
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path());
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "idx"))
    }

    /// Whether `commit` is here by now.
    pub(super) fn has(&self, commit: ObjectId) -> bool {
        let lacking = self.scratch.lacking(&[commit], &[]);
        lacking.is_some_and(|lacking| lacking.is_empty())
    }

    /// Takes in a pack, and the commits whose parents are left out of it.
    pub(super) fn adopt(&self, pack: &mut dyn BufRead, shallow: &[ObjectId]) -> Result<()> {
        let cannot = |err: io::Error| files::cannot("keep fetched trees in", self.dir(), err);
        let incoming = tempfile::Builder::new()
            .prefix("incoming-")
            .tempdir_in(self.dir())
            .map_err(cannot)?;
        let received = pack::receive(pack, incoming.path(), self.scratch.hash)?;
        self.note_shallow(shallow).map_err(cannot)?;
        let Some(Received { data, index, .. }) = received else {
            return Ok(());
        };
        let promise = data.with_extension("promisor");
        fs::write(&promise, "").map_err(cannot)?;
        // A pack counts once its index is there.
        for file in [data, promise, index] {
            let name = file.file_name().unwrap_or_default();
            fs::rename(&file, self.dir().join("objects/pack").join(name)).map_err(cannot)?;
        }
        Ok(())
    }

    /// Adds to git's list of commits whose history is cut (gitrepository-layout(5)).
    fn note_shallow(&self, commits: &[ObjectId]) -> io::Result<()> {
        if commits.is_empty() {
            return Ok(());
        }
        let path = self.dir().join("shallow");
        let known = match fs::read(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let mut lines: Vec<_> = ByteSlice::lines(&known[..])
            .map(|line| line.as_bstr().to_string())
            .collect();
        lines.extend(commits.iter().map(ToString::to_string));
        lines.sort();
        lines.dedup();
        files::replace(&path, (lines.join("\n") + "\n").as_bytes())
    }
}
