//! The fleet as it is before a service is added: what its index lists, and where the new one belongs.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use bstr::{BString, ByteSlice};
use gix::{
    ObjectId,
    index::entry::{Mode, Stage},
    objs::{
        FindExt,
        tree::{EntryKind, EntryMode},
    },
};

use super::defaults::SERVICES;
use crate::{
    fleet::worktree,
    git::{Objects, gitmodules, index, path, repository::Repository, vet::Link},
    model::error::{Error, Result},
};

/// Where a new service goes, and what is listed beside it.
pub(super) struct ServicePlace {
    /// From the fleet's root.
    pub(super) path: BString,
    /// `.gitmodules`, which is the same in the worktree and in the index.
    pub(super) listing: Listing,
}

/// `.gitmodules`, as the index has it.
#[derive(Clone, Default)]
pub(super) struct Listing {
    pub(super) entry: Option<(EntryMode, ObjectId)>,
    /// None where there is no such file.
    pub(super) text: Option<Vec<u8>>,
}

impl ServicePlace {
    /// Finds the place of a new service `name`.
    ///
    /// # Errors
    /// Misuse: the name is taken. Repository: `.gitmodules` has changes that are not staged, or is in conflict.
    pub(super) fn find(fleet: &Repository, root: &Path, name: &str) -> Result<Self> {
        let links = index::of_index(fleet)?.links;
        let taken = |what: String| {
            Error::misuse(what).hint("call the new service something else: flota new NAME")
        };
        let folded = path::folded(name.as_bytes());
        let twin = links.iter().find(|link| {
            let called = crate::model::fleet::service_name(link.path.as_ref());
            path::folded(called) == folded || path::folded(link.name()) == folded
        });
        if let Some(twin) = twin {
            return Err(taken(format!(
                "the fleet already has a service `{name}`, in `{}`",
                twin.path
            )));
        }
        let place = BString::from(format!("{}/{name}", home(&links)));
        let folder = worktree::of(root, place.as_ref())?;
        if !is_free(&folder)? {
            return Err(taken(format!("`{place}` already exists")));
        }
        let git_dir = fleet.git_dir().join("modules").join(name);
        if fs::symlink_metadata(&git_dir).is_ok() {
            return Err(taken(format!(
                "the fleet had a submodule `{name}`: its repository is still in `{}`",
                git_dir.display()
            ))
            .hint(format!(
                "or, if nothing in it is needed: rm -r {}",
                git_dir.display()
            )));
        }
        Ok(Self {
            listing: Listing::settled(fleet, root)?,
            path: place,
        })
    }
}

impl Listing {
    /// What the index has.
    pub(super) fn of_index(fleet: &Repository) -> Result<Self> {
        let repo = fleet.to_local()?;
        let index = repo
            .index_or_empty()
            .map_err(|err| Error::repository("cannot read the fleet's index").because(err))?;
        let mut found = Self::default();
        for entry in index.entries() {
            if entry.path(&index) != gitmodules::FILE {
                continue;
            }
            if entry.stage() != Stage::Unconflicted {
                return Err(
                    Error::repository(format!("{} is in conflict", gitmodules::FILE))
                        .hint(format!("resolve it: git add {}", gitmodules::FILE)),
                );
            }
            let kind = match entry.mode {
                Mode::FILE_EXECUTABLE => EntryKind::BlobExecutable,
                _ => EntryKind::Blob,
            };
            let mut buffer = Vec::new();
            let objects = fleet.objects();
            let blob = Objects::new(&objects)
                .promised()
                .find_blob(&entry.id, &mut buffer)
                .map_err(|err| {
                    Error::repository(format!("cannot read {}", gitmodules::FILE)).because(err)
                })?;
            found = Self {
                entry: Some((kind.into(), entry.id)),
                text: Some(blob.data.to_vec()),
            };
        }
        Ok(found)
    }

    fn settled(fleet: &Repository, root: &Path) -> Result<Self> {
        let found = Self::of_index(fleet)?;
        if Self::in_worktree(root)? == found.text {
            return Ok(found);
        }
        let file = gitmodules::FILE;
        Err(
            Error::repository(format!("{file} has changes that are not staged"))
                .hint(format!("stage them: git add {file}"))
                .hint(format!("or undo them: git restore {file}")),
        )
    }

    /// The file's text; none where there is none.
    pub(super) fn in_worktree(root: &Path) -> Result<Option<Vec<u8>>> {
        let path = root.join(gitmodules::FILE);
        match fs::read(&path) {
            Ok(text) => Ok(Some(text)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => {
                Err(Error::unavailable(format!("cannot read `{}`", path.display())).because(err))
            }
        }
    }
}

/// The folder that holds most of the submodules, the first of several; [`SERVICES`] where there is none.
pub fn home(links: &[Link]) -> String {
    let mut counts = BTreeMap::<String, usize>::new();
    for link in links {
        let slash = link.path.rfind_byte(b'/');
        let folder = slash.and_then(|slash| link.path[..slash].to_str().ok());
        if let Some(folder) = folder {
            *counts.entry(folder.to_owned()).or_default() += 1;
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| **count);
    most.map_or_else(|| SERVICES.to_owned(), |(folder, _)| folder.clone())
}

/// The fleet's worktree, absolute.
pub(super) fn work_dir(fleet: &Repository) -> Result<PathBuf> {
    let hint = "go to the fleet's worktree, or name it: flota -C FLEET new NAME";
    let Some(work_dir) = fleet.work_dir() else {
        return Err(
            Error::repository("a bare repository has no worktree for a service").hint(hint),
        );
    };
    let is_submodule = work_dir.join(".git").is_file()
        && fleet
            .git_dir()
            .components()
            .any(|part| part.as_os_str() == "modules");
    if is_submodule {
        return Err(Error::misuse(format!(
            "`{}` is itself a submodule, not a fleet",
            work_dir.display()
        ))
        .hint(hint));
    }
    fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))
}

fn is_free(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(err) => Ok(err.kind() == io::ErrorKind::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_go_where_most_of_them_are() {
        let link = |path: &str| Link {
            path: path.into(),
            pin: ObjectId::null(gix::hash::Kind::Sha1),
            listed: None,
        };
        assert_eq!(home(&[]), SERVICES);
        assert_eq!(home(&[link("vendored")]), SERVICES);
        let links = ["libs/a", "services/b", "services/c"].map(link);
        assert_eq!(home(&links), "services");
        assert_eq!(home(&["b/x", "a/x"].map(link)), "a");
    }
}
