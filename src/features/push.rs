//! `flota push`: the services' branches, then the fleet's, which waits until everybody can fetch the pins that it brings.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use bstr::BString;

use crate::{
    fleet::{
        published::{self, NewPin},
        select::Selector,
        worktree,
    },
    git::{
        history, index,
        network::push,
        outgoing::{self, BranchPush, Outgoing},
        repository::Repository,
        submodule::{self, Store},
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::{Event, Events},
        outcome::Outcome,
        push::{PushStep, Pushed, PushedBranch, unpublished},
    },
    parallel,
};

/// What to push, and how.
pub(crate) struct PushOptions<'a> {
    /// Which services, before the fleet; all of them when none is named.
    pub selector: &'a Selector,
    /// How many at a time; one at a time may ask on the terminal.
    pub jobs: NonZeroUsize,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
    /// Where progress goes.
    pub events: Events<'a>,
}

/// The fleet's own path.
const FLEET: &str = ".";

/// Pushes; the services are sorted by path.
///
/// # Errors
/// Before anything is pushed: a name is not one of the fleet's services, the fleet is bare, its index cannot be read. What befalls
/// single repositories is in their [`Outcome`].
pub(crate) fn push(fleet: &Repository, options: PushOptions<'_>) -> Result<Pushed> {
    if fleet.work_dir().is_none() {
        return Err(Error::repository("a bare repository has no branch to push"));
    }
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let all = options.selector.among(index::of_index(fleet)?)?.all();
    let paths: Vec<_> = all.into_iter().map(|(path, _)| path).collect();
    let mut services = parallel::map(options.jobs, &paths, |path| plan_service(&root, path))?;
    if !options.dry_run {
        // Not even a nested submodule is left behind.
        let has_commits = |one: &&Branch| one.push.is_some();
        let repositories = services.iter().filter(has_commits).count();
        (options.events)(Event::Pushing { repositories });
        let done = parallel::map(options.jobs, &services, |one| {
            let done = one.act("check", options.jobs);
            if one.push.is_some() {
                (options.events)(Event::Pushed);
            }
            done
        })?;
        for (service, done) in services.iter_mut().zip(done) {
            service.conclude(done);
        }
    }
    let mut own = Branch::plan(FLEET.into(), &root);
    if let Some(push) = &own.push {
        let pins = published::new_pins(fleet, push.tip, &push.remote)?;
        let would_be = |pin: &NewPin| options.dry_run && would_be_pushed(fleet, &services, pin);
        let open: Vec<_> = pins.into_iter().filter(|pin| !would_be(pin)).collect();
        let done = match published::missing(fleet, &open, options.jobs) {
            Ok(missing) if !missing.is_empty() => Err(unpublished(missing)),
            Ok(_) if options.dry_run => Ok(()),
            Ok(_) => {
                (options.events)(Event::Pushing { repositories: 1 });
                let done = own.act("no", NonZeroUsize::MIN);
                (options.events)(Event::Pushed);
                done
            }
            Err(error) => Err(error),
        };
        own.conclude(done);
    }
    Ok(Pushed {
        services: services.into_iter().map(|one| one.told).collect(),
        fleet: own.told,
    })
}

/// A branch, and what is to be done with it.
#[derive(Debug)]
struct Branch {
    told: PushedBranch,
    dir: PathBuf,
    /// None when there is nothing to do.
    push: Option<BranchPush>,
}

fn plan_service(root: &Path, path: &BString) -> Branch {
    // Nobody's files are behind a symbolic link: that is as if it were not there.
    match worktree::initialised(root, path.as_ref()).unwrap_or_default() {
        Some(dir) => Branch::plan(path.clone(), &dir),
        None => Branch {
            told: PushedBranch::ended(path.clone(), Outcome::Done(PushStep::Uninitialised)),
            dir: PathBuf::new(),
            push: None,
        },
    }
}

impl Branch {
    fn plan(path: BString, dir: &Path) -> Self {
        let (branch, push, outcome) = match outgoing::outgoing(dir) {
            Err(error) => (None, None, Outcome::from(error)),
            Ok(Outgoing::Nothing(branch)) => {
                (Some(branch), None, Outcome::Done(PushStep::Unchanged))
            }
            Ok(Outgoing::Detached(0)) => (None, None, Outcome::Done(PushStep::Unchanged)),
            Ok(Outgoing::Detached(count)) => (None, None, Outcome::Left(detached(dir, count))),
            Ok(Outgoing::Commits(push)) => {
                let step = match push.seen {
                    Some(_) => PushStep::Pushed,
                    None => PushStep::Created,
                };
                (Some(push.branch.clone()), Some(push), Outcome::Done(step))
            }
        };
        let target = push.as_ref().map(|push| {
            let short = push.target.strip_prefix(b"refs/heads/");
            let short = short.unwrap_or(&push.target);
            [&push.remote[..], b"/", short].concat().into()
        });
        Self {
            told: PushedBranch {
                branch,
                target,
                commits: push.as_ref().map_or(0, |push| push.count),
                ..PushedBranch::ended(path, outcome)
            },
            dir: dir.to_owned(),
            push,
        }
    }

    /// Pushes it, if there is something to push.
    fn act(&self, recurse: &str, jobs: NonZeroUsize) -> Result<()> {
        match (&self.push, interrupt::pending()) {
            (Some(_), Some(exit)) => Err(Error::new(exit, "not started")),
            (Some(plan), None) => push::branch(&self.dir, plan, recurse, jobs.get() == 1),
            (None, _) => Ok(()),
        }
    }

    fn conclude(&mut self, done: Result<()>) {
        if let Err(error) = done {
            self.told.outcome = Outcome::from(error);
        }
    }
}

fn detached(dir: &Path, count: usize) -> Error {
    let commits = if count == 1 { "commit" } else { "commits" };
    let dir = dir.display();
    Error::repository(format!(
        "its HEAD is detached, and has {count} {commits} on no branch of its remote"
    ))
    .hint(format!(
        "make a branch of them: git -C {dir} switch --create BRANCH"
    ))
}

/// Whether the service's own push, which a dry run leaves out, would bring the pin to where `.gitmodules` says.
fn would_be_pushed(fleet: &Repository, services: &[Branch], pin: &NewPin) -> bool {
    let service = services.iter().find(|one| one.told.path == pin.path);
    let planned = service.and_then(|one| Some((one, one.push.as_ref()?)));
    let Some((service, push)) = planned else {
        return false;
    };
    let git_dir = submodule::git_dir_of(&service.dir);
    let store = git_dir.and_then(|dir| Store::at(dir, pin.pin.kind()));
    let holds = |store: Store| history::contains(store.objects(), push.tip, pin.pin);
    published::is_listed(fleet, pin, &service.dir, push.remote.as_ref()) && store.is_some_and(holds)
}
