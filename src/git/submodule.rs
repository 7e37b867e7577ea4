//! Where a submodule's objects are, read without opening a whole repository: 0.1 ms instead of 0.6 ms each.

use std::{
    cell::{OnceCell, RefCell},
    path::{Path, PathBuf},
};

use bstr::BStr;
use gix::{
    ObjectId,
    objs::{Data, Find, Kind},
    odb::{
        self,
        pack::cache::{Object, object::MemoryCappedHashmap},
        store::init::Slots,
    },
};

use self::{packs::Packs, substitutes::Substitutes};
use super::{
    objects::{Database, Objects},
    pack::OBJECT_LIMIT,
    path,
    repository::{FetchPromised, Repository},
};
use crate::model::error::Result;

mod packs;
mod substitutes;

/// What messages call the key of a section of `.gitmodules`.
const NAME: &str = "submodule name";

/// What a store keeps decoded, in bytes: a few commits and trees.
const OBJECT_CACHE: usize = 256 << 10;

/// The objects of one submodule: those of its git directory, and below them what was fetched for it.
pub struct Store {
    layers: Layers,
    /// Whether it is of a repository that is not the fleet's own.
    is_borrowed: bool,
}

/// Object databases that are asked in turn; at least one.
struct Layers {
    all: Vec<Layer>,
    /// What gets what a partial clone lacks; only into a submodule of the fleet's own.
    promised: Option<Promised>,
}

/// How the first layer of a submodule gets what it lacks.
#[derive(Clone)]
struct Promised {
    fleet: PathBuf,
    fetch: FetchPromised,
}

impl Database for Layers {
    fn obtain(&self, objects: &[ObjectId]) -> Result<bool> {
        match &self.promised {
            Some(Promised { fleet, fetch }) => {
                (fetch.into_submodule)(fleet, &self.all[0].git_dir, objects)
            }
            None => Ok(false),
        }
    }

    fn may_be_partial(&self) -> bool {
        self.promised.is_some()
    }
}

impl Find for Layers {
    fn try_find<'b>(
        &self,
        id: &gix::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix::Result<Option<Data<'b>>> {
        for layer in &self.all {
            if let Some(kind) = layer.find(id, buffer)? {
                return Ok(Some(Data::new(buffer, kind, id.kind())));
            }
        }
        Ok(None)
    }
}

/// The objects of one git directory.
struct Layer {
    git_dir: PathBuf,
    hash: gix::hash::Kind,
    /// The largest object to read, in bytes.
    limit: Option<usize>,
    /// None where there is no directory for them.
    packs: Option<Packs>,
    loose: odb::loose::Store,
    /// What git would read instead of some objects. Whoever serves a repository to others does without.
    substitutes: Option<Substitutes>,
    /// All of them, alternates too: opened with the first object that is not found otherwise. None when it cannot be.
    whole: OnceCell<Option<odb::Handle>>,
    /// What was read last: a commit and its tree are asked for once for the content, once for the history.
    recent: RefCell<MemoryCappedHashmap>,
}
impl Store {
    /// Finds the git directory of the submodule at `path`: `modules/<name>` under the fleet's own (a linked worktree's
    /// first), or what the worktree's `.git` is or points to. `None` when it is not initialised.
    pub fn open(fleet: &Repository, name: Option<&BStr>, path: &BStr) -> Result<Option<Self>> {
        let name = path::relative(NAME, name.unwrap_or(path))?;
        let path = path::relative("path", path)?;
        let hash = fleet.object_hash();
        let in_modules = modules(fleet, &name).find_map(|git_dir| Self::at(git_dir, hash));
        let in_worktree = || Self::at(git_dir_of(&fleet.work_dir()?.join(path))?, hash);
        let promised = fleet.promised().map(|fetch| Promised {
            fleet: fleet.git_dir().to_owned(),
            fetch,
        });
        let store = in_modules.or_else(in_worktree);
        Ok(store.map(|store| store.with_promised(promised)))
    }

    /// Whether something stands in for objects or parents of commits in the submodule at `path`: what is read of it then is no fact
    /// about its commits.
    pub fn has_substitutes(fleet: &Repository, name: Option<&BStr>, path: &BStr) -> Result<bool> {
        let name = path::relative(NAME, name.unwrap_or(path))?;
        let path = path::relative("path", path)?;
        let in_modules = modules(fleet, &name).find_map(|git_dir| substitutes::exist_in(&git_dir));
        let in_worktree = || substitutes::exist_in(&git_dir_of(&fleet.work_dir()?.join(path))?);
        Ok(in_modules.or_else(in_worktree).unwrap_or_default())
    }

