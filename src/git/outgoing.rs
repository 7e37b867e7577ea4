//! What a worktree has for its remote, and what was last seen there: nobody is asked.

use std::{collections::BTreeMap, path::Path};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, refs::FullName};

use super::{remote, status, upstream};
use crate::model::error::{Error, Result};

/// The prefix of a branch's full name.
const HEADS: &str = "refs/heads/";

/// What HEAD has for its remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// HEAD is on this branch, and its commits are at the remote, as far as is known.
    Nothing(BString),
    /// HEAD is on no branch; how many of its commits no remote-tracking branch has.
    Detached(usize),
    /// These commits.
    Commits(BranchPush),
}

/// A branch that goes to its remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchPush {
    /// The branch.
    pub branch: BString,
    /// Its commit.
    pub tip: ObjectId,
    /// The remote.
    pub remote: BString,
    /// The full name of the branch there.
    pub target: BString,
    /// How many commits the remote does not have, as far as is known.
    pub count: usize,
    /// The commit of the branch there, when it was last seen; none where it is new there.
    pub seen: Option<ObjectId>,
    /// Whether the branch has no upstream yet, and is to get one.
    pub sets_upstream: bool,
}

/// What the repository of `work_dir` has to push, by what was last seen of its remote: nobody is asked.
///
/// # Errors
/// Repository: it cannot be read, it has no remote, its branch and that of the remote have diverged, or the configuration does not
/// say where the branch goes.
pub fn outgoing(work_dir: &Path) -> Result<Outgoing> {
    let repo = status::open(work_dir)?;
    let unreadable = |err| status::unreadable(work_dir, err);
    let Some(name) = repo.head_name().map_err(unreadable)? else {
        let head = repo.head_id().map_err(unreadable)?.detach();
        let tips = upstream::tracking_tips(&repo, None).map_err(unreadable)?;
        return upstream::alone(&repo, head, tips)
            .map(Outgoing::Detached)
            .map_err(unreadable);
    };
    let branch = name.shorten().to_owned();
    let head = repo.head().map_err(unreadable)?;
    if head.is_unborn() {
        return Ok(Outgoing::Nothing(branch));
    }
    let tip = repo.head_id().map_err(unreadable)?.detach();
    let upstream = upstream::configured(&repo, branch.as_ref());
    let remote = push_remote(&repo, branch.as_ref());
    let tracking = |target: &BString| {
        let name = tracking_of(&repo, remote.as_ref(), target.as_ref())?;
        let mut found = repo.try_find_reference(name.as_bstr()).ok()??;
        Some(found.peel_to_id().ok()?.detach())
    };
    let merge = upstream.filter(|(its_remote, _)| *its_remote == remote);
    let has_upstream = upstream::configured(&repo, branch.as_ref()).is_some();
    let target = match push_default(&repo).as_deref() {
        Some(b"current" | b"matching") => None,
        _ => merge,
    };
    let target = target.map_or_else(|| name.as_bstr().to_owned(), |(_, merge)| merge);
    let seen = tracking(&target);
    let count = match seen {
        Some(seen) => upstream::alone(&repo, tip, vec![seen]).map_err(unreadable)?,
        None => {
            let tips = upstream::tracking_tips(&repo, Some(remote.as_ref())).map_err(unreadable)?;
            upstream::alone(&repo, tip, tips).map_err(unreadable)?
        }
    };
    if count == 0 {
        return Ok(Outgoing::Nothing(branch));
    }
    check_target(&repo, &name, &remote, &target, work_dir)?;
    if let Some(seen) = seen
        && upstream::alone(&repo, seen, vec![tip]).map_err(unreadable)? > 0
    {
        return Err(diverged(work_dir, &branch, &remote, &target));
    }
    Ok(Outgoing::Commits(BranchPush {
        branch,
        tip,
        remote,
        target,
        count,
        seen,
        sets_upstream: !has_upstream,
    }))
}

/// The remote that the repository of `work_dir` fetches from; none where it has none.
///
/// # Errors
/// Repository: it cannot be read.
pub fn remote_of(work_dir: &Path) -> Result<Option<BString>> {
    let repo = status::open(work_dir)?;
    let remote = remote::name(&repo);
    let config = repo.config_snapshot();
    let url = config
        .plumbing()
        .string_by("remote", Some(remote.as_ref()), "url");
    Ok(url.is_some().then_some(remote))
}

/// Where the branches of `remote` were last seen, by their short names.
///
/// # Errors
/// Repository: it cannot be read.
pub fn branches_seen(work_dir: &Path, remote: &BStr) -> Result<BTreeMap<BString, ObjectId>> {
    let repo = status::open(work_dir)?;
    let unreadable = |err| status::unreadable(work_dir, err);
    let prefix = format!("refs/remotes/{}/", remote.to_str_lossy());
    let all = repo.references().map_err(unreadable)?;
    let all = all.prefixed(prefix.as_str()).map_err(unreadable)?;
    let mut seen = BTreeMap::new();
    for mut reference in all.flatten() {
        // `HEAD` there is another name of a branch.
        if let Some(id) = reference.target().try_id().map(ToOwned::to_owned) {
            let name = reference.name().as_bstr();
            let name = name.strip_prefix(prefix.as_bytes()).unwrap_or(name);
            let name = BString::from(name);
            let peeled = reference.peel_to_id().map_or(id, gix::Id::detach);
            seen.insert(name, peeled);
        }
    }
    Ok(seen)
}

