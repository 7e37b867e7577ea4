//! Commits and branches that a fleet's clone lacks: what a CI system names and did not fetch.
//!
//! They come into the fleet's own repository, as [`super::shallow`] has it.

use std::path::Path;

use bstr::BStr;
use gix::ObjectId;

use super::{
    command::ServerCommand,
    configuration::Configuration,
    fault::ServerFault,
    shallow::{self, RemoteAccess, cannot, fetch, to_os},
};
use crate::{
    git::{command::git, remote, repository::Repository, url::Source},
    model::error::{Error, Result},
};

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
        return Err(offline(rev, remote.as_ref(), &places[0].refspec));
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

/// Whether `id`, which a CI system names, can be had: it is here, or the remote gave it, or it was found when the history of
/// `head` was deepened. A remote that has dropped it makes `false`: after a forced push, most likely.
///
/// # Errors
/// Repository: flota must stay offline. What git fetch says of a remote that cannot be asked.
pub fn can_be_had(
    fleet: &Repository,
    id: ObjectId,
    head: ObjectId,
    access: RemoteAccess,
) -> Result<bool> {
    if fleet.has_commit(id) {
        return Ok(true);
    }
    let rev = id.to_string();
    let remote = remote::name(&fleet.to_local()?);
    if !fleet.has_remote(remote.as_ref())? {
        return Ok(false);
    }
    if access.offline {
        return Err(offline(&rev, remote.as_ref(), &rev));
    }
    let depth = fleet.is_shallow().then_some("--depth=1");
    let fetched = fetch(fleet, remote.as_ref(), access)?
        .args(depth)
        .arg(to_os(remote.as_ref()))
        .arg(&rev)
        .run();
    match fetched {
        Ok(()) => Ok(fleet.has_commit(id)),
        Err(ServerFault::NotThere(_)) => Ok(false),
        Err(ServerFault::Unadvertised(_)) => shallow::until_found(fleet, id, head, access),
        Err(fault) => Err(unobtainable(&rev, remote.as_ref(), &fault)),
    }
}

/// The commit of the branch `name` of `remote`, which is not in this clone: fetched to its remote-tracking branch. None when the
/// remote has no such branch.
///
/// # Errors
/// Repository: flota must stay offline. What git fetch says of a remote that cannot be asked.
pub fn branch_of(
    fleet: &Repository,
    remote: &BStr,
    name: &str,
    access: RemoteAccess,
) -> Result<Option<ObjectId>> {
    let tracking = format!("refs/remotes/{remote}/{name}");
    let refspec = format!("+refs/heads/{name}:{tracking}");
    if access.offline {
        return Err(offline(name, remote, &refspec));
    }
    let depth = fleet.is_shallow().then_some("--depth=1");
    let fetched = fetch(fleet, remote, access)?
        .args(depth)
        .arg(to_os(remote))
        .arg(refspec)
        .run();
    match fetched {
        Ok(()) => fleet.resolve(&tracking).map(Some),
        Err(ServerFault::NotThere(_)) => Ok(None),
        Err(fault) => Err(unobtainable(name, remote, &fault)),
    }
}

/// Fetches refs of the fleet's `remote`, each to be the same here under the name beside it: of a shallow fleet, their commits alone.
///
/// # Errors
/// The configuration cannot be read. What the server says of it is the result.
pub(in crate::git) fn references<'r>(
    fleet: &Repository,
    remote: &BStr,
    refs: impl IntoIterator<Item = (&'r str, &'r str)>,
    access: RemoteAccess,
) -> Result<std::result::Result<(), ServerFault>> {
    let depth = fleet.is_shallow().then_some("--depth=1");
    let refs = refs.into_iter();
    Ok(fetch(fleet, remote, access)?
        .args(depth)
        .arg("--")
        .arg(to_os(remote))
        .args(refs.map(|(there, here)| format!("+{there}:{here}")))
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

fn offline(rev: &str, remote: &BStr, refspec: &str) -> Error {
    Error::repository(format!(
        "`{rev}` is not in this clone, and flota must stay offline"
    ))
    .hint(format!("fetch it: git fetch {remote} {refspec}"))
}

fn unobtainable(rev: &str, remote: &BStr, fault: &ServerFault) -> Error {
    cannot(
        format!("`{rev}` is not in this clone, and cannot be fetched from `{remote}`"),
        fault,
    )
    .hint(format!("see what it has: git ls-remote {remote}"))
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
