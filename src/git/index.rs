//! Where the fleet's worktrees belong: the gitlinks of its index, as for `git submodule update`.

use std::path::Path;

use bstr::{BStr, BString};
use gix::{
    ObjectId,
    index::entry::{Mode, Stage},
    objs::{FindExt, tree::EntryKind},
};

use super::{
    gitmodules::{self, Gitmodules},
    repository::Repository,
    update_index::{self, Staged},
    vet::{self, Link},
};
use crate::model::{
    error::{Error, Result},
    fleet::{Gitlink, Submodule},
};

/// The submodules of an index.
pub struct Pins {
    /// Those that are settled, sorted by path.
    pub links: Vec<Link>,
    /// Those that a merge left in conflict, sorted by path.
    pub conflicted: Vec<Conflicted>,
}

impl Pins {
    /// All of them, sorted by path, each with its pin unless that is in conflict.
    pub fn all(self) -> Vec<(BString, Option<ObjectId>)> {
        let settled = self.links.into_iter();
        let settled = settled.map(|link| (link.path, Some(link.pin)));
        let conflicted = self.conflicted.into_iter().map(|one| (one.path, None));
        let mut all: Vec<_> = settled.chain(conflicted).collect();
        all.sort();
        all
    }
}

/// A submodule for which the index has several entries (git-read-tree(1), "3-way merge"): a side that has no submodule
/// there, but nothing or a file, has no commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflicted {
    /// Where it sits.
    pub path: BString,
    /// Stage 1: what both sides began with.
    pub base: Option<ObjectId>,
    /// Stage 2: the side that is checked out.
    pub ours: Option<ObjectId>,
    /// Stage 3: the other.
    pub theirs: Option<ObjectId>,
    /// What `.gitmodules` says of it.
    pub listed: Option<Submodule>,
}

impl Conflicted {
    fn note(&mut self, stage: Stage, id: ObjectId) {
        match stage {
            Stage::Unconflicted => {}
            Stage::Base => self.base = Some(id),
            Stage::Ours => self.ours = Some(id),
            Stage::Theirs => self.theirs = Some(id),
        }
    }
}

/// The submodules that the fleet's index lists.
///
/// # Errors
/// Repository: the index or `.gitmodules` cannot be read, or a submodule is refused.
#[allow(clippy::expect_used, reason = "just pushed")]
pub fn of_index(fleet: &Repository) -> Result<Pins> {
    let repo = fleet.to_local()?;
    let index = repo
        .index_or_empty()
        .map_err(|err| Error::repository("cannot read the fleet's index").because(err))?;
    let (mut gitlinks, mut symlinks) = (Vec::<Gitlink>::new(), Vec::<BString>::new());
    let (mut conflicted, mut listing) = (Vec::<Conflicted>::new(), None);
    for entry in index.entries() {
        let path = entry.path(&index);
        if entry.stage() != Stage::Unconflicted {
            if entry.mode == Mode::COMMIT {
                if conflicted.last().is_none_or(|last| last.path != path) {
                    conflicted.push(Conflicted {
                        path: path.to_owned(),
                        ..Default::default()
                    });
                }
                let last = conflicted.last_mut().expect("just pushed");
                last.note(entry.stage(), entry.id);
            }
        } else if entry.mode == Mode::COMMIT {
            gitlinks.push(Gitlink {
                path: path.to_owned(),
                pin: entry.id,
            });
        } else if entry.mode == Mode::SYMLINK {
            symlinks.push(path.to_owned());
        }
        // In conflict too, one side of it is as good as the other to go by.
        if path == gitmodules::FILE {
            if entry.mode == Mode::SYMLINK {
                return Err(Error::repository(format!(
                    "{path} is a symbolic link, and git refuses it too"
                )));
            }
            listing = Some(entry.id);
        }
    }
    let modules = match listing {
        None => Gitmodules::default(),
        Some(id) => {
            let objects = fleet.objects();
            let mut buffer = Vec::new();
            let blob = objects.find_blob(&id, &mut buffer).map_err(|err| {
                Error::repository(format!("cannot read {} (blob {id})", gitmodules::FILE))
                    .because(err)
            })?;
            Gitmodules::parse(blob.data)?
        }
    };
    for one in &mut conflicted {
        one.listed = modules.at(one.path.as_ref()).cloned();
    }
    Ok(Pins {
        links: vet::links(gitlinks, &modules, &symlinks)?,
        conflicted,
    })
}

/// Whether the fleet's index has a submodule at `path`, in conflict or not.
///
/// # Errors
/// Repository: the index cannot be read.
pub fn is_gitlink(fleet: &Repository, path: &Path) -> Result<bool> {
    let repo = fleet.to_local()?;
    let index = repo
        .index_or_empty()
        .map_err(|err| Error::repository("cannot read the fleet's index").because(err))?;
    let path = gix::path::into_bstr(path);
    let path = gix::path::to_unix_separators_on_windows(
        path.map_err(|err| Error::repository("a path is not valid here").because(err))?,
    );
    let entries = index.entries_with_paths_by_filter_map(|entry_path, entry| {
        (entry_path == path.as_ref()).then_some(entry.mode)
    });
    Ok(entries.into_iter().any(|(_, mode)| mode == Mode::COMMIT))
}

/// Whether something in the fleet's index is in conflict.
///
/// # Errors
/// Repository: the index cannot be read.
pub fn is_unmerged(fleet: &Repository) -> Result<bool> {
    let repo = fleet.to_local()?;
    let index = repo
        .index_or_empty()
        .map_err(|err| Error::repository("cannot read the fleet's index").because(err))?;
    let mut entries = index.entries().iter();
    Ok(entries.any(|entry| entry.stage() != Stage::Unconflicted))
}

/// That there is no saying where a submodule belongs.
pub fn in_conflict() -> Error {
    Error::repository("its pin is in conflict").hint("resolve it: flota resolve")
}

/// Stages pins in the fleet's index, in one go; where one was in conflict, it is settled.
///
/// # Errors
/// Work: git cannot write the index; then none is staged.
pub fn stage<'a>(
    fleet: &Repository,
    pins: impl IntoIterator<Item = (&'a BStr, ObjectId)>,
) -> Result<()> {
    let root = fleet.work_dir().unwrap_or(fleet.common_dir());
    let staged = pins.into_iter().map(|(path, pin)| Staged {
        path,
        entry: Some((EntryKind::Commit.into(), pin)),
    });
    update_index::stage(root, &staged.collect::<Vec<_>>(), "stage the pins")
}
