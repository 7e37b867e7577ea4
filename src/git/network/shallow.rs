//! History that a fleet's clone lacks: a target branch that CI did not fetch, a merge base beyond the shallow boundary.
//!
//! `git fetch` downloads it into the fleet's own repository, with the user's configuration and, on a terminal, the user's
//! answers. Nothing moves a local branch; a remote-tracking branch moves only where it has to.

use std::{collections::HashSet, path::Path, time::Duration};

use bstr::{BStr, ByteSlice};
use gix::{
    ObjectId,
    objs::{CommitRefIter, Find},
    revision::plumbing::{Graph, merge_base},
};

use super::{command::ServerCommand, configuration::Configuration, fault::ServerFault};
use crate::{
    git::{command::git, objects::Objects, remote, repository::Repository, url::Source},
    model::error::{Error, Result},
};

/// By how many commits to deepen, one fetch after the other, before all of the history is fetched.
const STEPS: [u32; 3] = [50, 200, 1000];

/// Whether and how a server may be asked.
#[derive(Clone, Copy, Debug)]
pub struct RemoteAccess {
    /// Not at all: what lacks is an error that says how to get it.
    pub offline: bool,
    /// How long the server may be silent: [`super::fetch::PATIENCE`].
    pub patience: Duration,
}

/// The merge base of two commits of a fleet that may be shallow; `None` when they have no common history.
///
/// A merge base found in a cut history may be wrong: a better one may hide beyond the cut. It is certain once no commit
/// that lacks a parent can be reached from either side without passing a merge base, since whatever is beyond those that
/// remain is an ancestor of what was found. Until then the history is deepened, step by step, at just those commits.
///
/// # Errors
/// Repository, when the history stays cut: offline, or because the remote's own is; and what git fetch says.
pub fn until_merge_base(
    fleet: &Repository,
    base: ObjectId,
    head: ObjectId,
    access: RemoteAccess,
) -> Result<Option<ObjectId>> {
    let depths = STEPS.iter().map(|step| format!("--deepen={step}"));
    for depth in depths.chain(["--unshallow".to_owned()]) {
        let known = Known::of(fleet, base, head)?;
        if known.cut.is_empty() {
            return Ok(known.base);
        }
        if access.offline {
            return Err(Error::repository(format!(
                "the history is cut before {base} and {head} meet, and flota must stay offline"
            ))
            .hint("get the rest of it: git fetch --unshallow")
            .hint("in GitHub Actions: actions/checkout with fetch-depth: 0"));
        }
        deepen(fleet, &depth, &known.cut, access)?;
    }
    let known = Known::of(fleet, base, head)?;
    match known.cut.first() {
        None => Ok(known.base),
        Some(cut) => Err(Error::repository(format!(
            "the remote's own history is cut at {cut}, before {base} and {head} meet"
        ))
        .hint("compare with a commit that is known: flota changed A..B")),
    }
}

/// The commit that `rev` names, fetched when it is not here: a full id, a branch of the remote (with or without the
/// remote's name before it), or a tag. Of a shallow fleet, that commit alone.
///
/// # Errors
/// Repository, when neither the fleet nor its remote has it.
pub fn commit(fleet: &Repository, rev: &str, access: RemoteAccess) -> Result<ObjectId> {
    if let Some((_, commit)) = fleet.resolve_first([rev]) {
        return Ok(commit);
    }
    let remote = remote::name(&fleet.to_local()?);
    let places = places(rev, remote.as_ref());
    if places.is_empty() {
        return fleet.resolve(rev);
    }
    if access.offline {
        let fetch = format!("git fetch {remote} {}", places[0].refspec);
        return Err(Error::repository(format!(
            "`{rev}` is not in this clone, and flota must stay offline"
        ))
        .hint(format!("fetch it: {fetch}")));
    }
    let mut last = None;
    for RemoteRef { refspec, name } in places {
        let depth = fleet.is_shallow().then_some("--depth=1");
        match fetch(fleet, remote.as_ref(), access)?
            .args(depth)
            .arg(to_os(remote.as_ref()))
            .arg(refspec)
            .run()
        {
            Ok(()) => return fleet.resolve(&name),
            Err(fault) if fault.is_of_the_server() => {
                return Err(unobtainable(rev, remote.as_ref(), &fault));
            }
            Err(fault) => last = Some(fault),
        }
    }
    Err(unobtainable(
        rev,
        remote.as_ref(),
        &last.unwrap_or(ServerFault::Offline),
    ))
}

