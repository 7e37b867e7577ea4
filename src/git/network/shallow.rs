//! History that a fleet's shallow clone lacks: a merge base beyond the shallow boundary.
//!
//! `git fetch` downloads it into the fleet's own repository, with the user's configuration and, on a terminal, the user's
//! answers. Nothing moves a local branch; a remote-tracking branch moves only where it has to.

use std::{collections::HashSet, time::Duration};

use bstr::{BStr, ByteSlice};
use gix::{
    ObjectId,
    objs::{CommitRefIter, Find},
    revision::plumbing::{Graph, merge_base},
};

use super::{command::ServerCommand, fault::ServerFault};
use crate::{
    git::{objects::Objects, remote, repository::Repository},
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
            .hint("get the rest of it: git fetch --unshallow"));
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

/// Whether `wanted` is here, once the history of `head` was deepened as far as it takes to find it.
///
/// # Errors
/// As of [`until_merge_base`].
pub(super) fn until_found(
    fleet: &Repository,
    wanted: ObjectId,
    head: ObjectId,
    access: RemoteAccess,
) -> Result<bool> {
    let depths = STEPS.iter().map(|step| format!("--deepen={step}"));
    for depth in depths.chain(["--unshallow".to_owned()]) {
        let repo = fleet.to_local()?;
        let (_, cut) = walk(Objects::new(&repo.objects), &[head], &HashSet::new())?;
        if fleet.has_commit(wanted) || cut.is_empty() {
            break;
        }
        deepen(fleet, &depth, &cut, access)?;
    }
    Ok(fleet.has_commit(wanted))
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

/// The beginning of a fetch into the fleet's own repository.
pub(super) fn fetch(
    fleet: &Repository,
    remote: &BStr,
    access: RemoteAccess,
) -> Result<ServerCommand> {
    Ok(ServerCommand::in_fleet(fleet, remote, false, access.patience)?.fetch())
}

pub(super) fn cannot(message: String, fault: &ServerFault) -> Error {
    match fault {
        ServerFault::Offline => Error::repository(message),
        fault => fault.explain(Error::repository(message)),
    }
}

pub(super) fn to_os(name: &BStr) -> std::ffi::OsString {
    name.to_os_str_lossy().into_owned()
}
