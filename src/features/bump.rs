//! `flota bump`: the services' HEADs become their pins, staged in the fleet, all of them or none.

use std::{num::NonZeroUsize, path::PathBuf};

use bstr::{BString, ByteSlice};

use crate::{
    fleet::{lock::FleetLock, nested_pins, select::Selector, status::status, worktree},
    git::{
        index,
        network::reachability::{self, Reachability},
        operation, remote,
        repository::Repository,
        url::{self, Source},
    },
    model::{
        bump::Bump,
        error::{Error, Result},
        fleet::Submodule,
        status::{Changes, ServiceState, ServiceStatus, Standing, Worktree},
    },
    parallel,
};

/// Looks whether each selected service may be pinned where it is; what is in step already is left out.
///
/// # Errors
/// Repository: a service is not initialised, has no commit, or has commits that its remote lacks, so that nobody else could
/// check the pin out. All that stands in the way is named.
pub(crate) fn plan(
    fleet: &Repository,
    selector: &Selector,
    jobs: NonZeroUsize,
) -> Result<Vec<Bump>> {
    let found = status(fleet, selector, jobs)?.services;
    let listed = index::of_index(fleet)?.listed();
    let listed_at = |path: &BString| listed.get(path).and_then(Option::as_ref);
    let asked = parallel::map(jobs, &found, |service| {
        check_pushed(fleet, service, listed_at(&service.path))
    })?;
    let (mut bumps, mut refused) = (Vec::new(), Vec::new());
    for (service, pushed) in found.into_iter().zip(asked) {
        match pushed.and_then(|()| one(service)) {
            Ok(bump) => bumps.extend(bump),
            Err(error) => refused.push(error),
        }
    }
    let nested = parallel::map(jobs, &bumps, |bump| {
        let listed = listed_at(&bump.path);
        nested_pins::check_service(fleet, &bump.path, listed, bump.to, bump.from)
            .map_err(|error| error.within(&bump.path))
    })?;
    refused.extend(nested.into_iter().filter_map(Result::err));
    match refused.len() {
        0 => Ok(bumps),
        1 => Err(refused.remove(0)),
        count => {
            let said: Vec<_> = refused.iter().map(ToString::to_string).collect();
            let hints = refused.iter().flat_map(|error| error.hints().to_vec());
            let error = Error::repository(format!("{count} services cannot be pinned as they are"))
                .because(said.join("\n"));
            Err(hints.fold(error, Error::hint))
        }
    }
}

/// Stages the pins in the fleet's index, in one go.
///
/// # Errors
/// Work: git cannot write the index; then none is staged. Unavailable: another run is in progress.
pub(crate) fn stage(fleet: &Repository, bumps: &[Bump]) -> Result<()> {
    let _lock = FleetLock::take(fleet)?;
    index::stage(
        fleet,
        bumps.iter().map(|bump| (bump.path.as_ref(), bump.to)),
    )
}

/// The pin that a service gets, whose HEAD everybody can have; none where it has it.
fn one(service: ServiceStatus) -> Result<Option<Bump>> {
    let path = &service.path;
    let refuse = |why: &str| Error::repository(format!("{path}: {why}"));
    let worktree = match service.state {
        ServiceState::Here(worktree) => worktree,
        ServiceState::Uninitialised => {
            return Err(refuse("it is not initialised").hint(format!("flota update {path}")));
        }
        ServiceState::Unreadable(error) => return Err(error),
    };
    if let Some(operation) = worktree.operation {
        let path = PathBuf::from(path.to_path_lossy());
        let error = operation::in_progress(operation, &path);
        return Err(error.within(&service.path));
    }
    let Some(to) = worktree.head else {
        return Err(refuse("it has no commit to pin"));
    };
    if worktree.standing == Standing::InStep {
        return Ok(None);
    }
    Ok(Some(Bump {
        path: service.path,
        from: service.pin,
        to,
        standing: worktree.standing,
        is_dirty: worktree.changes != Changes::default(),
    }))
}

/// Refuses a HEAD that is on no branch where `.gitmodules` says that the service is. The server is asked only where no
/// remote-tracking branch says so.
fn check_pushed(
    fleet: &Repository,
    service: &ServiceStatus,
    listed: Option<&Submodule>,
) -> Result<()> {
    let ServiceState::Here(worktree) = &service.state else {
        return Ok(());
    };
    let Some(head) = worktree.head.filter(|_| worktree.unpushed > 0) else {
        return Ok(());
    };
    // Neither gets a pin, whatever the server says.
    if worktree.standing == Standing::InStep || worktree.operation.is_some() {
        return Ok(());
    }
    let path = &service.path;
    let name = listed.map(|listed| listed.name.as_ref());
    let url = listed.and_then(|listed| Some(listed.url.as_ref()?.as_ref()));
    let source =
        url::source_at(fleet, path.as_ref(), name, url).map_err(|error| error.within(path))?;
    match reachability::ask(fleet, &source, head)? {
        Reachability::OnBranch => Ok(()),
        Reachability::Loose | Reachability::Absent => {
            Err(unpushed(fleet, path, worktree, source.of_gitmodules()))
        }
    }
}

/// That nobody else could check its HEAD out: no branch of `listed`, which `.gitmodules` names, contains it.
fn unpushed(fleet: &Repository, path: &BString, worktree: &Worktree, listed: &Source) -> Error {
    let remote = remote_at(fleet, path, listed);
    let to = remote
        .as_ref()
        .map_or_else(|| listed.shown.to_string(), |remote| remote.to_string());
    let to = shlex::try_quote(&to).map_or_else(|_| to.clone(), Into::into);
    let commits = match worktree.unpushed {
        1 => "1 commit".to_owned(),
        count => format!("{count} commits"),
    };
    let on = match remote {
        Some(_) => "no branch of its remote".to_owned(),
        // Its remotes have it, maybe.
        None => format!(
            "no branch of {}, which is its URL in .gitmodules",
            listed.shown
        ),
    };
    Error::repository(format!("{path}: its HEAD has {commits} on {on}")).hint(
        match &worktree.branch {
            // Also where the branch is new, and tracks nothing yet.
            Some(_) => format!("push them: git -C {path} push {to} HEAD"),
            None => {
                format!("push them to a branch: git -C {path} push {to} HEAD:refs/heads/BRANCH")
            }
        },
    )
}

/// The service's remote that is where `.gitmodules` says; none without one.
fn remote_at(fleet: &Repository, path: &BString, listed: &Source) -> Option<BString> {
    let work_dir = worktree::of(fleet.work_dir()?, path.as_ref()).ok()?;
    let repo = Repository::discover(&work_dir).ok()?.to_local().ok()?;
    let remotes = remote::urls(&repo).into_iter();
    let own = remote::name(&repo);
    let mut at: Vec<_> = remotes
        .filter(|(_, url)| listed.is_at(url.as_ref()))
        .map(|(name, _)| name)
        .collect();
    at.sort_by_key(|name| *name != own);
    at.into_iter().next()
}
