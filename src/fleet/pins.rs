//! Commits of the fleet that hold some pins and nothing else, as their user would make them.

use std::path::Path;

use bstr::{BStr, BString};
use gix::ObjectId;

use crate::{
    git::{Objects, command::as_user, index, operation, repository::Repository, tree},
    model::{
        error::{Error, Result},
        status::Operation,
    },
};

/// git commits some paths alone only where nothing is half done.
///
/// # Errors
/// Repository: a merge or similar is in progress.
pub(crate) fn check_idle(fleet: &Repository) -> Result<()> {
    match operation::under_way(fleet.git_dir()) {
        None | Some(Operation::Bisect) => Ok(()),
        Some(_) => Err(Error::repository(
            "a merge or rebase is in progress in the fleet, and git cannot commit only a part of it",
        )
        .hint("finish it first: git status")),
    }
}

/// Whether a commit of pins can be made, and would be on a branch.
///
/// # Errors
/// Repository: it cannot, or would not.
pub(crate) fn check_ready(fleet: &Repository) -> Result<()> {
    check_idle(fleet)?;
    if fleet.to_local()?.head_name().ok().flatten().is_none() {
        return Err(Error::repository(
            "the fleet's HEAD is detached: a commit of the pins would be on no branch",
        )
        .hint("switch to a branch: git switch BRANCH"));
    }
    match index::is_unmerged(fleet)? {
        false => Ok(()),
        true => Err(Error::repository(
            "the fleet's index has conflicts, and git commits nothing before they are resolved",
        )
        .hint("resolve pins: flota resolve")
        .hint("see the others: git status")),
    }
}

/// Those of `paths` that the fleet's last commit does not have as submodules: a commit of the pin alone would lack their
/// section of `.gitmodules`.
///
/// # Errors
/// The commit cannot be read.
pub(crate) fn new_in_fleet(fleet: &Repository, paths: &[&BString]) -> Result<Vec<BString>> {
    let objects = fleet.objects();
    let objects = Objects::new(&objects);
    let root = match fleet.resolve_first(["HEAD"]) {
        Some((_, head)) => objects.tree_of(head)?,
        None => None,
    };
    let mut new = Vec::new();
    for path in paths {
        let entry = match root {
            Some(root) => tree::entry_at(objects, root, path.as_ref())?,
            None => None,
        };
        if entry.is_none_or(|(mode, _)| !mode.is_commit()) {
            new.push((*path).clone());
        }
    }
    Ok(new)
}

/// `git commit` of the pins at `paths`, which are staged, as the user would run it: their hooks look at it, their key signs it.
///
/// # Errors
/// Work: git does not commit them.
pub(crate) fn commit<'a>(
    fleet: &Repository,
    paths: impl Iterator<Item = &'a BStr>,
    message: &str,
) -> Result<ObjectId> {
    let root = fleet.work_dir().unwrap_or(Path::new("."));
    as_user(root)
        .args(["commit", "--quiet", "--file=-", "--cleanup=whitespace"])
        // Before 2.42 git sees nothing to commit where its settings ignore submodules.
        .args(["--allow-empty", "--only", "--"])
        .args(paths.map(literal))
        .input(message)
        .may_prompt()
        .run()?
        .check(|| {
            Error::work("git did not commit the pins; they are staged")
                .hint("when that is fixed: git commit")
        })?;
    fleet.resolve("HEAD")
}

/// A path as a pathspec that is nothing but this path, from the fleet's root (gitglossary(7)).
fn literal(path: &BStr) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec([&b":(top,literal)"[..], path].concat())
}
