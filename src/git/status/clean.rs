//! The short way to "nothing changed", which is what most worktrees say most of the time: the index holds what HEAD holds, every
//! file has the time and size that the index noted, and no other file is there. Anything else is for the long way to tell.

use std::{collections::HashMap, os::unix::ffi::OsStrExt, path::Path};

use bstr::{BStr, ByteSlice};
use gix::{
    ObjectId,
    index::{
        State,
        entry::{Flags, Mode, Stage, Stat},
        fs::Metadata,
    },
};

/// What the index says is at a path.
#[derive(PartialEq, Eq)]
enum Known {
    File,
    Folder,
    /// A submodule's worktree, which is not looked into.
    Gitlink,
}

/// Whether the worktree of `repo` is certainly as the commit `head` has it. `false` means that nobody knows yet.
pub(super) fn is_clean(repo: &gix::Repository, head: ObjectId) -> bool {
    let (Some(root), Ok(index)) = (repo.workdir(), repo.index()) else {
        return false;
    };
    is_as_committed(repo, &index, head).unwrap_or(false)
        && is_as_noted(repo, &index, root)
        && has_nothing_else(&index, root)
}

fn is_as_committed(repo: &gix::Repository, index: &State, head: ObjectId) -> gix::Result<bool> {
    let tree = repo.find_commit(head)?.tree_id()?;
    let committed = State::from_tree(&tree, &repo.objects, crate::git::path::OPTIONS)?;
    let unusual = Flags::INTENT_TO_ADD | Flags::SKIP_WORKTREE | Flags::ASSUME_VALID;
    let (ours, theirs) = (index.entries(), committed.entries());
    Ok(ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(one, other)| {
            one.stage() == Stage::Unconflicted
                && !one.flags.intersects(unusual)
                && one.mode == other.mode
                && one.id == other.id
                && one.path(index) == other.path(&committed)
        }))
}

fn is_as_noted(repo: &gix::Repository, index: &State, root: &Path) -> bool {
    let Ok(options) = repo.stat_options() else {
        return false;
    };
    // A change of mode alone shows nowhere else.
    options.trust_ctime
        && index.entries().iter().all(|entry| {
            let Ok(path) = entry.path(index).to_path() else {
                return false;
            };
            let Ok(found) = Metadata::from_path_no_follow(&root.join(path)) else {
                return false;
            };
            if entry.mode == Mode::COMMIT {
                return found.is_dir();
            }
            let fits = match entry.mode {
                Mode::SYMLINK => found.is_symlink(),
                Mode::FILE | Mode::FILE_EXECUTABLE => found.is_file(),
                _ => false,
            };
            fits && !entry.stat.is_racy(index.timestamp(), options)
                && Stat::from_fs(&found).is_ok_and(|stat| entry.stat.matches(&stat, options))
        })
}

fn has_nothing_else(index: &State, root: &Path) -> bool {
    let mut known: HashMap<&BStr, Known> = HashMap::new();
    for entry in index.entries() {
        let path = entry.path(index);
        let kind = match entry.mode {
            Mode::COMMIT => Known::Gitlink,
            _ => Known::File,
        };
        known.insert(path, kind);
        for slash in path.find_iter("/") {
            known.insert(path[..slash].as_bstr(), Known::Folder);
        }
    }
    let mut entries = walkdir::WalkDir::new(root).min_depth(1).into_iter();
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else {
            return false;
        };
        let Ok(path) = entry.path().strip_prefix(root) else {
            return false;
        };
        if entry.depth() == 1 && entry.file_name() == ".git" {
            if entry.file_type().is_dir() {
                entries.skip_current_dir();
            }
            continue;
        }
        match known.get(path.as_os_str().as_bytes().as_bstr()) {
            None => return false,
            Some(Known::Gitlink) => entries.skip_current_dir(),
            Some(Known::File | Known::Folder) => {}
        }
    }
    true
}
