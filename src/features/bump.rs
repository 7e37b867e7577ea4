//! `flota bump`: the services' HEADs become their pins, staged in the fleet, all of them or none.

use std::{num::NonZeroUsize, path::PathBuf};

use bstr::ByteSlice;

use crate::{
    fleet::{
        lock::FleetLock,
        nested_pins::{Asking, PinningCommit},
        select::Selector,
        status::status,
        worktree,
    },
    git::{
        gitmodules::Gitmodules,
        index,
        network::reachability::Reachability,
        operation,
        repository::Repository,
        submodule::{self, Store},
        url,
    },
    model::{
        bump::Bump,
        error::{Error, Result},
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
    let (mut bumps, mut refused) = (Vec::new(), Vec::new());
    for service in found {
        match one(service) {
            Ok(bump) => bumps.extend(bump),
            Err(error) => refused.push(error),
        }
    }
    let nested = parallel::map(jobs, &bumps, |bump| check_nested(fleet, bump))?;
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

/// Refuses a commit that pins submodules of its own at commits that their servers do not have, at whatever level.
fn check_nested(fleet: &Repository, bump: &Bump) -> Result<()> {
    let path = &bump.path;
    let root = fleet.work_dir().unwrap_or(fleet.common_dir());
    let work_dir = worktree::of(root, path.as_ref())?;
    let store = submodule::git_dir_of(&work_dir).and_then(|dir| Store::at(dir, bump.to.kind()));
    let Some(store) = store else { return Ok(()) };
    // Most have none, and their URL needs not be known.
    let tree = store.tree_of(bump.to)?;
    match tree.map(|tree| Gitmodules::is_in(store.objects(), tree)) {
        Some(Ok(true)) => {}
        Some(Err(error)) => return Err(error.within(path)),
        None | Some(Ok(false)) => return Ok(()),
    }
    let pins = index::of_index(fleet)?;
    let listed = pins.links.iter().find(|link| link.path == *path);
    let listed = listed.and_then(|link| link.listed.as_ref());
    let name = listed.map(|listed| listed.name.as_ref());
    let url = listed.and_then(|listed| Some(listed.url.as_ref()?.as_ref()));
    let holder = PinningCommit {
        path: path.clone(),
        url: url::source(fleet, name, url)
            .map_err(|error| error.within(path))?
            .url,
        store: Some(store),
        work_dir: Some(work_dir),
        commit: bump.to,
        before: bump.from,
    };
    let asking = Asking {
        fleet,
        offline: false,
    };
    let absent = asking
        .unpushed(&holder)
        .map_err(|error| error.within(path))?;
    let mut absent = absent
        .into_iter()
        .filter(|one| one.found != Some(Reachability::Loose));
    match absent.next() {
        None => Ok(()),
        Some(nested) => Err(Error::repository(format!(
            "{path}: its commit pins {} at {}, which is not on its remote: nobody else could clone it",
            nested.path,
            nested.pin.to_hex_with_len(7)
        ))
        .hint(format!(
            "push it to a branch: git -C {} push origin {}:refs/heads/BRANCH",
            nested.path, nested.pin
        ))),
    }
}

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
    let Worktree {
        branch,
        head,
        standing,
        changes,
        unpushed,
        ..
    } = worktree;
    let Some(to) = head else {
        return Err(refuse("it has no commit to pin"));
    };
    if standing == Standing::InStep {
        return Ok(None);
    }
    if unpushed > 0 {
        let commits = if unpushed == 1 { "commit" } else { "commits" };
        return Err(refuse(&format!(
            "its HEAD has {unpushed} {commits} on no branch of its remote"
        ))
        .hint(match branch {
            // Also where the branch is new, and tracks nothing yet.
            Some(_) => format!("push them: git -C {path} push origin HEAD"),
            None => {
                format!("push them to a branch: git -C {path} push origin HEAD:refs/heads/BRANCH")
            }
        }));
    }
    Ok(Some(Bump {
        path: service.path,
        from: service.pin,
        to,
        standing,
        is_dirty: changes != Changes::default(),
    }))
}
