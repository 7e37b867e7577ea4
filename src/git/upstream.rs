//! Where the commits of a branch come from: its remote, its branch there, and what was last seen of that branch.

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, refs::FullName, remote::Direction};

/// The upstream of `branch`: the remote, and the full name of the branch there (git-config(1), `branch.<name>.merge`).
pub fn configured(repo: &gix::Repository, branch: &BStr) -> Option<(BString, BString)> {
    let config = repo.config_snapshot();
    let config = config.plumbing();
    let value = |key: &'static str| config.string_by("branch", Some(branch), key);
    Some((value("remote")?, value("merge")?))
}

/// The commit of the upstream of `branch`, when it was last seen; none where it has none, or that was never fetched.
pub fn seen(repo: &gix::Repository, branch: &BStr) -> Option<ObjectId> {
    let name = FullName::try_from(format!("refs/heads/{}", branch.to_str().ok()?)).ok()?;
    let tracking = repo.branch_remote_tracking_ref_name(name.as_ref(), Direction::Fetch)?;
    let mut found = repo.try_find_reference(tracking.ok()?.as_bstr()).ok()??;
    Some(found.peel_to_id().ok()?.detach())
}

/// How many commits lead to `tip` and to none of `hidden`. Where the history ends, a server has cut it: what lies there came from it.
///
/// # Errors
/// A commit cannot be read.
pub fn alone(
    repo: &gix::Repository,
    tip: ObjectId,
    mut hidden: Vec<ObjectId>,
) -> gix::Result<usize> {
    hidden.extend(repo.shallow_commits()?.iter().flat_map(|cut| cut.iter()));
    if hidden.contains(&tip) {
        return Ok(0);
    }
    let mut count = 0;
    for commit in repo.rev_walk([tip]).with_hidden(hidden).all()? {
        commit?;
        count += 1;
    }
    Ok(count)
}

/// Where the branches of `remote`, or of all remotes, were last seen.
///
/// # Errors
/// The references cannot be read.
pub fn tracking_tips(repo: &gix::Repository, remote: Option<&BStr>) -> gix::Result<Vec<ObjectId>> {
    let prefix = match remote {
        Some(remote) => format!("refs/remotes/{}/", remote.to_str_lossy()),
        None => "refs/remotes/".to_owned(),
    };
    let mut tips = Vec::new();
    for reference in repo.references()?.prefixed(prefix.as_str())?.flatten() {
        let mut reference = reference;
        if let Ok(tip) = reference.peel_to_id() {
            tips.push(tip.detach());
        }
    }
    Ok(tips)
}

/// How many commits of its upstream the branch lacks that HEAD is on, by what was last seen; none without an upstream.
///
/// # Errors
/// A commit cannot be read.
pub fn behind_in(repo: &gix::Repository) -> gix::Result<Option<usize>> {
    let Some(name) = repo.head_name()? else {
        return Ok(None);
    };
    let Some(seen) = seen(repo, name.shorten()) else {
        return Ok(None);
    };
    let head = repo.head_id().ok().map(gix::Id::detach);
    alone(repo, seen, head.into_iter().collect()).map(Some)
}
