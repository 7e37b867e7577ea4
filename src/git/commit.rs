//! `git commit` in one repository, as its user runs it: with hooks, signing and configuration of their own.

use std::path::Path;

use gix::{ObjectId, state::InProgress};

use super::{
    command::{as_user, run},
    status,
};
use crate::model::error::{Error, Result};

/// Whether what is staged in `work_dir` can be committed, on a branch.
///
/// # Errors
/// Repository: its HEAD is detached, it is in the middle of something, or it cannot be read.
pub fn check(work_dir: &Path) -> Result<()> {
    let repo = status::open(work_dir)?;
    if !matches!(repo.state(), None | Some(InProgress::Bisect)) {
        return Err(
            Error::repository("a merge, rebase or similar operation is in progress in it")
                .hint(format!("finish it: git -C {} status", work_dir.display())),
        );
    }
    let branch = repo
        .head_name()
        .map_err(|err| status::unreadable(work_dir, err))?;
    match branch {
        Some(_) => Ok(()),
        None => Err(
            Error::repository("its HEAD is detached: a commit would be on no branch").hint(
                format!(
                    "switch to a branch, which keeps what is staged: git -C {0} switch BRANCH, or git -C {0} switch --create BRANCH",
                    work_dir.display()
                ),
            ),
        ),
    }
}

/// Whether its commits are signed (`commit.gpgSign` of git-config(1)): that may ask for a passphrase.
///
/// # Errors
/// Repository: it cannot be read.
pub fn is_signed(work_dir: &Path) -> Result<bool> {
    let repo = status::open(work_dir)?;
    Ok(repo
        .config_snapshot()
        .boolean("commit.gpgSign")
        .unwrap_or(false))
}

/// Commits what is staged, and gives the new commit. With `may_prompt`, hooks and programs may ask on the terminal: for one
/// commit at a time.
///
/// # Errors
/// Work: a hook refuses, the signature cannot be made. Repository: another git is at work there.
pub fn staged(work_dir: &Path, message: &str, may_prompt: bool) -> Result<ObjectId> {
    let command = as_user(work_dir)
        .args(["commit", "--quiet", "--file=-", "--cleanup=whitespace"])
        .input(message);
    run(
        match may_prompt {
            true => command.may_prompt(),
            false => command,
        },
        "commit in it",
    )?;
    let repo = status::open(work_dir)?;
    let head = repo
        .head_id()
        .map_err(|err| status::unreadable(work_dir, err))?;
    Ok(head.detach())
}
