//! What git itself says of a worktree that gix cannot compare: one with a sparse index, in which a folder may stand for its files
//! (git-sparse-checkout(1)), and one with files whose content is git's to compare (gitattributes(5)).

use std::path::Path;

use bstr::ByteSlice;

use crate::{
    git::command::git,
    model::{
        error::{Error, Result},
        status::Changes,
    },
};

/// What git may list, in bytes.
const LISTING_LIMIT: usize = 256 << 20;

/// The changes in `work_dir`. Of its submodules, their new pins in the index alone: where they are is looked at by itself.
///
/// # Errors
/// Repository: git cannot tell.
pub(super) fn changes(work_dir: &Path) -> Result<Changes> {
    let listed = git(work_dir)
        .args(["--no-optional-locks", "status", "--porcelain=v2", "-z"])
        .args(["--no-renames", "--untracked-files=normal"])
        .arg("--ignore-submodules=dirty")
        .env("GIT_NO_LAZY_FETCH", "1")
        .stdout_as_data(LISTING_LIMIT)
        .run()?
        .check(|| {
            Error::repository(format!(
                "git cannot tell the state of `{}`",
                work_dir.display()
            ))
        })?;
    Ok(counted(&listed.stdout))
}

/// Counts the lines of git-status(1), "Porcelain Format Version 2".
fn counted(listed: &[u8]) -> Changes {
    let mut changes = Changes::default();
    for line in listed.split_str(b"\0") {
        match line {
            [b'1', b' ', index, worktree, b' ', kind, ..] => {
                let is_submodule = *kind == b'S';
                changes.staged += usize::from(*index != b'.');
                changes.unstaged += usize::from(*worktree != b'.' && !is_submodule);
            }
            [b'u', ..] => changes.conflicted += 1,
            [b'?', ..] => changes.untracked += 1,
            _ => {}
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_counts_once_for_the_index_and_once_for_the_worktree() {
        let listed = b"1 M. N... a\x001 .M N... b\x001 AM N... c\x00u UU N... d\x00? e\x00";
        let want = Changes {
            staged: 2,
            unstaged: 2,
            untracked: 1,
            conflicted: 1,
        };
        assert_eq!(counted(listed), want);
        assert_eq!(counted(b""), Changes::default());
    }

    #[test]
    fn every_kind_of_line_counts_where_git_says() {
        let listed = [
            "1 .M N... a",
            "1 M. N...  b",
            "1 MM N... c",
            "? d/",
            "u UU N... e",
            "u AA N... f",
            "1 .D N... g",
            "1 A. N... h",
            "1 .M SC.. i",
            "1 M. S... j",
            "",
        ];
        let want = Changes {
            staged: 4,
            unstaged: 3,
            untracked: 1,
            conflicted: 2,
        };
        assert_eq!(counted(listed.join("\0").as_bytes()), want);
    }
}
