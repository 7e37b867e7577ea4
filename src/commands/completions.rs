//! `flota completions`

use clap::CommandFactory;

use crate::{
    cli::{Cli, Completions as Args},
    features::completions,
    model::{error::Result, exit::Exit},
    output::Output,
};

pub(super) fn run(args: &Args, output: &Output) -> Result<Exit> {
    output.result(completions::script(args.shell, Cli::command()))?;
    Ok(Exit::Done)
}
