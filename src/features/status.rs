//! `flota status`: every worktree against its pin, its last commit and its remote, read in process.

use std::{num::NonZeroUsize, path::Path};

use bstr::BString;
use gix::ObjectId;

use super::update::Wanted;
use crate::{
    git::{
        index, path,
        repository::Repository,
        status::{self, Facts},
        worktree,
    },
    interrupt,
    model::{
        error::{Error, Result},
        status::{ServiceStatus, State},
    },
    parallel,
};

/// The services named, or all of them; sorted by path.
///
/// # Errors
/// The fleet's index cannot be read, a name is none of its services, or flota is interrupted.
pub fn status(
    fleet: &Repository,
    services: &[String],
    jobs: NonZeroUsize,
) -> Result<Vec<ServiceStatus>> {
    if fleet.work_dir().is_none() {
        return Err(Error::repository("a bare repository has no worktrees"));
    }
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's folder").because(err))?;
    let mut all = index::of_index(fleet)?.all();
    if let Wanted::Matching(patterns) = Wanted::new(services)? {
        all = patterns.among(all, |(path, _)| path.as_ref())?;
    }
    let facts = Facts::of(fleet);
    let found = parallel::map(jobs, &all, |(path, pin)| one(&root, path, *pin, &facts))?;
    facts.keep(services.is_empty());
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while reading worktrees")),
        None => Ok(found),
    }
}

fn one(root: &Path, path: &BString, pin: Option<ObjectId>, facts: &Facts) -> ServiceStatus {
    let state = look(root, path, pin, facts).unwrap_or_else(State::Unreadable);
    ServiceStatus {
        path: path.clone(),
        pin,
        state,
    }
}

fn look(root: &Path, path: &BString, pin: Option<ObjectId>, facts: &Facts) -> Result<State> {
    let relative = path::relative("path", path.as_ref())?;
    if !worktree::has_real_parents(root, &relative) {
        return Err(Error::repository(
            "a symbolic link or a file stands in its way",
        ));
    }
    let work_dir = root.join(relative);
    if !work_dir.join(".git").exists() {
        return Ok(State::Uninitialised);
    }
    status::by_facts(&work_dir, pin, facts).map(State::Here)
}
