//! The state of every worktree, compared with its pin, its last commit and its remote; read in process.

use std::{collections::BTreeMap, num::NonZeroUsize, path::Path};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::{
    leftover::{self, Remains},
    select::Selector,
    worktree,
};
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
        fleet::{Gitlink, NESTING_LIMIT},
        fleet_status::FleetStatus,
        leftover::Leftover,
        status::{ServiceState, ServiceStatus, Worktree},
    },
    parallel,
};

/// The selected services, or all of them with what is left of former ones.
///
/// # Errors
/// The fleet's index cannot be read, a name is not one of its services, or flota is interrupted.
pub fn status(fleet: &Repository, selector: &Selector, jobs: NonZeroUsize) -> Result<FleetStatus> {
    if fleet.work_dir().is_none() {
        return Err(Error::repository("a bare repository has no worktrees"));
    }
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let pins = index::of_index(fleet)?;
    let remains = match selector.is_named() {
        true => Vec::new(),
        false => leftover::find(fleet, &pins),
    };
    let pins = selector.among(pins)?;
    let urls = urls(fleet, &pins)?;
    let all = pins.all();
    let facts = Facts::of(fleet);
    let found = parallel::map(jobs, &all, |(path, pin)| {
        let listed = urls.get(path).map(AsRef::as_ref);
        one(&root, path, *pin, listed, &facts)
    })?;
    facts.keep(fleet, !selector.is_named());
    let leftovers = remains.into_iter().map(Remains::leftover);
    let leftovers = leftovers.filter(Leftover::holds_work).collect();
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while reading worktrees")),
        None => Ok(FleetStatus {
            services: found,
            leftovers,
        }),
    }
}

/// The URLs that `.gitmodules` lists, absolute, by path. What git would refuse is none.
fn urls(repository: &Repository, pins: &Pins) -> Result<BTreeMap<BString, BString>> {
    let base = url::BaseUrl::of(repository)?;
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
    let mut nested = Vec::new();
    if let ServiceState::Here(worktree) = &state
        && !worktree.submodules.is_empty()
        && let Ok(folder) = worktree::of(root, path.as_ref())
    {
        below(&folder, path, worktree, facts, NESTING_LIMIT, &mut nested);
    }
    ServiceStatus {
        path: path.clone(),
        pin,
        state,
        nested,
    }
}

/// Looks at the submodules of the repository in `folder`, which is called `above`, and at theirs.
fn below(
    folder: &Path,
    above: &BString,
    worktree: &Worktree,
    facts: &Facts,
    depth: usize,
    found: &mut Vec<ServiceStatus>,
) {
    // Where its list cannot be read, any remote counts.
    let urls = urls_in(folder).unwrap_or_default();
    for Gitlink { path, pin } in &worktree.submodules {
        let listed = urls.get(path).map(AsRef::as_ref);
        let state =
            look(folder, path, Some(*pin), listed, facts).unwrap_or_else(ServiceState::Unreadable);
        // One that its repository does not use is not missed.
        if matches!(state, ServiceState::Uninitialised) && !is_active(folder, path) {
            continue;
        }
        let shown: BString = [&above[..], b"/", path].concat().into();
        let mut nested = Vec::new();
        if let ServiceState::Here(worktree) = &state
            && !worktree.submodules.is_empty()
            && depth > 0
            && let Ok(folder) = worktree::of(folder, path.as_ref())
        {
            below(&folder, &shown, worktree, facts, depth - 1, &mut nested);
        }
        found.push(ServiceStatus {
            path: shown,
            pin: Some(*pin),
            state,
            nested: Vec::new(),
        });
        found.extend(nested);
    }
}

/// The same as [`urls`] of the repository in `folder`.
fn urls_in(folder: &Path) -> Result<BTreeMap<BString, BString>> {
    let repository = Repository::discover(folder)?;
    urls(&repository, &index::of_index(&repository)?)
}

/// Whether the submodule at `path` of the repository in `folder` is active (gitsubmodules(7)). Where nobody can tell, it is.
fn is_active(folder: &Path, path: &BString) -> bool {
    let active = || {
        let repository = Repository::discover(folder)?;
        Selector::ANY.active_among(&repository, index::of_index(&repository)?)
    };
    active().map_or(true, |pins| {
        pins.links.iter().any(|link| link.path == *path)
    })
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
