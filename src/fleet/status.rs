//! The state of every worktree, compared with its pin, its last commit and its remote; read in process.

use std::{num::NonZeroUsize, path::Path};

use bstr::BString;
use gix::ObjectId;

use super::{
    leftover::{self, Remains},
    select::Selector,
    worktree,
};
use crate::{
    git::{
        index,
        repository::Repository,
        status::{self, Facts},
    },
    interrupt,
    model::{
        error::{Error, Result},
        fleet_status::FleetStatus,
        leftover::Leftover,
        status::{ServiceState, ServiceStatus},
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
    let all = selector.among(pins)?.all();
    let facts = Facts::of(fleet);
    let found = parallel::map(jobs, &all, |(path, pin)| one(&root, path, *pin, &facts))?;
    facts.keep(!selector.is_named());
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

fn one(root: &Path, path: &BString, pin: Option<ObjectId>, facts: &Facts) -> ServiceStatus {
    let state = look(root, path, pin, facts).unwrap_or_else(ServiceState::Unreadable);
    ServiceStatus {
        path: path.clone(),
        pin,
        state,
    }
}

fn look(root: &Path, path: &BString, pin: Option<ObjectId>, facts: &Facts) -> Result<ServiceState> {
    match worktree::initialised(root, path.as_ref())? {
        Some(work_dir) => status::by_facts(&work_dir, pin, facts).map(ServiceState::Here),
        None => Ok(ServiceState::Uninitialised),
    }
}
