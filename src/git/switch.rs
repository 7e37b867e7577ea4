//! `git switch` in one repository: what it would do, whether anything would be lost, and doing it.

use std::{ffi::OsString, fs, path::Path};

use bstr::{BString, ByteSlice};
use gix::{ObjectId, state::InProgress};

use super::{command::git, status, submodule, url};
use crate::model::error::{Error, Result};

/// The most that git may list, in bytes: one commit is enough.
const LISTING_LIMIT: usize = 1 << 20;

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
/// Misuse: it would not.
pub fn check_name(branch: &str) -> Result<()> {
    let full = format!("refs/heads/{branch}");
    let valid = gix::validate::reference::name(full.as_str().into());
    // A branch called HEAD, or like an option, could never be told from what it looks like.
    if branch.starts_with('-') || branch == "HEAD" {
        return Err(Error::misuse(format!("`{branch}` is no name for a branch")));
    }
    valid.map(drop).map_err(|err| {
        Error::misuse(format!("`{branch}` is no name for a branch")).because(err.to_string())
    })
}

/// Looks how `work_dir` gets to `branch`, which is to be made if `create`: as git-switch(1) has it, from the remote's branch of
/// that name where there is one. Nothing is fetched.
///
/// # Errors
/// Repository: it cannot be read, has no commit, is in the middle of something, or the branch is there and to be made.
pub fn plan(work_dir: &Path, branch: &str, create: bool) -> Result<SwitchPlan> {
    let repo = status::open(work_dir)?;
    let unreadable = |err: gix::Error| status::unreadable(work_dir, err);
    check_idle(&repo, work_dir)?;
    let from = repo.head_name().map_err(unreadable)?;
    let from = from.map(|name| name.shorten().to_owned());
    let head = repo
        .head_id()
        .map_err(|_| Error::repository("it has no commit yet"))?
        .detach();
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
                .hint("go to it: leave out --create"));
        }
        Some(commit) => Way::Existing(commit),
        None => {
            let upstream = format!("{}/{branch}", url::default_remote(&repo));
            match commit_of(format!("refs/remotes/{upstream}"))? {
                Some(commit) => Way::Tracking {
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

/// Says what stands in the way of `plan`, without touching a file: changes that would be overwritten, and commits that nothing
/// but a detached HEAD leads to.
///
/// # Errors
/// Repository: git cannot tell.
pub fn obstacle(work_dir: &Path, plan: &SwitchPlan) -> Result<Option<Error>> {
    let (Way::Existing(target) | Way::Tracking { commit: target, .. }) = plan.way else {
        return Ok(None);
    };
    if plan.from.is_none()
        && let Some(git_dir) = submodule::git_dir_of(work_dir)
        && let Some(error) = would_lose(work_dir, &git_dir)?
    {
        return Ok(Some(error));
    }
    if target == plan.head {
        return Ok(None);
    }
    // Files whose time alone changed would count as changed.
    git(work_dir)
        .args(["update-index", "-q", "--refresh"])
        .run()?;
    // git-read-tree(1): a merge of two trees keeps what is changed, or refuses.
    let (from, to) = (plan.head.to_string(), target.to_string());
    let merged = git(work_dir)
        .args(["read-tree", "--dry-run", "-m", "-u", &from, &to])
        .run()?;
    if merged.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&merged.text).trim().to_owned();
    Ok(Some(
        Error::repository("changes in it would be overwritten")
            .because(said)
            .hint(format!(
                "commit them, or put them aside: git -C {} stash",
                work_dir.display()
            )),
    ))
}

/// Goes to `branch` as `plan` has it. A submodule's own submodules stay where they are.
///
/// # Errors
/// Work: git does not.
pub fn act(work_dir: &Path, branch: &str, plan: &SwitchPlan) -> Result<()> {
    let command = git(work_dir).args(["switch", "--quiet", "--no-recurse-submodules"]);
    let command = match &plan.way {
        Way::Current | Way::Absent => return Ok(()),
        Way::Existing(_) => command.args(["--no-guess", branch]),
        Way::New => command.args(["--no-track", "--create", branch]),
        Way::Tracking { upstream, .. } => {
            let upstream = upstream.to_str_lossy();
            command.args(["--track", "--create", branch, &upstream])
        }
    };
    command
        .run()?
        .check(|| Error::work(format!("git does not switch to `{branch}`")))?;
    Ok(())
}

/// Says so where `dir`, whose git directory is `git_dir`, has commits that nothing but a detached HEAD leads to.
///
/// # Errors
/// Repository: git cannot tell.
pub fn would_lose(dir: &Path, git_dir: &Path) -> Result<Option<Error>> {
    let head = fs::read(git_dir.join("HEAD")).map_err(|err| {
        Error::unavailable(format!("cannot read `{}`", git_dir.display())).because(err)
    })?;
    let Ok(detached) = ObjectId::from_hex(head.trim_ascii()) else {
        return Ok(None);
    };
    // Where the history ends, a server has cut it: what lies there came from it, on whatever branch.
    let cut = fs::read(git_dir.join("shallow")).unwrap_or_default();
    let cut: String = ByteSlice::lines(&cut[..])
        .map(|id| format!("^{}\n", id.as_bstr()))
        .collect();
    let listed = git(dir)
        .arg(option("--git-dir=", git_dir))
        // Its own may not be there yet.
        .arg(option("--work-tree=", git_dir))
        .args(["rev-list", "--max-count=1", &detached.to_string()])
        .args([
            "--stdin",
            "--not",
            "--branches",
            "--remotes",
            "--tags",
            "--",
        ])
        .input(cut)
        .stdout_as_data(LISTING_LIMIT)
        .run()?
        .check(|| Error::repository("git cannot tell whether its commits are on a branch"))?;
    Ok((!listed.stdout.trim_ascii().is_empty()).then(|| {
        Error::repository(format!("its HEAD {detached} is on no branch")).hint(format!(
            "give it one: git -C {} branch NAME {detached}",
            dir.display()
        ))
    }))
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// git switches in the middle of nothing but a bisection.
fn check_idle(repo: &gix::Repository, work_dir: &Path) -> Result<()> {
    match repo.state() {
        None | Some(InProgress::Bisect) => Ok(()),
        Some(_) => Err(
            Error::repository("a merge, rebase or the like is under way in it").hint(format!(
                "finish it, or give it up: git -C {} status",
                work_dir.display()
            )),
        ),
    }
}
