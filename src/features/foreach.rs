//! `flota foreach`: one command in every service, as many at a time as asked for, what each prints kept together.

use std::{
    ffi::OsString,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bstr::{BString, ByteSlice};
use rayon::prelude::*;

use super::update::Wanted;
use crate::{
    git::{path, pins, repository::Repository, vet::Link, worktree},
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
    /// Called with each run as it ends, one at a time.
    pub each: &'a (dyn Fn(&Ran) + Sync),
}

/// Runs it.
///
/// # Errors
/// Before anything runs: a pattern matches no service, the fleet's index cannot be read. Later: flota is interrupted.
pub fn foreach(fleet: &Repository, options: &Options<'_>) -> Result<Summary> {
    let root = fleet
        .folder()
        .map_err(|err| Error::environment("cannot find the fleet's folder").because(err))?;
    let mut links = pins::of_index(fleet)?.links;
    if let Wanted::Matching(patterns) = Wanted::new(options.services)? {
        links = patterns.among(links, |link| link.path.as_ref())?;
    }
    if let Some(only) = options.only {
        links.retain(|link| only.contains(&link.path));
    }
    let mut summary = Summary::default();
    let mut places = Vec::new();
    for link in links {
        let relative = path::relative("path", link.path.as_ref())?;
        let dir = root.join(&relative);
        if worktree::has_real_parents(&root, &relative) && dir.join(".git").exists() {
            places.push((link, dir));
        } else {
            summary.uninitialised.push(link.path);
        }
    }

    let stop = AtomicBool::new(false);
    let turn = Mutex::new(());
    let run = |(link, dir): &(Link, PathBuf)| {
        if stop.load(Ordering::SeqCst) || interrupt::pending().is_some() {
            return None;
        }
        let ran = one(&root, link, dir, options.command);
        if ran.failure.is_some() && !options.keep_going {
            stop.store(true, Ordering::SeqCst);
        }
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        (options.each)(&ran);
        Some((ran.path, ran.failure.is_none()))
    };
    let pool = parallel::pool(options.jobs)?;
    let ended: Vec<_> = pool.install(|| places.par_iter().map(run).collect());
    for ran in ended {
        match ran {
            Some((_, true)) => summary.succeeded += 1,
            Some((path, false)) => summary.failed.push(path),
            None => summary.not_begun += 1,
        }
    }
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted")),
        None => Ok(summary),
    }
}

fn one(root: &std::path::Path, link: &Link, dir: &std::path::Path, command: &[OsString]) -> Ran {
    let started = Instant::now();
    let (program, arguments) = match command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => (OsString::new(), command),
    };
    let path = link.path.as_bstr();
    let ended = Command::new(program)
        .args(arguments.iter().cloned())
        .current_dir(dir)
        .env(
            "FLOTA_SERVICE",
            service_name(path).to_os_str_lossy().into_owned(),
        )
        .env("FLOTA_PATH", path.to_os_str_lossy().into_owned())
        .env("FLOTA_PIN", link.pin.to_string())
        .env("FLOTA_FLEET", root)
        .run();
    let (text, failure) = match ended {
        Ok(output) if output.success() => (output.text, None),
        Ok(output) => {
            let failure = Error::work(output.status.to_string());
            (output.text, Some(failure))
        }
        Err(error) => (Vec::new(), Some(error)),
    };
    Ran {
        path: link.path.clone(),
        text,
        failure,
        took: started.elapsed(),
    }
}