/// What is known of where two histories meet.
struct Known {
    base: Option<ObjectId>,
    /// Commits that lack a parent, beyond which something better may be.
    cut: Vec<ObjectId>,
}

impl Known {
    fn of(fleet: &Repository, base: ObjectId, head: ObjectId) -> Result<Self> {
        let repo = fleet.to_local()?;
        let objects = Objects::new(&repo.objects);
        let found = merge_base(base, &[head], &mut Graph::new(objects, None)).map_err(|err| {
            Error::repository(format!("cannot walk from {base} to {head}")).because(err)
        })?;
        let bases: Vec<_> = found.into_iter().flatten().collect();
        let cut = match fleet.is_shallow() {
            false => Vec::new(),
            true => {
                let (common, _) = walk(objects, &bases, &HashSet::new())?;
                walk(objects, &[base, head], &common)?.1
            }
        };
        Ok(Self {
            base: bases.first().copied(),
            cut,
        })
    }
}

/// Every commit from `tips` downward, but for `known` ones; and those of them that lack a parent.
fn walk(
    objects: Objects<'_>,
    tips: &[ObjectId],
    known: &HashSet<ObjectId>,
) -> Result<(HashSet<ObjectId>, Vec<ObjectId>)> {
    let (mut seen, mut cut) = (HashSet::new(), Vec::new());
    let mut open: Vec<(ObjectId, Option<ObjectId>)> = tips.iter().map(|tip| (*tip, None)).collect();
    let mut buffer = Vec::new();
    while let Some((commit, child)) = open.pop() {
        if known.contains(&commit) || seen.contains(&commit) {
            continue;
        }
        let unreadable = || Error::repository(format!("cannot read the commit {commit}"));
        let found = objects
            .try_find(&commit, &mut buffer)
            .map_err(|err| unreadable().because(err))?;
        let Some(data) = found else {
            cut.push(child.ok_or_else(unreadable)?);
            continue;
        };
        let parents = CommitRefIter::from_bytes(data.data, commit.kind()).parent_ids();
        open.extend(parents.map(|parent| (parent, Some(commit))));
        seen.insert(commit);
    }
    cut.sort();
    cut.dedup();
    Ok((seen, cut))
}

/// Gets the history beyond `cut`. By their ids, so that no ref moves; a server that gives out only what its refs point to
/// is asked for those.
fn deepen(fleet: &Repository, depth: &str, cut: &[ObjectId], access: RemoteAccess) -> Result<()> {
    let remote = remote::name(&fleet.to_local()?);
    let remote = remote.as_ref();
    let fetch = || Ok::<_, Error>(fetch(fleet, remote, access)?.arg(depth));
    let ids: Vec<_> = cut.iter().map(|id| format!("{id}\n")).collect();
    let by_id = fetch()?
        .arg("--stdin")
        .arg(to_os(remote))
        .input(ids.concat());
    let done = match by_id.run() {
        Err(ServerFault::NotThere(_) | ServerFault::Unadvertised(_)) => {
            fetch()?.arg(to_os(remote)).run()
        }
        done => done,
    };
    done.map_err(|fault| {
        cannot(
            format!("cannot get more of the fleet's history from `{remote}`"),
            &fault,
        )
        .hint("get all of it yourself: git fetch --unshallow")
    })
}

/// Fetches `reference` of the fleet's `remote`, to be the same here: of a shallow fleet, its commit alone.
///
/// # Errors
/// The configuration cannot be read. What the server says of it is the result.
pub(in crate::git) fn reference(
    fleet: &Repository,
    remote: &BStr,
    reference: &str,
    access: RemoteAccess,
) -> Result<std::result::Result<(), ServerFault>> {
    let depth = fleet.is_shallow().then_some("--depth=1");
    Ok(fetch(fleet, remote, access)?
        .args(depth)
        .arg("--")
        .arg(to_os(remote))
        .arg(format!("+{reference}:{reference}"))
        .run())
}

