//! What would be gone with a repository: commits that are on no remote, stashes, worktrees that hang on it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gix::ObjectId;

use crate::model::error::{Error, Result};

/// What the repository `git_dir` has that neither its remotes nor the repositories `others` have; none if it is nothing.
///
/// # Errors
/// Repository: it cannot be read.
pub fn of(git_dir: &Path, others: &[PathBuf]) -> Result<Option<Error>> {
    let repo = open(git_dir)?;
    let unreadable = |err: gix::Error| unreadable(git_dir, err);
    let at = format!("git --git-dir={}", git_dir.display());
    if fs::read_dir(git_dir.join("worktrees")).is_ok_and(|mut all| all.next().is_some()) {
        return Ok(Some(
            Error::repository("it has other worktrees")
                .hint(format!("see which: {at} worktree list")),
        ));
    }
    if repo
        .try_find_reference("refs/stash")
        .map_err(unreadable)?
        .is_some()
    {
        return Ok(Some(
            Error::repository("it has stashed changes").hint(format!("see them: {at} stash list")),
        ));
    }
    let (mut tips, mut known) = (Vec::new(), Vec::new());
    for (is_remote, commit) in commits(&repo).map_err(unreadable)? {
        match is_remote {
            true => known.push(commit),
            false => tips.push(commit),
        }
    }
    for other in others.iter().filter(|other| other.join("HEAD").is_file()) {
        let other = open(other)?;
        let has = commits(&other).map_err(unreadable)?.into_iter();
        known.extend(
            has.map(|(_, commit)| commit)
                .filter(|commit| repo.has_object(commit)),
        );
    }
    // Where the history ends, a server has cut it.
    if let Some(cut) = repo.shallow_commits().map_err(unreadable)? {
        known.extend(cut.iter());
    }
    tips.retain(|tip| !known.contains(tip));
    if tips.is_empty() {
        return Ok(None);
    }
    let walk = repo
        .rev_walk(tips)
        .with_hidden(known)
        .all()
        .map_err(unreadable)?;
    let mut count = 0;
    for commit in walk {
        commit.map_err(unreadable)?;
        count += 1;
    }
    Ok(match count {
        0 => None,
        1 => Some(unpushed("1 commit that is", &at)),
        _ => Some(unpushed(&format!("{count} commits that are"), &at)),
    })
}

fn unpushed(commits: &str, at: &str) -> Error {
    Error::repository(format!("it has {commits} on no remote")).hint(format!(
        "see them: {at} log HEAD --branches --tags --not --remotes"
    ))
}

fn open(git_dir: &Path) -> Result<gix::Repository> {
    let options = gix::open::Options::isolated().open_path_as_is(true);
    gix::open_opts(git_dir, options).map_err(|err| unreadable(git_dir, err))
}

fn unreadable(git_dir: &Path, err: gix::Error) -> Error {
    Error::repository(format!("cannot read `{}`", git_dir.display())).because(err)
}

/// What the names of refs begin with that say what a server has: remote-tracking branches, and those of a URL that is no remote's.
const SEEN: [&[u8]; 2] = [b"refs/remotes/", b"refs/flota/listed/"];

/// The commits of HEAD and of all refs, and whether each is of a remote-tracking branch.
fn commits(repo: &gix::Repository) -> gix::Result<Vec<(bool, ObjectId)>> {
    let mut commits = Vec::new();
    for reference in repo.references()?.all()? {
        let mut reference = reference?;
        let name = reference.name().as_bstr();
        let is_remote = SEEN.iter().any(|prefix| name.starts_with(prefix));
        // `origin/HEAD` may lead to a branch that is gone there.
        if let Ok(id) = reference.peel_to_id()
            && id
                .header()
                .is_ok_and(|header| header.kind() == gix::objs::Kind::Commit)
        {
            commits.push((is_remote, id.detach()));
        }
    }
    if let Ok(head) = repo.head_id() {
        commits.push((false, head.detach()));
    }
    Ok(commits)
}
