//! What stands in for the objects of a submodule, or for the parents of its commits: replacement refs (git-replace(1)) and grafts.
//! git reads through both, and so does flota. They are local to one repository and may go again, so that what was read through one
//! is true of that moment alone.

use std::{collections::HashMap, fs, os::fd::OwnedFd, path::Path};

use bstr::ByteSlice;
use gix::{ObjectId, objs::Kind};
use rustix::fs::{Access, AtFlags, Mode, OFlags};

use crate::git::grafts::{self, Grafts};

/// Those of one repository.
pub(super) struct Substitutes {
    replaced: HashMap<ObjectId, ObjectId>,
    grafts: Grafts,
}

/// How many replacements of replacements git follows.
const CHAIN_LIMIT: usize = 5;

impl Substitutes {
    /// Those of the repository `git_dir`, if it has any.
    ///
    /// # Errors
    /// It has, and they cannot be read.
    pub(super) fn of(git_dir: &Path) -> gix::Result<Option<Self>> {
        let Some(dir) = open(git_dir).filter(|dir| exist(dir, git_dir)) else {
            return Ok(None);
        };
        let replaced = match are_replaced(&dir, git_dir) {
            true => gix::open(git_dir)?
                .objects
                .store_ref()
                .replacements()
                .collect(),
            false => HashMap::new(),
        };
        Ok(Some(Self {
            replaced,
            grafts: Grafts::of(git_dir),
        }))
    }

    /// The object to read for `id`.
    pub(super) fn of_object(&self, id: &gix::oid) -> ObjectId {
        let next = |id: &ObjectId| self.replaced.get(id).copied();
        let chain = std::iter::successors(Some(id.to_owned()), next);
        chain.take(1 + CHAIN_LIMIT).last().unwrap_or(id.to_owned())
    }

    /// Gives the commit `id`, whose content is `text`, the parents that its graft names.
    pub(super) fn graft(&self, id: &gix::oid, kind: Kind, text: &mut Vec<u8>) {
        if kind == Kind::Commit {
            self.grafts.apply(id, text);
        }
    }
}

/// Whether the repository `git_dir` has any; none where there is no such directory. It is asked of each submodule that moved, so that
/// the long way to it is gone once.
pub(super) fn exist_in(git_dir: &Path) -> Option<bool> {
    Some(exist(&open(git_dir)?, git_dir))
}

fn open(git_dir: &Path) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(git_dir, flags, Mode::empty()).ok()
}

fn exist(dir: &OwnedFd, git_dir: &Path) -> bool {
    is_there(dir, grafts::FILE) || are_replaced(dir, git_dir)
}

fn are_replaced(dir: &OwnedFd, git_dir: &Path) -> bool {
    let packed = || fs::read(git_dir.join(PACKED)).unwrap_or_default();
    is_there(dir, "refs/replace")
        || is_there(dir, PACKED) && packed().contains_str(" refs/replace/")
}

const PACKED: &str = "packed-refs";

fn is_there(dir: &OwnedFd, name: &str) -> bool {
    rustix::fs::accessat(dir, name, Access::EXISTS, AtFlags::empty()).is_ok()
}
