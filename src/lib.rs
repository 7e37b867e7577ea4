//! flota: the Git-native manager for a fleet of services, one repository each, linked as submodules.
//!
//! The crate is a house with floors; imports go downward only (`tests/architecture.rs` holds that):
//!
//! 5. entry: [`run`] here, and [`cli`], the command line's types;
//! 4. [`commands`]: arguments → feature → output, one file a command; [`output`], the only place that prints;
//! 3. [`features`]: the work; returns values and emits events;
//! 2. adapters to the outside world: [`git`], [`http`], [`container`], [`chart`], [`registry`], [`ci`], [`config`],
//!    [`templates`], [`process`], [`interrupt`], [`parallel`];
//! 1. [`model`]: pure data and rules.

use std::{ffi::OsString, path::Path};

use clap::Parser;

pub mod chart;
pub mod ci;
pub mod cli;
pub mod commands;
pub mod config;
pub mod container;
pub mod features;
pub mod fleet;
pub mod git;
pub mod http;
pub mod interrupt;
pub mod model;
pub mod output;
pub mod parallel;
pub mod process;
pub mod registry;
pub mod templates;

use cli::{Cli, ColorWhen, Global};
use model::{
    error::{Error, Result},
    exit::Exit,
};
use output::Output;
use output::ci::log_commands::Dialect;

/// The whole program: parse, dispatch, report. `args` begins with the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    if process::watchdog::is_meant(&args) {
        process::watchdog::watch();
        return Exit::Done;
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        // Help and version are results; the rest is misuse. clap prints either to the right stream.
        Err(said) => {
            let printed = said.print();
            return if said.use_stderr() || printed.is_err() {
                Exit::Misuse
            } else {
                Exit::Done
            };
        }
    };
    let output = speak(&cli.global);
    let outcome = process::shed_repository_variables(&args)
        .and_then(|()| interrupt::install(process::kill_all))
        .inspect(|()| process::watchdog::enable())
        .and_then(|()| enter(&cli.global))
        .and_then(|()| commands::dispatch(cli.command, Path::new("."), &cli.global, &output));
    outcome.unwrap_or_else(|error| {
        output::error::report(&output, &error);
        error.exit()
    })
}

fn speak(global: &Global) -> Output {
    match global.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => output::theme::force_colors(true),
        ColorWhen::Never => output::theme::force_colors(false),
    }
    let system = ci::system(&|name| std::env::var_os(name));
    let terminal = console::user_attended_stderr();
    let bars = terminal && !global.no_progress && !global.quiet;
    Output {
        quiet: global.quiet,
        verbose: global.verbose,
        bars,
        dialect: system.and_then(dialect).filter(|_| !global.no_ci_commands),
    }
}

/// How the log of a system is spoken to; Jenkins' is text.
fn dialect(system: ci::System) -> Option<Dialect> {
    match system {
        ci::System::GitHub => Some(Dialect::GitHub),
        ci::System::Azure => Some(Dialect::Azure),
        ci::System::GitLab => Some(Dialect::GitLab),
        ci::System::Buildkite => Some(Dialect::Buildkite),
        ci::System::Jenkins => None,
    }
}

/// `-C DIR`, as git has it: every other path is relative to there.
fn enter(global: &Global) -> Result<()> {
    let Some(directory) = &global.directory else {
        return Ok(());
    };
    std::env::set_current_dir(directory).map_err(|err| {
        Error::misuse(format!("cannot work in `{}`", directory.display())).because(err)
    })
}
