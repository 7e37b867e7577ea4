//! Operations of git that stopped halfway in a worktree, told by the files that they keep in its git directory
//! (gitrepository-layout(5); `wt_status_get_state` in wt-status.c and `sequencer_get_last_command` in sequencer.c of git).
//!
//! To move HEAD under one of them would make its `--continue` drop commits, or record others than those that were meant.

use std::{fs, path::Path};

use crate::model::{error::Error, status::Operation};

/// One of these is there while an operation is under way: nobody needs to look further where none is.
const TRACES: [&str; 7] = [
    "rebase-apply",
    "rebase-merge",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "MERGE_HEAD",
    "sequencer",
    "BISECT_LOG",
];

/// The operation that is under way in the worktree with this git directory. A rebase counts before the commit that it picks or
/// merges at the moment, and a bisection, in which everything else can be done, after all others.
pub fn under_way(git_dir: &Path) -> Option<Operation> {
    let has = |name: &str| git_dir.join(name).symlink_metadata().is_ok();
    if !TRACES.into_iter().any(has) {
        return None;
    }
    // `git rebase --apply` works by `git am`, which notes for whom.
    if has("rebase-apply/applying") {
        return Some(Operation::Am);
    }
    let rows = [
        ("rebase-apply", Operation::Rebase),
        ("rebase-merge", Operation::Rebase),
        ("CHERRY_PICK_HEAD", Operation::CherryPick),
        ("REVERT_HEAD", Operation::Revert),
        ("MERGE_HEAD", Operation::Merge),
    ];
    let found = rows.into_iter().find(|(name, _)| has(name));
    found
        .map(|(_, operation)| operation)
        .or_else(|| of_several(git_dir))
        .or_else(|| has("BISECT_LOG").then_some(Operation::Bisect))
}

/// Of several commits to pick or revert, between two: the user has committed the last one by hand.
fn of_several(git_dir: &Path) -> Option<Operation> {
    let todo = fs::read(git_dir.join("sequencer/todo")).ok()?;
    let is_revert = todo.trim_ascii_start().starts_with(b"revert");
    Some(match is_revert {
        true => Operation::Revert,
        false => Operation::CherryPick,
    })
}

/// Whether a file of this name in a git directory says that one may be under way.
pub(super) fn is_trace(name: &[u8]) -> bool {
    TRACES.iter().any(|trace| trace.as_bytes() == name)
}

/// That the worktree `work_dir` has to stay as it is until the operation ends, and how to end it.
pub fn in_progress(operation: Operation, work_dir: &Path) -> Error {
    let (name, dir) = (operation.name(), work_dir.display());
    let error = Error::repository(format!("git {name} is in progress in it"));
    match operation {
        Operation::Bisect => error.hint(format!("end it: git -C {dir} bisect reset")),
        _ => error
            .hint(format!("finish it: git -C {dir} {name} --continue"))
            .hint(format!("or cancel it: git -C {dir} {name} --abort")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each file that git keeps, and those that it may keep at the same time.
    #[test]
    fn the_files_of_an_operation_tell_which_it_is() {
        use Operation::{Am, Bisect, CherryPick, Merge, Rebase, Revert};
        for (files, want) in [
            (&["HEAD", "ORIG_HEAD", "MERGE_MSG"][..], None),
            // What `git merge --squash` and `git stash apply` leave is for the user to commit, and nothing is to be continued.
            (&["SQUASH_MSG", "AUTO_MERGE"], None),
            (&["rebase-merge/head-name"], Some(Rebase)),
            (&["rebase-merge/interactive"], Some(Rebase)),
            (&["rebase-apply/rebasing"], Some(Rebase)),
            (&["rebase-apply/next"], Some(Rebase)),
            (&["rebase-apply/applying"], Some(Am)),
            (&["MERGE_HEAD"], Some(Merge)),
            (&["CHERRY_PICK_HEAD"], Some(CherryPick)),
            (&["REVERT_HEAD"], Some(Revert)),
            (&["BISECT_LOG"], Some(Bisect)),
            (&["sequencer/todo: pick 1 x"], Some(CherryPick)),
            (&["sequencer/todo: revert 1 x"], Some(Revert)),
            // Nothing of it is left to do.
            (&["sequencer/abort-safety"], None),
            // One within the other.
            (&["rebase-merge/done", "CHERRY_PICK_HEAD"], Some(Rebase)),
            (&["rebase-merge/done", "MERGE_HEAD"], Some(Rebase)),
            (&["REVERT_HEAD", "sequencer/todo: revert 1 x"], Some(Revert)),
            (&["MERGE_HEAD", "BISECT_LOG"], Some(Merge)),
            (
                &["sequencer/todo: pick 1 x", "BISECT_LOG"],
                Some(CherryPick),
            ),
        ] {
            let git_dir = tempfile::tempdir().unwrap();
            for file in files {
                let (name, text) = file.split_once(": ").unwrap_or((file, ""));
                let path = git_dir.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            assert_eq!(under_way(git_dir.path()), want, "{files:?}");
            let mut entries = fs::read_dir(git_dir.path()).unwrap();
            let may_be =
                entries.any(|entry| is_trace(entry.unwrap().file_name().as_encoded_bytes()));
            assert!(may_be || want.is_none(), "{files:?}");
        }
    }

    #[test]
    fn the_hints_end_the_operation() {
        let hints = |operation| in_progress(operation, "web".as_ref()).hints().join(", ");
        assert_eq!(
            hints(Operation::CherryPick),
            "finish it: git -C web cherry-pick --continue, or cancel it: git -C web cherry-pick --abort"
        );
        assert_eq!(hints(Operation::Bisect), "end it: git -C web bisect reset");
    }
}