    /// Opens a submodule of this submodule; `None` when it is not initialised.
    pub fn nested(&self, name: &BStr) -> Result<Option<Self>> {
        let name = path::relative(NAME, name)?;
        // Which ones another repository has initialised is its own affair: they come from where their URLs lead.
        if self.is_borrowed {
            return Ok(None);
        }
        let git_dir = self.git_dir().join("modules").join(name);
        let store = Self::at(git_dir, self.hash());
        Ok(store.map(|store| store.with_promised(self.layers.promised.clone())))
    }

    fn with_promised(mut self, promised: Option<Promised>) -> Self {
        self.layers.promised = promised;
        self
    }

    /// Opens the objects of `git_dir`; `None` when there are none.
    pub fn at(git_dir: PathBuf, hash: gix::hash::Kind) -> Option<Self> {
        let layer = Layer::open(git_dir, hash, None)?;
        Some(Self {
            layers: Layers {
                all: vec![layer],
                promised: None,
            },
            is_borrowed: false,
        })
    }

    /// The same of a repository that is not the fleet's own, or of what came from one: larger objects than a fetch would take in
    /// are not read.
    pub fn borrowed(git_dir: PathBuf, hash: gix::hash::Kind) -> Option<Self> {
        let layer = Layer::open(git_dir, hash, Some(OBJECT_LIMIT))?;
        Some(Self {
            layers: Layers {
                all: vec![layer],
                promised: None,
            },
            is_borrowed: true,
        })
    }

    /// With what is not here looked for in `below`.
    pub fn above(mut self, below: Self) -> Self {
        self.layers.all.extend(below.layers.all);
        self
    }

    /// Its git directory.
    pub fn git_dir(&self) -> &Path {
        &self.layers.all[0].git_dir
    }

    /// The git directories that its objects are in, in the order in which they are asked.
    pub fn git_dirs(&self) -> impl Iterator<Item = &Path> {
        self.layers.all.iter().map(|layer| &*layer.git_dir)
    }

    /// The hash its object ids are made with.
    pub fn hash(&self) -> gix::hash::Kind {
        self.layers.all[0].hash
    }

    /// Its objects.
    pub fn objects(&self) -> Objects<'_> {
        Objects::new(&self.layers)
    }

    /// Whether something stands in for objects of it, as [`Self::has_substitutes`] tells before it is opened.
    pub fn is_substituted(&self) -> bool {
        let mut layers = self.layers.all.iter();
        layers.any(|layer| layer.substitutes.is_some())
    }

    /// Whether its history is cut short.
    pub fn is_shallow(&self) -> bool {
        let mut layers = self.layers.all.iter();
        layers.any(|layer| layer.git_dir.join("shallow").is_file())
    }

    /// The root tree of `commit`; `None` when the commit is not here.
    pub fn tree_of(&self, commit: ObjectId) -> Result<Option<ObjectId>> {
        self.objects().tree_of(commit)
    }
}

impl Layer {
    fn open(git_dir: PathBuf, hash: gix::hash::Kind, limit: Option<usize>) -> Option<Self> {
        let objects = git_dir.join("objects");
        let packs = Packs::open(objects.join("pack"), hash, limit);
        let in_memory = odb::loose::Options {
            alloc_limit_bytes: limit,
            ..Default::default()
        };
        // Loose objects alone may leave out the folder for packs.
        if packs.is_none() && !objects.is_dir() {
            return None;
        }
        let substitutes = match limit {
            None => Substitutes::of(&git_dir).ok()?,
            Some(_) => None,
        };
        Some(Self {
            loose: odb::loose::Store::at_opts(objects, hash, in_memory),
            substitutes,
            git_dir,
            hash,
            limit,
            packs,
            whole: OnceCell::new(),
            recent: RefCell::new(MemoryCappedHashmap::new(OBJECT_CACHE)),
        })
    }

