//! The state of every worktree, compared with its pin, its last commit and its remote; read in process.

use std::{collections::BTreeMap, num::NonZeroUsize, path::Path};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::{select::Selector, worktree};
use crate::{
    git::{
        index::{self, Pins},
        repository::Repository,
        status::{self, Facts},
        url,
    },
    interrupt,
    model::{
        error::{Error, Result},
        status::{ServiceState, ServiceStatus},
    },
    parallel,
};

/// The selected services, or all of them; sorted by path.
///
/// # Errors
/// The fleet's index cannot be read, a name is not one of its services, or flota is interrupted.
pub fn status(
    fleet: &Repository,
    selector: &Selector,
    jobs: NonZeroUsize,
) -> Result<Vec<ServiceStatus>> {
    if fleet.work_dir().is_none() {
        return Err(Error::repository("a bare repository has no worktrees"));
    }
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let pins = selector.among(index::of_index(fleet)?)?;
    let urls = urls(fleet, &pins)?;
    let all = pins.all();
    let facts = Facts::of(fleet);
    let found = parallel::map(jobs, &all, |(path, pin)| {
        let listed = urls.get(path).map(AsRef::as_ref);
        one(&root, path, *pin, listed, &facts)
    })?;
    facts.keep(!selector.is_named());
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while reading worktrees")),
        None => Ok(found),
    }
}

/// The URLs that `.gitmodules` lists, absolute, by path. What git would refuse is none.
fn urls(fleet: &Repository, pins: &Pins) -> Result<BTreeMap<BString, BString>> {
    let base = url::BaseUrl::of(fleet)?;
    let settled = pins.links.iter().map(|link| (&link.path, &link.listed));
    let conflicted = pins.conflicted.iter().map(|one| (&one.path, &one.listed));
    let found = settled.chain(conflicted).filter_map(|(path, listed)| {
        let url = listed.as_ref()?.url.as_ref()?;
        Some((path.clone(), base.resolve(url.as_ref()).ok()?))
    });
    Ok(found.collect())
}

fn one(
    root: &Path,
    path: &BString,
    pin: Option<ObjectId>,
    listed: Option<&BStr>,
    facts: &Facts,
) -> ServiceStatus {
    let state = look(root, path, pin, listed, facts).unwrap_or_else(ServiceState::Unreadable);
    ServiceStatus {
        path: path.clone(),
        pin,
        state,
    }
}

fn look(
    root: &Path,
    path: &BString,
    pin: Option<ObjectId>,
    listed: Option<&BStr>,
    facts: &Facts,
) -> Result<ServiceState> {
    match worktree::initialised(root, path.as_ref())? {
        Some(work_dir) => status::by_facts(&work_dir, pin, listed, facts).map(ServiceState::Here),
        None => Ok(ServiceState::Uninitialised),
    }
}
