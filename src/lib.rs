//! flota: the Git-native manager for a fleet of services, one repository each, linked as submodules.
//!
//! The crate is a house with floors; imports go downward only (`tests/architecture.rs` holds that):
//!
//! 5. entry: [`run`] here, and [`cli`], the command line's types;
//! 4. [`commands`]: arguments → feature → output, one file a command; [`output`], the only place that prints;
//! 3. [`features`]: the work; returns values and emits events;
//! 2. adapters to the outside world: [`git`], [`http`], [`container`], [`chart`], [`registry`], [`ci`], [`config`],
//!    [`templates`], [`process`]; below them the ground that they share: [`files`], [`interrupt`], [`parallel`];
//! 1. [`model`]: pure data and rules.

#![warn(unreachable_pub)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

use std::{ffi::OsString, io, path::Path};

use log::LevelFilter;

pub mod chart;
mod ci;
pub mod cli;
mod commands;
pub mod config;
pub mod container;
mod features;
mod files;
pub mod fleet;
pub mod git;
mod http;
pub mod interrupt;
pub mod model;
mod output;
mod parallel;
pub mod process;
pub mod registry;
pub mod templates;

use cli::{ColorWhen, Global};
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
    if let Some(version) = version(&args) {
        return printed(output::write(version));
    }
    let cli = match cli::parse::parse(&args) {
        Ok(cli) => cli,
        // Help and version are results; the rest is misuse. clap prints either to the right stream.
        Err(said) if said.use_stderr() => {
            let _ = said.print();
            if let Some(fault) = cli::parse::json_fault(&args, &said) {
                output::error::answer(&fault);
            }
            return Exit::Misuse;
        }
        Err(said) => return printed(said.print()),
    };
    let output = speak(&cli.global);
    let is_json = cli.command.is_json();
    let outcome = log_level(&cli.global, std::env::var_os(LOG))
        .map(output::log::install)
        .and_then(|()| process::settle_environment(&args))
        .and_then(|()| interrupt::install(process::kill_all))
        .inspect(|()| process::watchdog::enable())
        .inspect(|()| git::network::question::install(output::log::aside))
        .and_then(|()| enter(&cli.global))
        .and_then(|()| commands::dispatch(cli.command, Path::new("."), &cli.global, &output));
    for warning in git::url::warnings() {
        output.warning(&warning);
    }
    outcome.unwrap_or_else(|error| {
        output::error::report(&output, &error);
        if is_json {
            output::error::answer(&error);
        }
        error.exit()
    })
}

/// What clap answers to these arguments, if they ask for the version alone: there is no need to lay out all commands for it.
fn version(args: &[OsString]) -> Option<String> {
    let asked = matches!(args, [_, only] if only == "--version" || only == "-V");
    asked.then(|| format!("flota {}\n", cli::VERSION))
}

/// The exit code of help and version.
fn printed(result: io::Result<()>) -> Exit {
    match result {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Misuse,
    }
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
        verbose: global.verbose > 0,
        bars,
        dialect: system.and_then(dialect).filter(|_| !global.no_ci_commands),
    }
}

/// The variable that says how much is logged, for CI systems, where a job's command line is not at hand.
const LOG: &str = "FLOTA_LOG";

/// What `-v`, `-vv` or the variable ask for, whichever is more.
fn log_level(global: &Global, variable: Option<OsString>) -> Result<LevelFilter> {
    let flag = match global.verbose {
        0 => LevelFilter::Off,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    let level = match variable
        .as_ref()
        .map(|value| value.to_string_lossy())
        .as_deref()
    {
        None | Some("" | "off") => LevelFilter::Off,
        Some("info") => LevelFilter::Info,
        Some("debug") => LevelFilter::Debug,
        Some(other) => {
            let message = format!("{LOG} is `{other}`, which is not a level of the log");
            return Err(Error::misuse(message).hint("the levels are off, info and debug"));
        }
    };
    Ok(level.max(flag))
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

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn the_version_is_what_clap_says() {
        for flag in ["--version", "-V"] {
            let args = ["flota", flag].map(OsString::from);
            let said = cli::parse::parse(&args).unwrap_err();
            assert_eq!(said.kind(), ErrorKind::DisplayVersion);
            assert_eq!(version(&args), Some(said.to_string()));
        }
        for other in [
            &["flota"][..],
            &["flota", "-v"],
            &["flota", "--version", "-q"],
            &["--version"],
        ] {
            let args: Vec<_> = other.iter().map(OsString::from).collect();
            assert_eq!(version(&args), None, "{other:?}");
        }
    }
}
