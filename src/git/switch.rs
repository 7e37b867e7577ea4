//! `git switch` in one repository: what it would do, whether anything would be lost, and doing it.

use std::{fs, io, path::Path};

use bstr::{BString, ByteSlice};
use gix::ObjectId;

use super::{command::git, head, operation, remote, status, submodule, untracked};
use crate::{
    files,
    model::error::{Error, Result},
};

/// The file in a service's git directory that says which commit it was switched to while its own submodules have still to follow.
const UNFINISHED: &str = "flota-switch";

/// Where a worktree is, and how it gets to a branch.
#[derive(Clone, Debug)]
pub struct SwitchPlan {
    /// The branch it is on; none when its HEAD is detached.
    pub from: Option<BString>,
    /// The commit of its HEAD.
    pub head: ObjectId,
    /// The way.
    pub way: Way,
}

/// How to get to a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is there.
    Current,
    /// The branch exists, at this commit.
    Existing(ObjectId),
    /// The remote's branch exists, at this commit: a new branch follows it.
    Tracking {
        /// Its commit.
        commit: ObjectId,
        /// Its short name, `origin/x`.
        upstream: BString,
    },
    /// A new branch, where HEAD is.
    New,
    /// There is no such branch.
    Absent,
}

impl SwitchPlan {
    /// Where HEAD goes; none when it goes nowhere.
    pub fn target(&self) -> Option<ObjectId> {
        match self.way {
            Way::Existing(commit) | Way::Tracking { commit, .. } => Some(commit),
            Way::New | Way::Current => Some(self.head),
            Way::Absent => None,
        }
    }
}

/// Whether git would take this for a branch's name.
///
/// # Errors
/// Misuse: it would not match.
pub fn check_name(branch: &str) -> Result<()> {
    let full = format!("refs/heads/{branch}");
    let valid = gix::validate::reference::name(full.as_str().into());
    // A branch called HEAD, or like an option, could never be told from what it looks like.
    if branch.starts_with('-') || branch == "HEAD" {
        return Err(Error::misuse(format!(
            "`{branch}` is not a valid branch name"
        )));
    }
    valid.map(drop).map_err(|err| {
        Error::misuse(format!("`{branch}` is not a valid branch name")).because(err.to_string())
    })
}

/// Looks how `work_dir` gets to `branch`, which is to be made if `create`: as git-switch(1) has it, from the remote's branch of
/// that name where there is one. Nothing is fetched.
///
/// # Errors
/// Repository: it cannot be read, has no commit, has an operation in progress, or the branch is there and to be made.
pub fn plan(work_dir: &Path, branch: &str, create: bool) -> Result<SwitchPlan> {
    let repo = status::open(work_dir)?;
    let unreadable = |err: gix::Error| status::unreadable(work_dir, err);
    if let Some(operation) = operation::under_way(repo.path()) {
        return Err(operation::in_progress(operation, work_dir));
    }
    let from = repo.head_name().map_err(unreadable)?;
    let from = from.map(|name| name.shorten().to_owned());
    let head = head::commit(&repo).map_err(unreadable)?;
    let head = head.ok_or_else(|| Error::repository("it has no commit yet"))?;
    let commit_of = |name: String| -> Result<Option<ObjectId>> {
        let found = repo.try_find_reference(name.as_str()).map_err(unreadable)?;
        let peeled = found.map(|mut found| found.peel_to_id().map(gix::Id::detach));
        peeled.transpose().map_err(unreadable)
    };
    if from.as_ref().is_some_and(|from| from == branch) {
        let way = Way::Current;
        return Ok(SwitchPlan { from, head, way });
    }
    let way = match commit_of(format!("refs/heads/{branch}"))? {
        Some(_) if create => {
            return Err(Error::repository(format!("it has a branch `{branch}`"))
                .hint("switch to it: leave out --create"));
        }
        Some(commit) => Way::Existing(commit),
        None => {
            let upstream = remote::for_switch(&repo).map(|remote| format!("{remote}/{branch}"));
            let commit = match &upstream {
                Some(upstream) => commit_of(format!("refs/remotes/{upstream}"))?,
                None => None,
            };
            match commit.zip(upstream) {
                Some((commit, upstream)) => Way::Tracking {
                    commit,
                    upstream: upstream.into(),
                },
                None if create => Way::New,
                None => Way::Absent,
            }
        }
    };
    Ok(SwitchPlan { from, head, way })
}

/// Notes that the submodules of the repository in `work_dir` have to follow it to `target`: a run that is interrupted before they did
/// is taken up by the next.
///
/// # Errors
/// Unavailable: it cannot be written.
pub fn begin(work_dir: &Path, target: ObjectId) -> Result<()> {
    let Some(git_dir) = submodule::git_dir_of(work_dir) else {
        return Ok(());
    };
    let note = git_dir.join(UNFINISHED);
    files::write(&note, format!("{target}\n").as_bytes())
        .map_err(|err| files::cannot("write", &note, err))
}

/// Whether the submodules of the repository in `work_dir`, whose HEAD is `head`, have still to follow an interrupted switch to there.
pub fn is_unfinished(work_dir: &Path, head: ObjectId) -> bool {
    let git_dir = submodule::git_dir_of(work_dir);
    let note = git_dir.and_then(|dir| files::read_own(&dir.join(UNFINISHED)).ok());
    let noted = note.and_then(|note| ObjectId::from_hex(note.trim_ascii()).ok());
    noted == Some(head)
}

/// Takes the note of [`begin`] back.
///
/// # Errors
/// Unavailable: it cannot be removed.
pub fn finish(work_dir: &Path) -> Result<()> {
    let Some(git_dir) = submodule::git_dir_of(work_dir) else {
        return Ok(());
    };
    let note = git_dir.join(UNFINISHED);
    match fs::remove_file(&note) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            Err(files::cannot("remove", &note, err))
        }
        _ => Ok(()),
    }
}

/// Goes to `branch` as `plan` has it. A submodule's own submodules stay where they are; files that git ignores go only if they may.
///
/// # Errors
/// Work: git fails.
pub fn act(
    work_dir: &Path,
    branch: &str,
    plan: &SwitchPlan,
    overwrites_ignored: bool,
) -> Result<()> {
    let Some(target) = plan.target() else {
        return Ok(());
    };
    let switch = |ignored| {
        let command = git(work_dir)
            .args(["switch", "--quiet", "--no-recurse-submodules", ignored])
            // Its words are looked at, and have to be the ones known here.
            .env("LC_ALL", "C");
        let command = match &plan.way {
            Way::Existing(_) => command.args(["--no-guess", branch]),
            Way::Tracking { upstream, .. } => {
                let upstream = upstream.to_str_lossy();
                command.args(["--track", "--create", branch, &upstream])
            }
            Way::New | Way::Current | Way::Absent => {
                command.args(["--no-track", "--create", branch])
            }
        };
        command.run()
    };
    if plan.way == Way::Current {
        return Ok(());
    }
    untracked::move_head(work_dir, [plan.head, target], overwrites_ignored, switch)?
        .check(|| Error::work(format!("git does not switch to `{branch}`")))?;
    Ok(())
}
