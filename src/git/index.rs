//! Where the fleet's worktrees belong: the gitlinks of its index, as for `git submodule update`.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::Path,
};

use bstr::{BStr, BString};
use gix::{
    ObjectId,
    index::entry::{Mode, Stage},
    objs::{FindExt, tree::EntryKind},
};

use super::{
    gitmodules::{self, Gitmodules},
    objects::Objects,
    repository::Repository,
    tree,
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

    /// What `.gitmodules` says of each of them, by path.
    pub fn listed(self) -> BTreeMap<BString, Option<Submodule>> {
        let settled = self.links.into_iter().map(|link| (link.path, link.listed));
        let conflicted = self.conflicted.into_iter();
        let conflicted = conflicted.map(|one| (one.path, one.listed));
        settled.chain(conflicted).collect()
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
    let cannot = |err| {
        let error = Error::repository("cannot read the fleet's index").because(err);
        match file_of(fleet.git_dir(), fleet.object_hash()) {
            Ok(IndexFile::Damaged) => error.hint(anew(fleet.git_dir(), root_of(fleet))),
            _ => error,
        }
    };
    if repo.try_index().map_err(cannot)?.is_none() {
        check_empty(fleet)?;
    }
    let index = repo.index_or_empty().map_err(cannot)?;
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
            let blob = Objects::new(&objects)
                .promised()
                .find_blob(&id, &mut buffer)
                .map_err(|err| {
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

/// The file that holds a worktree's index, as far as it can be told without the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexFile {
    /// It is not there: git was stopped between clone and checkout.
    Missing,
    /// It is as git wrote it.
    Sound,
    /// It was cut off or emptied, as after a power cut. git ends there, and says so.
    Damaged,
}

/// Looks at the file in `git_dir`, of a repository with this hash (gitformat-index(5)).
///
/// # Errors
/// Unavailable: it cannot be read.
pub fn file_of(git_dir: &Path, hash: gix::hash::Kind) -> Result<IndexFile> {
    let path = git_dir.join("index");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(IndexFile::Missing),
        Err(err) => {
            let error = Error::unavailable(format!("cannot read `{}`", path.display()));
            return Err(error.because(err));
        }
    };
    Ok(match is_sound(&bytes, hash) {
        true => IndexFile::Sound,
        false => IndexFile::Damaged,
    })
}

/// Whether the file is there and begins as one does: for whom nothing depends on the rest of it.
pub fn begins_well(git_dir: &Path, hash: gix::hash::Kind) -> bool {
    let read = || -> io::Result<bool> {
        let mut file = fs::File::open(git_dir.join("index"))?;
        let mut signature = [0; SIGNATURE.len()];
        file.read_exact(&mut signature)?;
        let shortest = HEADER_LENGTH + hash.len_in_bytes();
        Ok(signature == SIGNATURE && file.metadata()?.len() >= shortest as u64)
    };
    read().unwrap_or_default()
}

fn is_sound(bytes: &[u8], hash: gix::hash::Kind) -> bool {
    let end = bytes.len().checked_sub(hash.len_in_bytes());
    let Some((told, checksum)) = end.and_then(|end| bytes.split_at_checked(end)) else {
        return false;
    };
    if told.len() < HEADER_LENGTH || !told.starts_with(&SIGNATURE) {
        return false;
    }
    // With `index.skipHash` git writes none.
    if checksum.iter().all(|byte| *byte == 0) {
        return true;
    }
    let mut hasher = gix::hash::hasher(hash);
    hasher.update(told);
    hasher
        .try_finalize()
        .is_ok_and(|found| found.as_slice() == checksum)
}

/// With what the file of an index begins.
const SIGNATURE: [u8; 4] = *b"DIRC";

/// Signature, version, number of entries.
const HEADER_LENGTH: usize = 12;

/// That the index of the worktree `work_dir` is damaged.
pub fn damaged(git_dir: &Path, work_dir: &Path) -> Error {
    Error::repository("its index is damaged, so nothing tells what changed in it")
        .hint(anew(git_dir, work_dir))
}

fn anew(git_dir: &Path, work_dir: &Path) -> String {
    let (git_dir, work_dir) = (git_dir.display(), work_dir.display());
    format!("create it anew, and see what differs: rm {git_dir}/index && git -C {work_dir} reset")
}

/// Refuses a fleet without an index whose commit has submodules: that is no fleet without services.
fn check_empty(fleet: &Repository) -> Result<()> {
    let Some(head) = fleet.head()?.filter(|_| fleet.work_dir().is_some()) else {
        return Ok(());
    };
    let objects = fleet.objects();
    let gitlinks = tree::gitlinks(Objects::new(&objects), fleet.tree_of(head)?)?;
    match gitlinks.is_empty() {
        true => Ok(()),
        false => Err(Error::repository(
            "the fleet has no index, so nothing tells where its services belong",
        )
        .hint(format!(
            "create it: git -C {} reset",
            root_of(fleet).display()
        ))),
    }
}

fn root_of(fleet: &Repository) -> &Path {
    fleet.work_dir().unwrap_or(fleet.common_dir())
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
    let root = root_of(fleet);
    let staged = pins.into_iter().map(|(path, pin)| Staged {
        path,
        entry: Some((EntryKind::Commit.into(), pin)),
    });
    update_index::stage(root, &staged.collect::<Vec<_>>(), "stage the pins")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::command::git;

    #[test]
    fn an_index_that_was_cut_off_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| assert!(git(dir.path()).args(args).run().unwrap().success());
        let git_dir = dir.path().join(".git");
        let found = || file_of(&git_dir, gix::hash::Kind::Sha1).unwrap();
        run(&["init", "--quiet"]);
        assert_eq!(found(), IndexFile::Missing);
        fs::write(dir.path().join("file"), "one").unwrap();
        for version in ["2", "4"] {
            run(&["-c", &format!("index.version={version}"), "add", "file"]);
            assert_eq!(found(), IndexFile::Sound, "{version}");
        }
        let whole = fs::read(git_dir.join("index")).unwrap();
        let zeros = vec![0; whole.len()];
        let mut flipped = whole.clone();
        flipped[20] ^= 1;
        for damaged in [
            &[][..],
            &whole[..3],
            &whole[..20],
            &whole[..40],
            &whole[..whole.len() - 1],
            &zeros,
            &flipped,
        ] {
            fs::write(git_dir.join("index"), damaged).unwrap();
            assert_eq!(found(), IndexFile::Damaged, "{damaged:?}");
        }
    }
}
