//! A service that has moved in the fleet (`git mv`): its worktree moves there too, with whatever is in it. A new worktree instead
//! would take the git directory away from the old one, and hide the work there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bstr::{BString, ByteVec};
use gix::index::entry::Mode;

use super::{location, loss};
use crate::{
    files::{self, create_parent},
    fleet::parent::Parent,
    git::{operation, status, submodule, worktree},
    model::{
        error::{Error, Result},
        fleet::NESTING_LIMIT,
    },
};

/// Where the files of a git directory are.
pub(super) enum Former {
    /// Nowhere.
    Nowhere,
    /// In another folder of the fleet, which is theirs.
    At(PathBuf),
    /// In a folder that is not for flota to move, or not now.
    Kept(Error),
}

/// The folder in which a git directory has its files, if that is there and says the same.
pub(in crate::fleet) fn claimed(git_dir: &Path) -> Option<PathBuf> {
    let folder = worktree::noted(git_dir).ok()??.canonicalize().ok()?;
    let claimed = submodule::git_dir_of(&folder)?.canonicalize().ok()?;
    (Some(claimed) == git_dir.canonicalize().ok()).then_some(folder)
}

/// Where `git_dir` has its worktree, of a submodule that now belongs at `work_dir`, where nothing is.
pub(super) fn former(parent: &Parent, git_dir: &Path, work_dir: &Path) -> Result<Former> {
    let Some(old) = claimed(git_dir).filter(|old| old != work_dir) else {
        return Ok(Former::Nowhere);
    };
    let shown = old.display();
    let relative = old.strip_prefix(&parent.root).ok();
    let is_within = relative.is_some_and(|relative| {
        let relative = BString::from(Vec::from_path_lossy(relative).into_owned());
        location::of(&parent.root, relative.as_ref()).is_ok()
    });
    if !is_within {
        return Ok(Former::Kept(
            Error::repository(format!("its files are in `{shown}`, outside of the fleet"))
                .hint(format!("see what is there: git -C {shown} status")),
        ));
    }
    if let Some(operation) = operation::under_way(git_dir) {
        return Ok(Former::Kept(operation::in_progress(operation, &old)));
    }
    Ok(match loss::locked(git_dir) {
        Some(error) => Former::Kept(error),
        None => Former::At(old),
    })
}

/// Moves the worktree of `git_dir` from `old` to `new`, where nothing or an empty folder is; its own submodules go along.
///
/// A run that is killed on the way leaves gitfiles with absolute paths, which lead to the git directory from both places:
/// [`finish`] does the rest then.
///
/// # Errors
/// Repository: it cannot be read. Unavailable: it cannot be written.
pub(super) fn relocate(git_dir: &Path, old: &Path, new: &Path) -> Result<()> {
    let git_dir = git_dir
        .canonicalize()
        .map_err(|err| files::cannot("read", git_dir, err))?;
    let all = with_nested(&git_dir, old, NESTING_LIMIT)?;
    for (path, git_dir) in &all {
        worktree::write_gitfile(&old.join(path), git_dir)?;
    }
    create_parent(new)?;
    if let Err(err) = fs::rename(old, new) {
        for (path, git_dir) in &all {
            worktree::connect(git_dir, &old.join(path))?;
        }
        let (old, new) = (old.display(), new.display());
        return Err(Error::unavailable(format!("cannot move `{old}` to `{new}`")).because(err));
    }
    connect(&all, new)?;
    // What is empty now was made for it.
    let mut above = old.parent();
    while let Some(folder) = above {
        if fs::remove_dir(folder).is_err() {
            break;
        }
        above = folder.parent();
    }
    Ok(())
}

/// Goes on with what a killed run left half done: the gitfile in `work_dir` has an absolute path, and the git directory does not
/// know of this folder.
///
/// # Errors
/// As for [`relocate`].
pub(super) fn finish(git_dir: &Path, work_dir: &Path) -> Result<()> {
    // Whatever cannot be read is told later.
    let noted = || worktree::noted(git_dir).ok().flatten();
    let is_unfinished =
        !git_dir.starts_with(work_dir) && noted().is_some_and(|noted| !noted.exists());
    match is_unfinished {
        true => connect(&with_nested(git_dir, work_dir, NESTING_LIMIT)?, work_dir),
        false => Ok(()),
    }
}

/// The innermost come first: as long as the outermost is not done, there is something to finish.
fn connect(all: &[(PathBuf, PathBuf)], root: &Path) -> Result<()> {
    all.iter()
        .rev()
        .try_for_each(|(path, git_dir)| worktree::connect(git_dir, &root.join(path)))
}

/// A worktree and those of its submodules that have a gitfile, at every level: each with its path below `root`, and its git directory.
fn with_nested(git_dir: &Path, root: &Path, depth: usize) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut all = vec![(PathBuf::new(), git_dir.to_owned())];
    if depth == 0 {
        return Ok(all);
    }
    let index = submodules(git_dir)?;
    for path in index {
        let folder = location::of(root, path.as_ref())?;
        // A folder `.git` needs nothing, and comes along.
        if !folder.join(".git").is_file() {
            continue;
        }
        let Some(below) = submodule::git_dir_of(&folder) else {
            continue;
        };
        let Ok(below) = below.canonicalize() else {
            continue;
        };
        let relative = folder.strip_prefix(root).unwrap_or(&folder).to_owned();
        let nested = with_nested(&below, &folder, depth - 1)?;
        all.extend(
            nested
                .into_iter()
                .map(|(path, git_dir)| (relative.join(path), git_dir)),
        );
    }
    Ok(all)
}

/// Where the index of a git directory has submodules.
fn submodules(git_dir: &Path) -> Result<Vec<BString>> {
    let repo = status::open_git_dir(git_dir)?;
    let index = repo
        .index_or_empty()
        .map_err(|err| status::unreadable(git_dir, err))?;
    let gitlinks = index
        .entries()
        .iter()
        .filter(|entry| entry.mode == Mode::COMMIT);
    let mut paths: Vec<_> = gitlinks
        .map(|entry| entry.path(&index).to_owned())
        .collect();
    // In conflict, one has several entries.
    paths.dedup();
    Ok(paths)
}
