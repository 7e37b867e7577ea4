//! What a worktree could lose, so that flota does not touch it: uncommitted changes, files that git would overwrite,
//! commits that nothing but a detached HEAD leads to.

use std::{ffi::OsString, fs, path::Path};

use bstr::ByteSlice;
use gix::ObjectId;

use crate::{
    git::{
        command::git,
        lock, submodule,
        switch::{SwitchPlan, Way},
        untracked,
    },
    model::{
        error::{Error, Result},
        sync::SyncOutcome,
    },
};

/// The most that git may list of uncommitted files, in bytes: one is enough to leave them alone.
const FILES_LIMIT: usize = 16 << 20;

/// The most that git may list of commits, in bytes: one is enough.
const COMMITS_LIMIT: usize = 1 << 20;

/// Work that is in no commit.
pub(super) fn uncommitted(work_dir: &Path) -> Result<Option<Error>> {
    let listed = git(work_dir)
        .args([
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=no",
            "--ignore-submodules=all",
        ])
        .stdout_as_data(FILES_LIMIT)
        .run()?
        .check(|| Error::repository("git cannot tell what is uncommitted in it"))?;
    let count = listed
        .stdout
        .split_str(b"\0")
        .filter(|entry| !entry.is_empty())
        .count();
    Ok((count > 0).then(|| {
        Error::repository(format!(
            "it has uncommitted changes ({count} file{})",
            if count == 1 { "" } else { "s" }
        ))
        .hint(format!(
            "commit or stash them: git -C {} stash",
            work_dir.display()
        ))
    }))
}

/// Says so where `dir`, whose git directory is `git_dir`, has commits that nothing but a detached HEAD leads to.
///
/// # Errors
/// Repository: git cannot tell.
pub(crate) fn unreachable_commits(dir: &Path, git_dir: &Path) -> Result<Option<Error>> {
    let head = fs::read(git_dir.join("HEAD")).map_err(|err| {
        Error::unavailable(format!("cannot read `{}`", git_dir.display())).because(err)
    })?;
    let Ok(detached) = ObjectId::from_hex(head.trim_ascii()) else {
        return Ok(None);
    };
    let detached = detached.to_string();
    let tips = [&detached, "--not", "--branches", "--tags"];
    let found = beyond_remotes(dir, git_dir, "--max-count=1", &tips)?;
    Ok((!found.is_empty()).then(|| {
        Error::repository(format!("its HEAD {detached} is on no branch")).hint(format!(
            "create a branch for it: git -C {} branch NAME {detached}",
            dir.display()
        ))
    }))
}

/// How many commits of HEAD and all branches no remote-tracking branch has.
///
/// # Errors
/// Repository: git cannot tell.
pub(in crate::fleet) fn unpushed_commits(git_dir: &Path) -> Result<usize> {
    // Before the first commit there is no HEAD to start from.
    let tips = ["--ignore-missing", "HEAD", "--branches", "--not"];
    let count = beyond_remotes(git_dir, git_dir, "--count", &tips)?;
    count
        .to_str_lossy()
        .parse()
        .map_err(|_| Error::repository("git cannot tell whether its commits are on a branch"))
}

/// What `git rev-list` says of commits that no remote-tracking branch has; `tips` end with what else is left out.
fn beyond_remotes(dir: &Path, git_dir: &Path, how: &str, tips: &[&str]) -> Result<Vec<u8>> {
    // Where the history ends, a server has cut it: what lies there came from it, on whatever branch.
    let cut = fs::read(git_dir.join("shallow")).unwrap_or_default();
    let cut: String = ByteSlice::lines(&cut[..])
        .map(|id| format!("^{}\n", id.as_bstr()))
        .collect();
    let listed = git(dir)
        .arg(option("--git-dir=", git_dir))
        // Its own may not be there yet.
        .arg(option("--work-tree=", git_dir))
        .args(["rev-list", how, "--stdin"])
        .args(tips.iter().copied())
        // What came from where the fleet lists it is no remote's.
        .args(["--remotes", "--glob=refs/flota/listed/*", "--"])
        .input(cut)
        .stdout_as_data(COMMITS_LIMIT)
        .run()?
        .check(|| Error::repository("git cannot tell whether its commits are on a branch"))?;
    Ok(listed.stdout.trim_ascii().to_owned())
}

/// Says what stands in the way of `plan`, without touching a file: changes that would be overwritten, and commits that nothing
/// but a detached HEAD leads to.
///
/// # Errors
/// Repository: git cannot tell.
pub(crate) fn of_switch(
    work_dir: &Path,
    plan: &SwitchPlan,
    overwrites_ignored: bool,
) -> Result<Option<Error>> {
    let (Way::Existing(target) | Way::Tracking { commit: target, .. }) = plan.way else {
        return Ok(None);
    };
    if plan.from.is_none()
        && let Some(git_dir) = submodule::git_dir_of(work_dir)
        && let Some(error) = unreachable_commits(work_dir, &git_dir)?
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
        let files = match overwrites_ignored {
            true => Vec::new(),
            false => untracked::in_the_way(work_dir, plan.head, target)?,
        };
        let error = || untracked::would_be_overwritten(&files, "flota switch");
        return Ok((!files.is_empty()).then(error));
    }
    let said = String::from_utf8_lossy(&merged.text).trim().to_owned();
    Ok(Some(
        Error::repository("changes in it would be overwritten")
            .because(said)
            .hint(format!(
                "commit or stash them: git -C {} stash",
                work_dir.display()
            )),
    ))
}

/// A lock that git would stop at, some of its files written: of a git at work, or of one that died.
pub(super) fn locked(git_dir: &Path) -> Option<Error> {
    let locks = ["index.lock", "HEAD.lock"].map(|name| git_dir.join(name));
    let lock = locks.into_iter().find(|lock| lock.exists())?;
    Some(lock::taken(&lock))
}

/// Why git did not move a worktree: it would overwrite files, or it cannot.
pub(super) fn not_moved(said: &[u8], work_dir: &Path) -> SyncOutcome {
    let said = String::from_utf8_lossy(said).trim().to_owned();
    if let Some(lock) = lock::named_in(&said) {
        return SyncOutcome::Left(lock::taken(lock));
    }
    let dir = work_dir.display();
    let see = format!("see its state: git -C {dir} status --ignored");
    match said.contains("would be overwritten") {
        true => SyncOutcome::Left(
            Error::repository("git does not check out another commit, because files would be lost")
                .because(said)
                .hint(see)
                .hint("if git ignores them, and they may go: flota update --overwrite-ignore"),
        ),
        false => SyncOutcome::Failed(
            Error::repository("git cannot check out its pin")
                .because(said)
                .hint(see),
        ),
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

#[cfg(test)]
mod tests;