/// Fetches `branch` of `source`, the `origin` of the repository with the worktree `dir`.
///
/// # Errors
/// The server cannot be reached, or has no such branch.
pub fn branch(dir: &Path, source: &Source, branch: &str) -> std::result::Result<(), ServerFault> {
    ServerCommand::in_repository(git(dir), source, &Configuration::of_user())
        .fetch()
        .args(["origin", branch])
        .run()
}

/// The beginning of a fetch into the fleet's own repository.
fn fetch(fleet: &Repository, remote: &BStr, access: RemoteAccess) -> Result<ServerCommand> {
    Ok(ServerCommand::in_fleet(fleet, remote, false, access.patience)?.fetch())
}

/// Something to ask the remote for, and what it is called here then.
#[derive(Debug, PartialEq, Eq)]
struct RemoteRef {
    refspec: String,
    name: String,
}

/// What a revision that is not here may be on the remote; nothing, when it is an expression or no name at all.
fn places(rev: &str, remote: &BStr) -> Vec<RemoteRef> {
    if ObjectId::from_hex(rev.as_bytes()).is_ok() {
        return vec![RemoteRef {
            refspec: rev.to_owned(),
            name: rev.to_owned(),
        }];
    }
    let tracking = format!("refs/remotes/{remote}/");
    let is_name = |name: &str| {
        let full = format!("refs/heads/{name}");
        !name.starts_with('-') && gix::validate::reference::name(full.as_str().into()).is_ok()
    };
    let branch = rev
        .strip_prefix(tracking.as_str())
        .or(rev.strip_prefix(&format!("{remote}/")))
        .or(rev.strip_prefix("refs/heads/"));
    let plain = (!rev.starts_with("refs/")).then_some(rev);
    let as_branch = |name: &str| RemoteRef {
        refspec: format!("+refs/heads/{name}:{tracking}{name}"),
        name: format!("{tracking}{name}"),
    };
    let as_tag = |name: &str| RemoteRef {
        refspec: format!("refs/tags/{name}:refs/tags/{name}"),
        name: format!("refs/tags/{name}"),
    };
    let tag = rev.strip_prefix("refs/tags/").or(plain);
    let branches = [branch, plain]
        .into_iter()
        .flatten()
        .filter(|name| is_name(name));
    let tags = tag.into_iter().filter(|name| is_name(name));
    branches.map(as_branch).chain(tags.map(as_tag)).collect()
}

fn unobtainable(rev: &str, remote: &BStr, fault: &ServerFault) -> Error {
    cannot(
        format!("`{rev}` is not in this clone, and cannot be fetched from `{remote}`"),
        fault,
    )
    .hint(format!("see what it has: git ls-remote {remote}"))
}

fn cannot(message: String, fault: &ServerFault) -> Error {
    match fault {
        ServerFault::Offline => Error::repository(message),
        fault => fault.explain(Error::repository(message)),
    }
}

fn to_os(name: &BStr) -> std::ffi::OsString {
    name.to_os_str_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_looked_for_where_it_may_be() {
        let refspecs = |rev: &str| {
            let places = places(rev, "origin".into());
            places
                .into_iter()
                .map(|place| place.refspec)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            refspecs("main"),
            [
                "+refs/heads/main:refs/remotes/origin/main",
                "refs/tags/main:refs/tags/main"
            ]
        );
        assert_eq!(
            refspecs("origin/main")[0],
            "+refs/heads/main:refs/remotes/origin/main"
        );
        assert_eq!(refspecs("refs/tags/v1"), ["refs/tags/v1:refs/tags/v1"]);
        let id = "1".repeat(40);
        assert_eq!(refspecs(&id), [id.as_str()]);
        for expression in [
            "HEAD~1",
            "main^2",
            "-x",
            "--upload-pack=x",
            "a..b",
            "a b",
            "@{u}",
            "x:y",
            "",
        ] {
            assert_eq!(refspecs(expression), [""; 0], "{expression}");
        }
    }
}
