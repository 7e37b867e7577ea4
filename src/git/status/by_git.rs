//! What `git status` says itself, where the content of files is git's to compare.

use std::path::Path;

use crate::{
    git::command::git,
    model::{
        error::{Error, Result},
        status::Changes,
    },
};

/// The most that git may list, in bytes.
const LIST_LIMIT: usize = 64 << 20;

/// What is in no commit of the worktree `work_dir`.
///
/// # Errors
/// Repository: git cannot tell.
pub(super) fn changes(work_dir: &Path) -> Result<Changes> {
    let listed = git(work_dir)
        .args(["-c", "status.renames=false"])
        .args(["status", "--porcelain=v1", "-z", "--no-renames"])
        .args(["--untracked-files=normal", "--ignore-submodules=dirty"])
        // Only to be looked at.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .stdout_as_data(LIST_LIMIT)
        .run()?
        .check(|| {
            Error::repository(format!(
                "git cannot tell what changed in `{}`",
                work_dir.display()
            ))
        })?;
    Ok(read(&listed.stdout))
}

/// The entries of git-status(1), "Short Format", with `-z`.
fn read(listed: &[u8]) -> Changes {
    let mut changes = Changes::default();
    for entry in listed.split(|byte| *byte == 0) {
        match entry {
            [b'?', b'?', ..] => changes.untracked += 1,
            [b'U', _, ..] | [_, b'U', ..] | [b'A', b'A', ..] | [b'D', b'D', ..] => {
                changes.conflicted += 1;
            }
            [index, worktree, ..] => {
                changes.staged += usize::from(*index != b' ');
                changes.unstaged += usize::from(*worktree != b' ');
            }
            _ => {}
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_counts_where_git_says() {
        let listed = b" M a\0M  b\0MM c\0?? d/\0UU e\0AA f\0 D g\0A  h\0";
        let want = Changes {
            staged: 3,
            unstaged: 3,
            untracked: 1,
            conflicted: 2,
        };
        assert_eq!(read(listed), want);
        assert_eq!(read(b""), Changes::default());
    }
}
