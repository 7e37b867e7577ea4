//! Floor 4: one file a command. Here they only part ways.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    ci::CiRun,
    cli::{Command, Ends as EndsArgs, Global},
    config,
    fleet::{
        range::{self, Ends},
        select::Selector,
    },
    git::repository::Repository,
    model::{
        change::{Unread, Warning},
        error::Result,
        event::Events,
        exit::Exit,
        range::Range,
        settings::Settings,
    },
    output::{Output, error, progress::Progress},
};

mod build;
mod bump;
mod cache;
mod changed;
mod check;
mod ci;
mod clone;
mod completions;
mod demo;
mod explain;
mod foreach;
mod help;
mod init;
mod man;
mod new;
mod plan;
mod record;
mod resolve;
mod status;
mod switch;
mod template;
mod templates;
mod update;

/// Runs one command, in `dir`; `-C` has been followed by then.
pub fn dispatch(command: Command, dir: &Path, global: &Global, output: &Output) -> Result<Exit> {
    let open = || Context::open(dir, global);
    match command {
        Command::Changed(args) => changed::run(&args, &open()?, output),
        Command::Plan(args) => plan::run(&args, &open()?, output),
        Command::Explain(args) => explain::run(&args, &open()?, output),
        Command::Check(args) => check::run(&args, &open()?, output),
        Command::Build(args) => build::run(&args, &open()?, output),
        Command::Record(args) => record::run(&args, &open()?, output),
        Command::Clone(args) => clone::run(&args, output),
        Command::Update(args) => update::run(&args, &open()?, output),
        Command::Status(args) => status::run(&args, &open()?, output),
        Command::Foreach(args) => foreach::run(&args, &open()?, output),
        Command::Bump(args) => bump::run(&args, &open()?, output),
        Command::Switch(args) => switch::run(&args, &open()?, output),
        Command::Resolve(args) => resolve::run(&args, &open()?, output),
        Command::Ci(args) => ci::run(&args, &open()?, output),
        Command::Cache(args) => cache::run(&args, &open()?, output),
        Command::Init(args) => init::run(&args, dir, output),
        Command::New(args) => new::run(&args, &open()?, output),
        Command::Template(args) => template::run(&args, &open()?, output),
        Command::Templates(args) => templates::run(&args, output),
        Command::Demo(args) => demo::run(&args, global, output),
        Command::Completions(args) => completions::run(&args, output),
        Command::Man(args) => man::run(&args, output),
        Command::Help(args) => help::run(&args, output),
    }
}

/// What every command over a repository needs.
struct Context {
    /// Where the user stands.
    dir: PathBuf,
    repository: Repository,
    settings: Settings,
    run: Option<CiRun>,
}

impl Context {
    fn open(dir: &Path, global: &Global) -> Result<Self> {
        let repository = Repository::discover(dir)?;
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
    fn selector(&self, services: &[OsString]) -> Result<Selector> {
        Selector::new(services, &self.repository, &self.dir)
    }

    /// The two ends that the arguments name, else the CI system, else the base branch.
    fn ends(&self, range: Option<&str>, args: &EndsArgs, offline: bool) -> Result<Ends> {
        let range = match (range, &args.base) {
            (Some(range), _) => Some(Range::parse(range)?),
            (None, Some(base)) => Some(Range::between(base, args.head.as_deref())?),
            (None, None) => None,
        };
        range::resolve(
            &self.repository,
            &self.settings,
            range.as_ref(),
            self.run.as_ref(),
            offline,
        )
    }
}

/// Runs what may take a while, with its progress on stderr.
fn with_progress<T>(output: &Output, work: impl FnOnce(Events<'_>) -> Result<T>) -> Result<T> {
    let progress = Progress::new(*output);
    let done = work(&|event| progress.event(event));
    progress.finish();
    done
}

/// Says what could not be read, and gives the exit code that the rest of the answer deserves.
fn conclude(output: &Output, unread: &[Unread]) -> Exit {
    match Unread::error(unread) {
        None => Exit::Done,
        Some(error) => {
            error::report(output, &error);
            error.exit()
        }
    }
}

/// Warnings go to stderr whatever the result's form; JSON carries them too.
fn print_warnings(output: &Output, warnings: &[Warning]) {
    for warning in warnings {
        output.warning(&warning.message);
    }
}
