//! What partial clones lack (git-clone(1), `--filter`): fetched when it is read, from the remotes that promised it. Only repositories
//! of the user's own are completed, never flota's stores.
//!
//! One request brings all that is asked for at a time, and with a tree all trees below it. So whoever knows what will be read asks
//! for all of it first ([`Objects::obtain`](crate::git::Objects::obtain)); whoever does not is answered one by one.

use std::{ffi::OsString, path::Path};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, config::Boolean};

use super::{command::ServerCommand, configuration::Configuration, fetch::PATIENCE};
use crate::{
    git::{
        repository::{FetchPromised, Repository},
        url,
    },
    model::error::{Error, Result},
};

/// Blobs only by their ids; of a tree, all trees below it.
const FILTER: &str = "--filter=blob:none";

/// How a fleet and its submodules get what their clones lack; `offline`, that is an error.
pub fn access(offline: bool) -> FetchPromised {
    match offline {
        true => FetchPromised {
            into_fleet: |fleet, objects| refuse(&fleet.to_local()?, objects),
            into_submodule: |_, git_dir, objects| refuse(&open(git_dir)?, objects),
        },
        false => FetchPromised {
            into_fleet: fetch,
            into_submodule: fetch_into_submodule,
        },
    }
}

/// Fetches `objects` into the fleet, as git does it; whether it is a partial clone.
fn fetch(fleet: &Repository, objects: &[ObjectId]) -> Result<bool> {
    from_promisors(&fleet.to_local()?, objects, |remote| {
        ServerCommand::in_fleet(fleet, remote, false, PATIENCE)
    })
}

/// The same into the submodule with the git directory `git_dir`, from the remotes of its own configuration, as git does it there. What
/// the configuration in `fleet` says of access to servers counts, too.
fn fetch_into_submodule(fleet: &Path, git_dir: &Path, objects: &[ObjectId]) -> Result<bool> {
    let submodule = open(git_dir)?;
    from_promisors(&submodule, objects, |remote| {
        let configuration = Configuration::of_fleet(&open(fleet)?);
        let own = Configuration::of_repository(&submodule);
        let url = own.url_of(remote, false);
        let source = url::given(url.as_ref().map_or(remote, AsRef::as_ref))?;
        Ok(ServerCommand::in_submodule(
            git_dir,
            remote,
            &source,
            &configuration,
            PATIENCE,
        ))
    })
}

fn open(git_dir: &Path) -> Result<gix::Repository> {
    gix::open(git_dir).map_err(|err| {
        Error::repository(format!("cannot open `{}`", git_dir.display())).because(err)
    })
}

/// Fetches `objects` from the first remote of `repository` that promised what is missing and gives it.
fn from_promisors(
    repository: &gix::Repository,
    objects: &[ObjectId],
    to: impl Fn(&BStr) -> Result<ServerCommand>,
) -> Result<bool> {
    let mut fault = None;
    let remotes = promisors(repository);
    let ids: String = objects.iter().map(|id| format!("{id}\n")).collect();
    for remote in &remotes {
        let name: OsString = remote.to_os_str_lossy().into_owned();
        // Nothing here leads to what is missing, so there is nothing to negotiate.
        let brought = to(remote.as_ref())?
            .args(["-c", "fetch.negotiationAlgorithm=noop"])
            .fetch()
            .args([FILTER, "--stdin", "--"])
            .arg(name)
            .input(ids.clone())
            .run();
        match brought {
            Ok(()) => return Ok(true),
            Err(err) => fault = Some((remote, err)),
        }
    }
    let Some((remote, fault)) = fault else {
        return Ok(false);
    };
    let it = if objects.len() == 1 { "it" } else { "them" };
    let lacking = counted(objects);
    Err(fault.explain(
        Error::repository(format!(
            "this partial clone lacks {lacking}, and `{remote}` does not give {it}"
        ))
        .hint(format!("see whether it answers: git ls-remote {remote}")),
    ))
}

/// Says that `objects` are missing, if `repository` is a partial clone.
fn refuse(repository: &gix::Repository, objects: &[ObjectId]) -> Result<bool> {
    if promisors(repository).is_empty() {
        return Ok(false);
    }
    let lacking = counted(objects);
    Err(Error::repository(format!(
        "this partial clone lacks {lacking}, and flota must stay offline"
    ))
    .hint("leave out --offline, and flota fetches what it needs")
    .hint("get all of it: git fetch --refetch --no-filter"))
}

fn counted(objects: &[ObjectId]) -> String {
    match objects {
        [only] => format!("the object {only}"),
        several => format!("{} objects", several.len()),
    }
}

/// The remotes that promise what is missing (git-config(1), `remote.<name>.promisor` and `extensions.partialClone`), in git's order.
fn promisors(repository: &gix::Repository) -> Vec<BString> {
    let config = repository.config_snapshot();
    let config = config.plumbing();
    let mut found: Vec<BString> = Vec::new();
    let is_promisor = |name: &BStr| {
        let value = config.raw_value_by("remote", Some(name), "promisor");
        value.is_ok_and(|value| Boolean::try_from(value.as_bstr()).is_ok_and(|value| value.0))
    };
    for section in config.sections_by_name("remote").into_iter().flatten() {
        if let Some(name) = section.header().subsection_name()
            && !found.iter().any(|other| other == name)
            && is_promisor(name)
        {
            found.push(name.to_owned());
        }
    }
    if let Some(last) = config.string("extensions.partialClone") {
        found.retain(|other| *other != last);
        found.push(last);
    }
    found
}
