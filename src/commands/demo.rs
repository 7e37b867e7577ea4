//! `flota demo`

use std::path::{Path, PathBuf};

use crate::{
    cli::{Cli, Command, Demo as Args, Global},
    features::demo,
    model::{
        error::{Error, Result},
        exit::Exit,
    },
    output::{Output, theme},
};

/// What runs a command of flota's own.
type Dispatch = fn(Command, &Path, &Global, &Output) -> Result<Exit>;

/// Makes the fleet, then runs the very commands that it shows.
pub(super) fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    dispatch: Dispatch,
) -> Result<Exit> {
    let root = folder(args)?;
    output.status(format!(
        "Creating a fleet of three services in {}",
        root.display()
    ));
    let fleet = demo::make(&root)?;
    output.status("Its last commit moved three pins:");
    for line in demo::STORY {
        output.status(format!("  {line}"));
    }

    let range = demo::RANGE;
    let shown = [
        vec!["changed", range],
        vec!["explain", "docs", range],
        vec!["plan", range],
        vec!["build", "--range", range],
        // Nothing is built twice.
        vec!["build", "--range", range],
    ];
    for words in shown {
        output.status(format!(
            "\n{}",
            theme::command(&format!("$ flota {}", words.join(" ")))
        ));
        let command = parse(&words)?;
        let exit = dispatch(command, &fleet, global, output)?;
        if exit != Exit::Done {
            return Ok(exit);
        }
    }
    output.status(format!("\nTry it yourself: cd {}", fleet.display()));
    Ok(Exit::Done)
}

fn parse(words: &[&str]) -> Result<Command> {
    let line = std::iter::once("flota").chain(words.iter().copied());
    let cli = <Cli as clap::Parser>::try_parse_from(line).map_err(|err| {
        Error::work("the demonstration does not know flota's own commands").because(err)
    })?;
    Ok(cli.command)
}

/// The named folder, or a temporary one that stays.
fn folder(args: &Args) -> Result<PathBuf> {
    match &args.root {
        Some(directory) => std::path::absolute(directory).map_err(|err| {
            Error::misuse(format!("`{}` is not a directory", directory.display())).because(err)
        }),
        None => tempfile::Builder::new()
            .prefix("flota-demo-")
            .tempdir()
            .map(tempfile::TempDir::keep)
            .map_err(|err| Error::unavailable("cannot create a temporary directory").because(err)),
    }
}
