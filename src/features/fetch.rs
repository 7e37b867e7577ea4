//! `flota fetch`: what is new at the remotes of the services and of the fleet. No branch and no file changes.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use bstr::{BStr, BString};
use gix::ObjectId;

use crate::{
    fleet::{select::Selector, worktree},
    git::{index, network::own, outgoing, repository::Repository},
    interrupt,
    model::{
        error::{Error, Result},
        event::{Event, Events},
        fetch::{BranchMove, FetchRun, FetchStep, FetchedRepository},
        outcome::Outcome,
    },
    parallel,
};

/// What to fetch, and how.
pub(crate) struct FetchOptions<'a> {
    /// Which services; all of them, and the fleet, when none is named.
    pub selector: &'a Selector,
    /// How many at a time; one at a time may ask on the terminal.
    pub jobs: NonZeroUsize,
    /// Whether to ask the servers, and fetch nothing.
    pub dry_run: bool,
    /// Where progress goes.
    pub events: Events<'a>,
}

/// Fetches; the services are sorted by path.
///
/// # Errors
/// A name is not one of the fleet's services, the fleet's index cannot be read, or flota is interrupted. What befalls single
/// repositories is in their [`Outcome`].
pub(crate) fn fetch(fleet: &Repository, options: &FetchOptions<'_>) -> Result<FetchRun> {
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let all = options.selector.among(index::of_index(fleet)?)?.all();
    let mut places = Vec::new();
    for (path, _) in all {
        // Nobody's files are behind a symbolic link: that is as if it were not there.
        let dir = worktree::initialised(&root, path.as_ref()).unwrap_or_default();
        places.push((path, dir));
    }
    if !options.selector.is_named() {
        places.push((".".into(), Some(root)));
    }
    let repositories = places.iter().filter(|(_, dir)| dir.is_some()).count();
    (options.events)(Event::Fetching { repositories });
    let mut done = parallel::map(options.jobs, &places, |(path, dir)| one(path, dir, options))?;
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(exit, "interrupted while fetching"));
    }
    let fleet = match options.selector.is_named() {
        true => None,
        false => done.pop(),
    };
    Ok(FetchRun {
        services: done,
        fleet,
    })
}

fn one(path: &BString, dir: &Option<PathBuf>, options: &FetchOptions<'_>) -> FetchedRepository {
    let mut told = FetchedRepository {
        path: path.clone(),
        remote: None,
        branches: Vec::new(),
        behind: None,
        outcome: Outcome::Done(FetchStep::Uninitialised),
    };
    let Some(dir) = dir else {
        return told;
    };
    let done = look(dir, &mut told, options);
    (options.events)(Event::Fetched);
    told.outcome = match done {
        Ok(()) if told.branches.is_empty() => Outcome::Done(FetchStep::Unchanged),
        Ok(()) => Outcome::Done(FetchStep::Fetched),
        Err(error) => Outcome::from(error),
    };
    told
}

fn look(dir: &Path, told: &mut FetchedRepository, options: &FetchOptions<'_>) -> Result<()> {
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(exit, "not started"));
    }
    let Some(remote) = outgoing::remote_of(dir)? else {
        return Ok(());
    };
    let name: &BStr = remote.as_ref();
    told.remote = Some(remote.clone());
    let before = outgoing::branches_seen(dir, name)?;
    let may_prompt = options.jobs.get() == 1;
    let after = match options.dry_run {
        false => {
            own::fetch(dir, name, may_prompt)?;
            outgoing::branches_seen(dir, name)?
        }
        true => {
            let heads = own::heads(dir, name, may_prompt)?;
            let mut after = match outgoing::prunes(dir, name)? {
                true => BTreeMap::new(),
                false => before.clone(),
            };
            after.extend(heads);
            after
        }
    };
    told.branches = moves(&before, &after);
    told.behind = outgoing::behind(dir)?;
    Ok(())
}

fn moves(
    before: &BTreeMap<BString, ObjectId>,
    after: &BTreeMap<BString, ObjectId>,
) -> Vec<BranchMove> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let mut names: Vec<_> = after.keys().chain(gone).collect();
    names.sort();
    let moves = names.into_iter().map(|name| BranchMove {
        name: name.clone(),
        from: before.get(name).copied(),
        to: after.get(name).copied(),
    });
    moves.filter(|one| one.from != one.to).collect()
}
