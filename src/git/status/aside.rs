//! What is kept beside HEAD, index and files: stashes; and the upstream of the branch, which may have moved on.

use std::{fs, os::fd::BorrowedFd, path::Path};

use bstr::{BStr, BString, ByteSlice};
use gix::{
    ObjectId,
    config::{File, file::Metadata},
};
use rustix::fs::{AtFlags, statat};

use crate::git::upstream;

/// The newest stash (git-stash(1)); the others are in its log.
const STASH: &str = "refs/stash";

/// How many stashes the repository has whose common git directory this is.
pub(super) fn stashes(git_dir: &Path) -> usize {
    let log = fs::read(git_dir.join("logs").join(STASH)).unwrap_or_default();
    let packed = || fs::read(git_dir.join("packed-refs")).unwrap_or_default();
    let count = log.lines().count();
    match count {
        // Without its log, there is the newest alone.
        0 if git_dir.join(STASH).exists() || is_packed(&packed()) => 1,
        count => count,
    }
}

/// Whether it may have some, of a git directory that is open.
pub(super) fn may_have_stashes(git: BorrowedFd<'_>, packed: &[u8]) -> bool {
    statat(git, STASH, AtFlags::SYMLINK_NOFOLLOW).is_ok() || is_packed(packed)
}

fn is_packed(packed: &[u8]) -> bool {
    let mut lines = packed.lines();
    lines.any(|line| line.split_str(" ").nth(1) == Some(STASH.as_bytes()))
}

/// How many commits the upstream of the branch that HEAD is on has that the branch lacks, by what was last seen.
pub(super) fn behind(repo: &gix::Repository) -> gix::Result<usize> {
    Ok(upstream::behind_in(repo)?.unwrap_or_default())
}

/// Whether the upstream of `branch` is at `head` or unknown, as far as the repository's own `config` tells by the usual names; `seen`
/// says where a reference is. What is not certain is not so.
pub(super) fn is_at_upstream(
    config: &[u8],
    branch: Option<&BStr>,
    head: ObjectId,
    seen: impl Fn(&BStr) -> Option<ObjectId>,
) -> bool {
    let Some(branch) = branch else {
        return true;
    };
    // Most branches have none, and parsing takes its time.
    if !config.contains_str("[branch ") {
        return true;
    }
    let file = File::from_bytes_no_includes(config, Metadata::api(), Default::default());
    let Ok(file) = file else {
        return false;
    };
    let value = |key: &'static str| file.string_by("branch", Some(branch), key);
    let (Some(remote), Some(merge)) = (value("remote"), value("merge")) else {
        return value("merge").is_none();
    };
    let Some(short) = merge.strip_prefix(b"refs/heads/") else {
        return false;
    };
    let tracking: BString = [b"refs/remotes/", &remote[..], b"/", short].concat().into();
    seen(tracking.as_ref()) == Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_elsewhere_or_unknown_is_looked_at_more_closely() {
        let head = ObjectId::null(gix::hash::Kind::Sha1);
        let other = ObjectId::empty_tree(gix::hash::Kind::Sha1);
        let section =
            |merge: &str| format!("[branch \"x\"]\n\tremote = origin\n\tmerge = {merge}\n");
        let whole = section("refs/heads/y");
        for (config, branch, at, want) in [
            ("", Some("x"), None, true),
            (&whole[..], None, None, true),
            (&whole, Some("z"), None, true),
            (&whole, Some("x"), Some(head), true),
            (&whole, Some("x"), Some(other), false),
            (&whole, Some("x"), None, false),
            (&section("y"), Some("x"), Some(head), false),
            ("[branch \"x\"]\n\tremote = origin\n", Some("x"), None, true),
            ("[branch \"x\"\n", Some("x"), Some(head), false),
        ] {
            let seen = |name: &BStr| at.filter(|_| name == "refs/remotes/origin/y");
            let branch = branch.map(BStr::new);
            let is_there = is_at_upstream(config.as_bytes(), branch, head, seen);
            assert_eq!(is_there, want, "{config} {branch:?} {at:?}");
        }
    }

    #[test]
    fn stashes_are_counted_wherever_git_keeps_them() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(stashes(dir.path()), 0);
        write("packed-refs", "# pack-refs\n1 refs/heads/refs/stash\n");
        assert_eq!(stashes(dir.path()), 0);
        write("packed-refs", "# pack-refs\n1 refs/stash\n");
        assert_eq!(stashes(dir.path()), 1);
        write("logs/refs/stash", "0 1 one\n1 2 two\n");
        assert_eq!(stashes(dir.path()), 2);
    }
}
