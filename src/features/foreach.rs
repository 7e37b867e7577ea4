//! `flota foreach`: one command in every service, as many at a time as asked for; what each prints stays together, and the runs
//! are told in the order of their paths.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use bstr::{BString, ByteSlice};
use gix::ObjectId;

use super::update::Wanted;
use crate::{
    git::{index, path, repository::Repository, worktree},
    interrupt,
    model::{
        error::{Error, Result},
        fleet::service_name,
        foreach::{Ran, Summary},
    },
    parallel,
    process::Command,
};

/// What to run, and where.
pub struct Options<'a> {
    /// The program and its arguments; no shell reads them.
    pub command: &'a [OsString],
    /// Patterns of the services; all of them when there are none.
    pub services: &'a [String],
    /// Only the services at these paths.
    pub only: Option<&'a [BString]>,
    /// How many at a time.
    pub jobs: NonZeroUsize,
    /// Whether to go on after a failure.
    pub keep_going: bool,
    /// Called with each run, one at a time and in the order of the paths, once those before it have ended.
    pub each: &'a (dyn Fn(Ran) + Sync),
}

/// Runs it.
///
/// # Errors
/// Before anything runs: a pattern matches no service, the fleet's index cannot be read. Later: flota is interrupted.
pub fn foreach(fleet: &Repository, options: &Options<'_>) -> Result<Summary> {
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's folder").because(err))?;
    let (places, uninitialised) = places(fleet, &root, options)?;
    let line = Line {
        each: options.each,
        state: Mutex::new(State {
            summary: Summary {
                uninitialised,
                ..Default::default()
            },
            ..Default::default()
        }),
    };
    let stop = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(place) = places.get(next.fetch_add(1, Ordering::SeqCst)) {
            let is_over = stop.load(Ordering::SeqCst) || interrupt::pending().is_some();
            let ran = (!is_over).then(|| one(&root, place, options.command));
            if ran.as_ref().is_some_and(|ran| ran.failure.is_some()) && !options.keep_going {
                stop.store(true, Ordering::SeqCst);
            }
            line.enter(place, ran);
        }
    };
    // Each takes the next one, so that those who wait for their turn are few.
    parallel::pool(options.jobs)?.broadcast(|_| work());
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted")),
        None => Ok(line.summary()),
    }
}

/// A service to run it in.
struct Place {
    /// Its turn.
    index: usize,
    path: BString,
    /// None while it is in conflict.
    pin: Option<ObjectId>,
    dir: PathBuf,
}

/// Where to run it, sorted; and the services that have no worktree.
fn places(
    fleet: &Repository,
    root: &Path,
    options: &Options<'_>,
) -> Result<(Vec<Place>, Vec<BString>)> {
    let mut all = index::of_index(fleet)?.all();
    if let Wanted::Matching(patterns) = Wanted::new(options.services)? {
        all = patterns.among(all, |(path, _)| path.as_ref())?;
    }
    if let Some(only) = options.only {
        all.retain(|(path, _)| only.contains(path));
    }
    let (mut places, mut uninitialised) = (Vec::new(), Vec::new());
    for (path, pin) in all {
        let relative = path::relative("path", path.as_ref())?;
        let dir = root.join(&relative);
        if worktree::has_real_parents(root, &relative) && dir.join(".git").exists() {
            let index = places.len();
            places.push(Place {
                index,
                path,
                pin,
                dir,
            });
        } else {
            uninitialised.push(path);
        }
    }
    Ok((places, uninitialised))
}

/// Runs that have ended, in line for their turn.
struct Line<'a> {
    each: &'a (dyn Fn(Ran) + Sync),
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    summary: Summary,
    /// Whose turn it is.
    turn: usize,
    waiting: BTreeMap<usize, (BString, Option<Ran>)>,
}

impl Line<'_> {
    fn enter(&self, place: &Place, ran: Option<Ran>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.insert(place.index, (place.path.clone(), ran));
        loop {
            let turn = state.turn;
            let Some((path, ran)) = state.waiting.remove(&turn) else {
                return;
            };
            state.turn += 1;
            match ran {
                None => state.summary.not_begun.push(path),
                Some(ran) => {
                    match &ran.failure {
                        None => state.summary.succeeded += 1,
                        Some(failure) => state.summary.failed.push((path, failure.exit())),
                    }
                    (self.each)(ran);
                }
            }
        }
    }

    fn summary(self) -> Summary {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).summary
    }
}

fn one(root: &Path, place: &Place, command: &[OsString]) -> Ran {
    let started = Instant::now();
    let (program, arguments) = match command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => (OsString::new(), command),
    };
    let path = place.path.as_bstr();
    let command = Command::new(program)
        .args(arguments.iter().cloned())
        .current_dir(&place.dir)
        .env(
            "FLOTA_SERVICE",
            service_name(path).to_os_str_lossy().into_owned(),
        )
        .env("FLOTA_PATH", path.to_os_str_lossy().into_owned())
        .env("FLOTA_FLEET", root);
    let command = match place.pin {
        Some(pin) => command.env("FLOTA_PIN", pin.to_string()),
        None => command.env_remove("FLOTA_PIN"),
    };
    let (text, code, failure) = match command.run() {
        Ok(output) if output.success() => (output.text, output.status.code(), None),
        Ok(output) => {
            let failure = Error::work(output.status.to_string());
            (output.text, output.status.code(), Some(failure))
        }
        Err(error) => (Vec::new(), None, Some(error)),
    };
    Ran {
        path: place.path.clone(),
        text,
        code,
        failure,
        took: started.elapsed(),
    }
}
