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
        fleet::{NESTING_LIMIT, service_name},
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
    /// Whether to run it in submodules of services, too.
    pub recursive: bool,
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
        let Some(dir) = worktree::initialised(root, path.as_ref()).unwrap_or_default() else {
            uninitialised.push(path);
            continue;
        };
        let nested = match options.recursive {
            true => nested(&dir, &path, 1)?,
            false => Vec::new(),
        };
        let own = std::iter::once((path, pin, Some(dir)));
        for (path, pin, dir) in own.chain(nested) {
            match dir {
                Some(dir) => turns.push(Turn {
                    index: turns.len(),
                    path,
                    pin,
                    dir,
                }),
                None => uninitialised.push(path),
            }
        }
    }
    Ok((turns, uninitialised))
}

/// A submodule with its path from the fleet's root, the pin that its parent's index has, and its folder if it is initialised.
type Nested = (BString, Option<ObjectId>, Option<PathBuf>);

/// The submodules of the one in `dir`, which sits at `above`, and theirs: each after the one that it lies in.
fn nested(dir: &Path, above: &BString, depth: usize) -> Result<Vec<Nested>> {
    if depth > NESTING_LIMIT {
        return Err(Error::repository(format!(
            "{above}: submodules are nested deeper than {NESTING_LIMIT} levels"
        )));
    }
    let within = |error: Error| error.within(above);
    let parent = Repository::discover(dir).map_err(within)?;
    let mut found = Vec::new();
    for (path, pin) in index::of_index(&parent).map_err(within)?.all() {
        let folder = worktree::initialised(dir, path.as_ref()).unwrap_or_default();
        let full: BString = [&above[..], b"/", &path].concat().into();
        let below = match &folder {
            Some(folder) => nested(folder, &full, depth + 1)?,
            None => Vec::new(),
        };
        found.push((full, pin, folder));
        found.extend(below);
    }
    Ok(found)
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