/// Whether a fetch of `remote` removes the remote-tracking branches that it has no more (git-config(1), `remote.<name>.prune`,
/// `fetch.prune`).
///
/// # Errors
/// Repository: the configuration cannot be read.
pub fn prunes(work_dir: &Path, remote: &BStr) -> Result<bool> {
    let repo = status::open(work_dir)?;
    let config = repo.config_snapshot();
    let own = config
        .plumbing()
        .boolean_by("remote", Some(remote), "prune");
    let own = own.ok().flatten();
    Ok(own.or_else(|| config.boolean("fetch.prune")) == Some(true))
}

/// How many commits of its upstream the branch lacks that HEAD is on, by what was last seen; none without an upstream.
///
/// # Errors
/// Repository: it cannot be read.
pub fn behind(work_dir: &Path) -> Result<Option<usize>> {
    let repo = status::open(work_dir)?;
    upstream::behind_in(&repo).map_err(|err| status::unreadable(work_dir, err))
}

/// The URL that `remote` of the repository of `work_dir` is pushed to, as it is configured.
pub fn push_url(work_dir: &Path, remote: &BStr) -> Option<BString> {
    let repo = status::open(work_dir).ok()?;
    let config = repo.config_snapshot();
    let value = |key: &'static str| config.plumbing().string_by("remote", Some(remote), key);
    value("pushurl").or_else(|| value("url"))
}

/// The remote that `branch` is pushed to: its `pushRemote`, `remote.pushDefault`, else the one that it is fetched from.
fn push_remote(repo: &gix::Repository, branch: &BStr) -> BString {
    let config = repo.config_snapshot();
    let own = config
        .plumbing()
        .string_by("branch", Some(branch), "pushRemote");
    own.or_else(|| config.string("remote.pushDefault"))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| remote::of_branch(repo, Some(branch)))
}

/// The remote-tracking branch of the branch with the full name `target` at `remote`, by the first refspec that fits.
fn tracking_of(repo: &gix::Repository, remote: &BStr, target: &BStr) -> Option<BString> {
    let config = repo.config_snapshot();
    let specs = config
        .plumbing()
        .strings_by("remote", Some(remote), "fetch")?;
    specs.iter().find_map(|spec| {
        let spec = spec.strip_prefix(b"+").unwrap_or(spec);
        let (from, to) = spec.split_once_str(":")?;
        match (from.split_once_str("*"), to.split_once_str("*")) {
            (Some((before, after)), Some((new_before, new_after))) => {
                let middle = target.strip_prefix(before)?.strip_suffix(after)?;
                Some([new_before, middle, new_after].concat().into())
            }
            _ => (from == target.as_bytes()).then(|| to.into()),
        }
    })
}

/// What git pushes when nobody says (git-config(1), `push.default`).
fn push_default(repo: &gix::Repository) -> Option<Vec<u8>> {
    repo.config_snapshot()
        .string("push.default")
        .map(Into::into)
}

/// Whether git would push the branch to `target` when nobody says where: under another name only where the user wants that
/// (git-config(1), `push.default`).
fn check_target(
    repo: &gix::Repository,
    name: &FullName,
    remote: &BString,
    target: &BString,
    work_dir: &Path,
) -> Result<()> {
    let config = repo.config_snapshot();
    let has_remote = config
        .plumbing()
        .string_by("remote", Some(remote.as_ref()), "url")
        .is_some();
    let dir = work_dir.display();
    if !has_remote {
        return Err(
            Error::repository(format!("it has no remote `{remote}` to push to"))
                .hint(format!("add it: git -C {dir} remote add {remote} URL")),
        );
    }
    let is_same = target == name.as_bstr();
    match push_default(repo).as_deref() {
        Some(b"nothing") => Err(Error::repository(
            "push.default is `nothing`: git pushes what it is told to, and nothing else",
        )
        .hint(format!("push it yourself: git -C {dir} push {remote} HEAD"))),
        Some(b"upstream" | b"tracking") => Ok(()),
        _ if is_same => Ok(()),
        _ => {
            let branch = name.shorten();
            let other = target.strip_prefix(HEADS.as_bytes()).unwrap_or(target);
            let other = other.as_bstr();
            Err(Error::repository(format!(
                "its branch `{branch}` follows a branch with another name, `{other}` of `{remote}`"
            ))
            .hint(format!(
                "push it to a branch of its own: git -C {dir} push --set-upstream {remote} {branch}"
            ))
            .hint(format!(
                "push it to that branch: git -C {dir} push {remote} HEAD:{other}"
            )))
        }
    }
}

fn diverged(work_dir: &Path, branch: &BString, remote: &BString, target: &BString) -> Error {
    let dir = work_dir.display();
    let target = target.strip_prefix(HEADS.as_bytes()).unwrap_or(target);
    let target = target.as_bstr();
    Error::repository(format!(
        "its branch `{branch}` and `{remote}/{target}` have diverged, and flota never forces a push"
    ))
    .hint(format!("bring them together: git -C {dir} pull"))
}
