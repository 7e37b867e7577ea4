//! What commands share: their repository, and how they end.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use bstr::BStr;

use crate::{
    ci::CiRun,
    cli::{Ends as EndsArgs, Global, Reading},
    config,
    fleet::{
        changed::ChangedOptions,
        range::{self, Ends},
        select::Selector,
        superproject,
    },
    git::{network::promised, repository::Repository},
    model::{
        change::{Unread, Warning},
        error::{Error, Result},
        event::Events,
        exit::Exit,
        range::Range,
        settings::Settings,
    },
    output::{Output, error, progress::Progress},
    parallel,
};

/// What every command over a repository needs.
pub(super) struct Context {
    /// Where the user stands.
    pub(super) dir: PathBuf,
    pub(super) repository: Repository,
    pub(super) settings: Settings,
    pub(super) run: Option<CiRun>,
}

impl Context {
    /// Opens it. `offline`, what a partial clone lacks is an error.
    pub(super) fn open(dir: &Path, global: &Global, offline: bool) -> Result<Self> {
        let found = Repository::discover(dir)?;
        let found = match global.service_only {
            true => found,
            false => superproject::outermost(found),
        };
        let repository = found.with_promised(promised::access(offline));
        let settings = config::load(&repository, global.config.as_deref())?;
        let run = crate::ci::detect(&|name| std::env::var_os(name))?;
        Ok(Self {
            dir: dir.to_owned(),
            repository,
            settings,
            run,
        })
    }

    /// The services that SERVICE arguments mean.
    pub(super) fn selector(&self, services: &[OsString]) -> Result<Selector> {
        Selector::new(services, &self.repository, &self.dir)
    }

    /// The two ends that the arguments name, else the CI system, else the base branch.
    pub(super) fn ends(&self, range: Option<&str>, args: &EndsArgs, offline: bool) -> Result<Ends> {
        let range = match (range, &args.base) {
            (Some(range), _) => Some(Range::parse(range)?),
            (None, Some(base)) => Some(Range::between(base, args.head.as_deref())?),
            (None, None) => None,
        };
        let run = self.run.as_ref();
        range::resolve(
            &self.repository,
            &self.settings,
            range.as_ref(),
            run,
            offline,
        )
        .map_err(|error| self.hint_at_depth(error))
    }

    /// In a CI system's clone that is cut short, the pipeline can be mended for all runs to come.
    pub(super) fn hint_at_depth(&self, error: Error) -> Error {
        let system = self.run.as_ref().map(|run| run.system);
        let is_cut = error.exit() == Exit::Repository && self.repository.is_shallow();
        match system.and_then(|it| Some((it, it.deep_clone()?))) {
            Some((system, clone)) if is_cut => error.hint(format!("in {}: {clone}", system.name())),
            _ => error,
        }
    }
}

/// How all services are compared, by the flags that say so.
pub(super) fn compare_as<'a>(reading: &Reading, events: Events<'a>) -> ChangedOptions<'a> {
    let jobs = reading.jobs.unwrap_or_else(parallel::default_jobs);
    ChangedOptions {
        strict: reading.strict,
        ..ChangedOptions::new(jobs, reading.offline, events)
    }
}

/// Runs what may take a while, with its progress on stderr.
pub(super) fn with_progress<T>(
    output: &Output,
    work: impl FnOnce(Events<'_>) -> Result<T>,
) -> Result<T> {
    let progress = Progress::new(*output);
    let done = work(&|event| progress.event(event));
    progress.finish();
    done
}

/// Says what could not be read, and gives the exit code that the rest of the answer deserves.
pub(super) fn conclude(output: &Output, unread: &[Unread]) -> Exit {
    match Unread::error(unread) {
        None => Exit::Done,
        Some(error) => {
            error::report(output, &error);
            error.exit()
        }
    }
}

/// Warnings go to stderr whatever the result's form; JSON carries them too.
pub(super) fn print_warnings(output: &Output, warnings: &[Warning]) {
    for warning in warnings {
        output.warning(&warning.message);
    }
}

/// Says what befell each of several services; that a signal stopped them is said by the exit code.
pub(super) fn report_each<'a>(
    output: &Output,
    errors: impl Iterator<Item = (&'a BStr, Option<&'a Error>)>,
) {
    for (path, error) in errors {
        if let Some(error) = error.filter(|error| !error.exit().is_signal()) {
            error::report_of(output, path, error);
        }
    }
}
