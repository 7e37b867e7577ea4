//! Where a submodule's objects are, read without opening a whole repository: 0.1 ms instead of 0.6 ms each.

use std::path::{Path, PathBuf};

use bstr::BStr;
use gix::ObjectId;

use super::{Objects, path, repository::Repository};
use crate::model::error::Result;

/// What messages call the key of a section of `.gitmodules`.
const NAME: &str = "submodule name";

/// The objects of one initialised submodule.
pub struct Store {
    git_dir: PathBuf,
    objects: gix::odb::Handle,
}

impl Store {
    /// Finds the git directory of the submodule at `path`: `modules/<name>` under the fleet's own (a linked worktree's
    /// first), or what the worktree's `.git` is or points to. `None` when it is not initialised.
    pub fn open(fleet: &Repository, name: Option<&BStr>, path: &BStr) -> Result<Option<Self>> {
        let name = path::relative(NAME, name.unwrap_or(path))?;
        let modules =
            [fleet.git_dir(), fleet.common_dir()].map(|dir| dir.join("modules").join(&name));
        let mut candidates = modules.to_vec();
        if let Some(work_dir) = fleet.work_dir() {
            candidates.extend(from_worktree(&work_dir.join(path::relative("path", path)?)));
        }
        Ok(candidates
            .into_iter()
            .find_map(|git_dir| Self::at(git_dir, fleet.object_hash())))
    }

    /// Opens a submodule of this submodule.
    pub fn nested(&self, name: &BStr) -> Result<Option<Self>> {
        let git_dir = self
            .git_dir
            .join("modules")
            .join(path::relative(NAME, name)?);
        Ok(Self::at(git_dir, self.objects.store_ref().object_hash()))
    }

    /// Opens the objects of `git_dir`; `None` when there are none.
    pub fn at(git_dir: PathBuf, hash: gix::hash::Kind) -> Option<Self> {
        let options = gix::odb::store::init::Options {
            slots: gix::odb::store::init::Slots::Given(16),
            ..Default::default()
        };
        let objects = gix::odb::at_opts(git_dir.join("objects"), hash, None, options).ok()?;
        Some(Self { git_dir, objects })
    }

    /// Its git directory.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Its objects.
    pub fn objects(&self) -> Objects<'_> {
        Objects::new(&self.objects)
    }

    /// Whether its history is cut short.
    pub fn is_shallow(&self) -> bool {
        self.git_dir.join("shallow").is_file()
    }

    /// The root tree of `commit`; `None` when the commit is not here.
    pub fn tree_of(&self, commit: ObjectId) -> Result<Option<ObjectId>> {
        super::history::tree_of(self.objects(), commit)
    }
}

/// The git directory of a worktree: its `.git` folder (the form before git 1.7.8), or what its gitfile names.
fn from_worktree(worktree: &Path) -> Option<PathBuf> {
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
