//! Atomic changes to an index: all of them or none, whatever extensions the index has.

use std::path::Path;

use bstr::BStr;
use gix::{ObjectId, objs::tree::EntryMode};

use super::command::{git, run};
use crate::model::error::Result;

/// What an index is to hold at a path; nothing takes the path out of it.
pub struct Staged<'a> {
    /// From the worktree's root.
    pub path: &'a BStr,
    /// The entry to be.
    pub entry: Option<(EntryMode, ObjectId)>,
}

/// Changes the index of the worktree `root`; `doing` is what it is for, as it stands after "cannot".
///
/// # Errors
/// Work: git cannot write it.
pub fn stage(root: &Path, all: &[Staged<'_>], doing: &str) -> Result<()> {
    let mut lines = Vec::new();
    for staged in all {
        let line = match staged.entry {
            Some((mode, id)) => format!("{:06o} {id}\t", mode.value()),
            // Mode 0 removes; the id is not looked at (git-update-index(1)).
            None => format!("0 {}\t", ObjectId::null(gix::hash::Kind::Sha1)),
        };
        lines.extend_from_slice(line.as_bytes());
        lines.extend_from_slice(staged.path);
        lines.push(0);
    }
    let command = git(root)
        .args(["update-index", "-z", "--index-info"])
        // Its words are looked at, and have to be the ones known here.
        .env("LC_ALL", "C")
        .input(lines);
    run(command, doing)
}