    /// Reads an object into `buffer`; none when it is not here.
    fn find(&self, id: &gix::oid, buffer: &mut Vec<u8>) -> gix::Result<Option<Kind>> {
        if let Some(kind) = self.recent.borrow_mut().get(&id.to_owned(), buffer) {
            return Ok(Some(kind));
        }
        let substitutes = self.substitutes.as_ref();
        let replaced = substitutes.map(|known| known.of_object(id));
        let read = replaced.as_ref().map_or(id, AsRef::as_ref);
        let found = match self.find_nearby(read, buffer) {
            Some(kind) => Some(kind),
            None => self.find_anywhere(read, buffer)?,
        };
        if let Some(kind) = found {
            if let Some(substitutes) = substitutes {
                substitutes.graft(id, kind, buffer);
            }
            self.recent.borrow_mut().put(id.to_owned(), kind, buffer);
        }
        Ok(found)
    }

    /// In its own packs, or loose; none says nothing.
    fn find_nearby(&self, id: &gix::oid, buffer: &mut Vec<u8>) -> Option<Kind> {
        let packs = self.packs.as_ref();
        packs
            .and_then(|packs| packs.find(id, buffer))
            .or_else(|| Some(self.loose.try_find(id, buffer).ok()??.kind))
    }

    /// Wherever git would look.
    fn find_anywhere(&self, id: &gix::oid, buffer: &mut Vec<u8>) -> gix::Result<Option<Kind>> {
        let Some(whole) = self.whole.get_or_init(|| self.open_whole()) else {
            return Ok(None);
        };
        Ok(whole.try_find(id, buffer)?.map(|found| found.kind))
    }

    fn open_whole(&self) -> Option<odb::Handle> {
        let objects = self.git_dir.join("objects");
        let options = odb::store::init::Options {
            slots: slots(&objects)?,
            alloc_limit_bytes: self.limit,
            ..Default::default()
        };
        odb::at_opts(objects, self.hash, None, options).ok()
    }
}

/// Where the git directory of the submodule `name` may be: a linked worktree has its own.
fn modules(fleet: &Repository, name: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = [fleet.git_dir(), fleet.common_dir()].into_iter();
    folders.map(move |dir| dir.join("modules").join(name))
}

/// How many packs to make room for; `None` when there is no such folder.
///
/// gix would list all packs to find out, and list them again to open them.
fn slots(objects: &Path) -> Option<Slots> {
    // Loose objects alone leave the folder for packs empty, or out.
    let packs = match std::fs::read_dir(objects.join("pack")) {
        Ok(files) => files.count(),
        Err(_) if objects.is_dir() => 0,
        Err(_) => return None,
    };
    // Each pack is at least two files, so there is room for those that arrive while they are read.
    let room = u16::try_from(packs + 2).ok();
    let borrows = objects.join("info").join("alternates").exists();
    Some(match room.filter(|_| !borrows) {
        Some(room) => Slots::Given(room),
        None => Slots::default(),
    })
}

/// The git directory of the submodule at `path`: `modules/<name>` under the fleet's own (a linked worktree's first), or what the
/// worktree's `.git` is or points to; none where it is not initialised.
pub fn git_dir(fleet: &Repository, name: Option<&BStr>, path: &BStr) -> Result<Option<PathBuf>> {
    let name = path::relative(NAME, name.unwrap_or(path))?;
    let path = path::relative("path", path)?;
    let in_modules = modules(fleet, &name).find(|dir| is_repository(dir));
    Ok(in_modules.or_else(|| git_dir_in_worktree(fleet, &path)))
}

/// The same, but never that of another worktree of the fleet: for who changes it.
pub fn own_git_dir(fleet: &Repository, name: &BStr, path: &BStr) -> Result<Option<PathBuf>> {
    let name = path::relative(NAME, name)?;
    let path = path::relative("path", path)?;
    let own = Some(fleet.git_dir().join("modules").join(name)).filter(|dir| is_repository(dir));
    Ok(own.or_else(|| git_dir_in_worktree(fleet, &path)))
}

fn is_repository(dir: &Path) -> bool {
    dir.join("HEAD").is_file()
}

fn git_dir_in_worktree(fleet: &Repository, path: &Path) -> Option<PathBuf> {
    git_dir_of(&fleet.work_dir()?.join(path)).filter(|dir| is_repository(dir))
}

/// The git directory of a worktree: its `.git` folder (the form before git 1.7.8), or what its gitfile names; none without one.
pub fn git_dir_of(worktree: &Path) -> Option<PathBuf> {
    let dot_git = worktree.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let text = std::fs::read_to_string(dot_git).ok()?;
    Some(
        worktree.join(
            text.strip_prefix("gitdir: ")?
                .trim_end_matches(['\r', '\n']),
        ),
    )
}
