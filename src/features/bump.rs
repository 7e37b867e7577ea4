//! `flota bump`: the services' HEADs become their pins, staged in the fleet, all of them or none.

use std::{num::NonZeroUsize, path::PathBuf};

use bstr::ByteSlice;

use crate::{
    fleet::{lock::FleetLock, select::Selector, status::status},
    git::{index, operation, repository::Repository},
    model::{
        bump::Bump,
        error::{Error, Result},
        status::{Changes, ServiceState, ServiceStatus, Standing, Worktree},
    },
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
