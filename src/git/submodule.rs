//! Where a submodule's objects are, read without opening a whole repository: 0.1 ms instead of 0.6 ms each.

use std::path::{Path, PathBuf};

use bstr::BStr;
use gix::{
    ObjectId,
    objs::{Exists, Find},
    odb::{pack::cache::object::MemoryCappedHashmap, store::init::Slots},
};

use super::{Objects, path, repository::Repository};
use crate::model::error::Result;

/// What messages call the key of a section of `.gitmodules`.
const NAME: &str = "submodule name";

/// What a store keeps decoded, in bytes: a few commits and trees.
const OBJECT_CACHE: usize = 256 << 10;

/// The objects of one submodule: those of its git directory, and below them what was fetched for it.
pub struct Store {
    git_dirs: Vec<PathBuf>,
    layers: Layers,
}

/// Object databases that are asked in turn; at least one.
struct Layers(Vec<gix::odb::Handle>);

impl Find for Layers {
    fn try_find<'b>(
        &self,
        id: &gix::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix::Result<Option<gix::objs::Data<'b>>> {
        let Some((last, before)) = self.0.split_last() else {
            return Ok(None);
        };
        match before.iter().find(|layer| layer.exists(id)) {
            Some(layer) => layer.try_find(id, buffer),
            None => last.try_find(id, buffer),
        }
    }
}

impl Store {
    /// Finds the git directory of the submodule at `path`: `modules/<name>` under the fleet's own (a linked worktree's
    /// first), or what the worktree's `.git` is or points to. `None` when it is not initialised.
    pub fn open(fleet: &Repository, name: Option<&BStr>, path: &BStr) -> Result<Option<Self>> {
        let name = path::relative(NAME, name.unwrap_or(path))?;
        let path = path::relative("path", path)?;
        let hash = fleet.object_hash();
        let in_modules = [fleet.git_dir(), fleet.common_dir()]
            .into_iter()
            .find_map(|dir| Self::at(dir.join("modules").join(&name), hash));
        let in_worktree = || Self::at(git_dir_of(&fleet.work_dir()?.join(path))?, hash);
        Ok(in_modules.or_else(in_worktree))
    }

    /// Opens a submodule of this submodule.
    pub fn nested(&self, name: &BStr) -> Result<Option<Self>> {
        let git_dir = self
            .git_dir()
            .join("modules")
            .join(path::relative(NAME, name)?);
        Ok(Self::at(git_dir, self.hash()))
    }

    /// Opens the objects of `git_dir`; `None` when there are none.
    pub fn at(git_dir: PathBuf, hash: gix::hash::Kind) -> Option<Self> {
        let folder = git_dir.join("objects");
        let options = gix::odb::store::init::Options {
            slots: slots(&folder)?,
            ..Default::default()
        };
        let mut objects = gix::odb::at_opts(folder, hash, None, options).ok()?;
        // A commit and its tree are asked for once for the content, once for the history.
        objects.set_object_cache(|| Box::new(MemoryCappedHashmap::new(OBJECT_CACHE)));
        Some(Self {
            git_dirs: vec![git_dir],
            layers: Layers(vec![objects]),
        })
    }

    /// With what is not here looked for in `below`.
    pub fn above(mut self, below: Self) -> Self {
        self.git_dirs.extend(below.git_dirs);
        self.layers.0.extend(below.layers.0);
        self
    }

    /// Its git directory.
    pub fn git_dir(&self) -> &Path {
        &self.git_dirs[0]
    }

    /// The hash its object ids are made with.
    pub fn hash(&self) -> gix::hash::Kind {
        self.layers.0[0].store_ref().object_hash()
    }

    /// Its objects.
    pub fn objects(&self) -> Objects<'_> {
        Objects::new(&self.layers)
    }

    /// Whether its history is cut short.
    pub fn is_shallow(&self) -> bool {
        let mut git_dirs = self.git_dirs.iter();
        git_dirs.any(|git_dir| git_dir.join("shallow").is_file())
    }

    /// The root tree of `commit`; `None` when the commit is not here.
    pub fn tree_of(&self, commit: ObjectId) -> Result<Option<ObjectId>> {
        super::history::tree_of(self.objects(), commit)
    }
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
