//! `flota commit`: in every service that has staged work, then the pins of these services in the fleet, and nothing else.

use std::{num::NonZeroUsize, path::PathBuf};

use bstr::BString;

use crate::{
    fleet::{lock::FleetLock, pins, select::Selector, status::status, worktree},
    git::{commit, index, repository::Repository},
    interrupt,
    model::{
        commit::{CommitStep, Committed, PinCommit, ServiceCommit},
        error::{Error, Result},
        outcome::Outcome,
        status::{ServiceState, ServiceStatus},
    },
    parallel,
};

/// What to commit, and how.
pub(crate) struct CommitOptions<'a> {
    /// The message of every commit.
    pub message: &'a str,
    /// Which services; all of them when none is named.
    pub selector: &'a Selector,
    /// How many at a time; where commits are signed, one.
    pub jobs: NonZeroUsize,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
}

/// Commits; the services are sorted by path.
///
/// # Errors
/// Before anything is committed: a name is not one of the fleet's services, the fleet is in a state in which its pins cannot be
/// committed, another run is in progress, flota is interrupted. What befalls single services is in their [`Outcome`], and what befalls
/// the fleet's commit in [`Committed::pins`].
pub(crate) fn commit(fleet: &Repository, options: CommitOptions<'_>) -> Result<Committed> {
    let _lock = match options.dry_run {
        true => None,
        false => Some(FleetLock::take(fleet)?),
    };
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let found = status(fleet, options.selector, options.jobs)?;
    let mut planned: Vec<_> = found
        .services
        .into_iter()
        .map(|service| {
            let work_dir = worktree::of(&root, service.path.as_ref());
            plan(service, work_dir)
        })
        .collect();
    let has_steps = planned.iter().any(|(_, step)| step.is_some());
    if has_steps {
        pins::check_ready(fleet)?;
    }
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(
            exit,
            "interrupted before anything was committed",
        ));
    }
    if options.dry_run || !has_steps {
        return Ok(Committed {
            services: planned.into_iter().map(|(service, _)| service).collect(),
            pins: PinCommit::None,
        });
    }
    act(&mut planned, &options)?;
    let services: Vec<_> = planned.into_iter().map(|(service, _)| service).collect();
    let pins = commit_pins(fleet, &services, options.message).unwrap_or_else(PinCommit::Failed);
    Ok(Committed { services, pins })
}

/// A service, and where to commit; nowhere when there is nothing to do.
type Planned = (ServiceCommit, Option<PathBuf>);

fn plan(service: ServiceStatus, work_dir: Result<PathBuf>) -> Planned {
    let (path, pin) = (service.path, service.pin);
    let ended = |path: BString, outcome| ServiceCommit {
        path,
        branch: None,
        from: None,
        to: None,
        outcome,
    };
    let worktree = match service.state {
        ServiceState::Here(worktree) => worktree,
        ServiceState::Uninitialised => {
            return (ended(path, Outcome::Done(CommitStep::Uninitialised)), None);
        }
        ServiceState::Unreadable(error) => return (ended(path, Outcome::Left(error)), None),
    };
    let changes = worktree.changes;
    let own = match (changes.staged, changes.conflicted, &work_dir) {
        (0, 0, _) => Outcome::Done(CommitStep::Unchanged),
        (_, 0, Ok(dir)) => match (pin, commit::check(dir)) {
            (None, _) => Outcome::Left(index::in_conflict()),
            (Some(_), Err(error)) => Outcome::from(error),
            (Some(_), Ok(())) => Outcome::Done(CommitStep::Committed),
        },
        (_, _, _) => Outcome::Left(
            Error::repository("files in it are in conflict")
                .hint(format!("resolve them: git -C {path} status")),
        ),
    };
    let outcome = staged_below(&service.nested).map_or(own, Outcome::Left);
    let step = matches!(outcome, Outcome::Done(CommitStep::Committed));
    let planned = ServiceCommit {
        branch: worktree.branch,
        from: worktree.head,
        ..ended(path, outcome)
    };
    (planned, work_dir.ok().filter(|_| step))
}

/// Why a service is left whose own submodules, at any level, have staged work: a commit of the service would lack it.
fn staged_below(nested: &[ServiceStatus]) -> Option<Error> {
    let is_staged = |one: &&ServiceStatus| match &one.state {
        ServiceState::Here(worktree) => worktree.changes.staged > 0,
        _ => false,
    };
    let path = &nested.iter().find(is_staged)?.path;
    let error = Error::repository(format!(
        "its submodule `{path}` has staged work, and flota commits in services alone"
    ));
    let error = error.hint(format!("commit it there: git -C {path} commit"));
    Some(error.hint("then stage its pin: git add, in the repository that it belongs to"))
}

/// Commits in the services; those who may be asked for a passphrase one after the other.
fn act(planned: &mut [Planned], options: &CommitOptions<'_>) -> Result<()> {
    let dirs: Vec<_> = planned.iter().filter_map(|(_, dir)| dir.clone()).collect();
    let is_signed = |dir: &PathBuf| commit::is_signed(dir).unwrap_or_default();
    let jobs = match dirs.iter().any(is_signed) {
        true => NonZeroUsize::MIN,
        false => options.jobs,
    };
    let may_prompt = jobs == NonZeroUsize::MIN;
    let done = parallel::map(jobs, &dirs, |dir| match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "not started")),
        None => commit::staged(dir, options.message, may_prompt),
    })?;
    let steps = planned.iter_mut().filter(|(_, dir)| dir.is_some());
    for ((service, _), done) in steps.zip(done) {
        match done {
            Ok(commit) => service.to = Some(commit),
            Err(error) => service.outcome = Outcome::from(error),
        }
    }
    Ok(())
}

/// Stages the pins of the services that have a new commit, and commits them, but for those that are new in the fleet.
fn commit_pins(fleet: &Repository, services: &[ServiceCommit], message: &str) -> Result<PinCommit> {
    let moved = services
        .iter()
        .filter_map(|service| Some((&service.path, service.to?)));
    let moved: Vec<_> = moved.collect();
    if moved.is_empty() {
        return Ok(PinCommit::None);
    }
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(
            exit,
            "interrupted before the pins were committed",
        ));
    }
    index::stage(fleet, moved.iter().map(|(path, pin)| (path.as_ref(), *pin)))?;
    let paths: Vec<_> = moved.iter().map(|(path, _)| *path).collect();
    let staged = pins::new_in_fleet(fleet, &paths)?;
    let known = paths.iter().filter(|path| !staged.contains(path));
    let known: Vec<_> = known.map(|path| path.as_ref()).collect();
    if known.is_empty() {
        return Ok(PinCommit::Staged(staged));
    }
    let commit = pins::commit(fleet, known.into_iter(), message)?;
    Ok(PinCommit::Committed { commit, staged })
}
