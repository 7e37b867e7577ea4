//! `git branch` in one repository.

use std::path::Path;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    command::{git, run},
    remote, status, upstream,
};
use crate::model::{
    branch::LocalBranch,
    error::{Error, Result},
};

/// The branches of the repository of `work_dir`, sorted by name.
///
/// # Errors
/// Repository: it cannot be read.
pub fn list(work_dir: &Path) -> Result<Vec<LocalBranch>> {
    let repo = status::open(work_dir)?;
    all(&repo).map_err(|err| status::unreadable(work_dir, err))
}

fn all(repo: &gix::Repository) -> gix::Result<Vec<LocalBranch>> {
    let current = repo.head_name()?;
    let default = default_branch(repo);
    let mut found = Vec::new();
    for mut reference in repo.references()?.prefixed("refs/heads/")?.flatten() {
        let full = reference.name().to_owned();
        let name = full.shorten().to_owned();
        // One that leads nowhere is git's to mend.
        let Ok(commit) = reference.peel_to_id().map(gix::Id::detach) else {
            continue;
        };
        let seen = upstream::seen(repo, name.as_ref());
        let upstream = upstream::configured(repo, name.as_ref());
        let is_merged = match &default {
            Some((_, tip)) => upstream::alone(repo, commit, vec![*tip])? == 0,
            None => false,
        };
        found.push(LocalBranch {
            is_current: current.as_ref() == Some(&full),
            upstream: upstream.map(|(remote, merge)| {
                let short = merge.strip_prefix(b"refs/heads/").unwrap_or(&merge);
                [&remote[..], b"/", short].concat().into()
            }),
            ahead: seen
                .map(|seen| upstream::alone(repo, commit, vec![seen]))
                .transpose()?,
            behind: seen
                .map(|seen| upstream::alone(repo, seen, vec![commit]))
                .transpose()?,
            is_merged,
            is_default: default
                .as_ref()
                .is_some_and(|(default, _)| *default == name),
            name,
            commit,
        });
    }
    Ok(found)
}

/// The default branch of the remote, and where it was last seen (git-remote(1), `set-head`).
fn default_branch(repo: &gix::Repository) -> Option<(BString, ObjectId)> {
    let remote = remote::name(repo);
    let prefix = format!("refs/remotes/{}/", remote.to_str().ok()?);
    let mut head = repo
        .try_find_reference(format!("{prefix}HEAD").as_str())
        .ok()??;
    let target = head.target().try_name()?.as_bstr().to_owned();
    let name = target.strip_prefix(prefix.as_bytes())?;
    Some((name.into(), head.peel_to_id().ok()?.detach()))
}

/// Makes the branch `name` in the repository of `work_dir`, and gives its commit: from the remote's branch of that name, which it
/// follows, if there is one, else from HEAD. HEAD stays where it is. None where there is such a branch already, at that commit.
///
/// # Errors
/// Repository: it is there at another commit, there is no commit yet, or it cannot be read.
pub fn create(work_dir: &Path, name: &str, dry_run: bool) -> Result<(ObjectId, bool)> {
    let repo = status::open(work_dir)?;
    let unreadable = |err: gix::Error| status::unreadable(work_dir, err);
    let commit_of = |name: String| -> Result<Option<ObjectId>> {
        let found = repo.try_find_reference(name.as_str()).map_err(unreadable)?;
        let peeled = found.map(|mut found| found.peel_to_id().map(gix::Id::detach));
        peeled.transpose().map_err(unreadable)
    };
    let remote = remote::name(&repo);
    let tracking = format!("{remote}/{name}");
    let seen = commit_of(format!("refs/remotes/{tracking}"))?;
    let start = match seen {
        Some(seen) => seen,
        None => {
            let head = repo.head().map_err(unreadable)?;
            if head.is_unborn() {
                return Err(Error::repository("it has no commit yet"));
            }
            repo.head_id().map_err(unreadable)?.detach()
        }
    };
    if let Some(commit) = commit_of(format!("refs/heads/{name}"))? {
        return match commit == start {
            true => Ok((commit, false)),
            false => Err(
                Error::repository(format!("it has a branch `{name}` at another commit"))
                    .hint(format!("see it: git -C {} log {name}", work_dir.display())),
            ),
        };
    }
    if !dry_run {
        let command = git(work_dir).args(["branch", "--quiet"]);
        let command = match seen {
            Some(_) => command.args(["--track", name, &tracking]),
            None => command.args(["--no-track", name]),
        };
        run(command, format!("create the branch `{name}` in it"))?;
    }
    Ok((start, true))
}

/// Deletes a branch of the repository of `work_dir` that is known to be merged; git keeps one that is checked out in another worktree.
///
/// # Errors
/// Work: git does not delete it.
pub fn delete(work_dir: &Path, name: &BStr) -> Result<()> {
    let name = name.to_os_str_lossy().into_owned();
    let command = git(work_dir).args(["branch", "--delete", "--force", "--quiet", "--"]);
    run(command.arg(name), "delete a branch of it")
}
