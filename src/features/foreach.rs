//! `flota foreach`: one command in every service, as many at a time as asked for; what each prints stays together, and the runs
//! are shown in the order of their paths.

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

use crate::{
    fleet::{select::Selector, worktree},
    git::{index, repository::Repository},
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
pub(crate) struct ForeachOptions<'a> {
    /// The program and its arguments; no shell reads them.
    pub command: &'a [OsString],
    /// Which services; all of them when none is named.
    pub selector: &'a Selector,
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
/// Before anything runs: a name is not one of its services, the fleet's index cannot be read. Later: flota is interrupted.
pub(crate) fn foreach(fleet: &Repository, options: &ForeachOptions<'_>) -> Result<Summary> {
    let root = fleet
        .folder()
        .map_err(|err| Error::unavailable("cannot find the fleet's directory").because(err))?;
    let (turns, uninitialised) = turns(fleet, &root, options)?;
    let line = Line {
        each: options.each,
        state: Mutex::new(LineState {
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
        while let Some(turn) = turns.get(next.fetch_add(1, Ordering::SeqCst)) {
            let is_over = stop.load(Ordering::SeqCst) || interrupt::pending().is_some();
            let ran = (!is_over).then(|| one(&root, turn, options.command));
            if ran.as_ref().is_some_and(|ran| ran.failure.is_some()) && !options.keep_going {
                stop.store(true, Ordering::SeqCst);
            }
            line.enter(turn, ran);
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
struct Turn {
    /// Its turn.
    index: usize,
    path: BString,
    /// None while it is in conflict.
    pin: Option<ObjectId>,
    dir: PathBuf,
}

/// Where to run it, sorted; and the services that have no worktree.
fn turns(
    fleet: &Repository,
    root: &Path,
    options: &ForeachOptions<'_>,
) -> Result<(Vec<Turn>, Vec<BString>)> {
    let mut all = options.selector.among(index::of_index(fleet)?)?.all();
    if let Some(only) = options.only {
        all.retain(|(path, _)| only.contains(path));
    }
    let (mut turns, mut uninitialised) = (Vec::new(), Vec::new());
    for (path, pin) in all {
        // Nobody's files are behind a symbolic link: that is as if it were not there.
        match worktree::initialised(root, path.as_ref()).unwrap_or_default() {
            Some(dir) => turns.push(Turn {
                index: turns.len(),
                path,
                pin,
                dir,
            }),
            None => uninitialised.push(path),
        }
    }
    Ok((turns, uninitialised))
}

/// Runs that have ended, in line for their turn.
struct Line<'a> {
    each: &'a (dyn Fn(Ran) + Sync),
    state: Mutex<LineState>,
}

#[derive(Default)]
struct LineState {
    summary: Summary,
    /// Whose turn it is.
    turn: usize,
    waiting: BTreeMap<usize, (BString, Option<Ran>)>,
}

impl Line<'_> {
    fn enter(&self, turn: &Turn, ran: Option<Ran>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.insert(turn.index, (turn.path.clone(), ran));
        loop {
            let next = state.turn;
            let Some((path, ran)) = state.waiting.remove(&next) else {
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

fn one(root: &Path, turn: &Turn, command: &[OsString]) -> Ran {
    let started = Instant::now();
    let (program, arguments) = match command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => (OsString::new(), command),
    };
    let path = turn.path.as_bstr();
    let command = Command::new(program)
        .args(arguments.iter().cloned())
        .current_dir(&turn.dir)
        .env(
            "FLOTA_SERVICE",
            service_name(path).to_os_str_lossy().into_owned(),
        )
        .env("FLOTA_PATH", path.to_os_str_lossy().into_owned())
        .env("FLOTA_FLEET", root);
    let command = match turn.pin {
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
        path: turn.path.clone(),
        text,
        code,
        failure,
        took: started.elapsed(),
    }
}
