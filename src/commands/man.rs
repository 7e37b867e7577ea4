//! `flota man`

use clap::CommandFactory;

use crate::{
    cli::{Cli, Man as Args},
    features::man,
    model::{error::Result, exit::Exit},
    output::Output,
};

pub(super) fn run(args: &Args, output: &Output) -> Result<Exit> {
    match &args.folder {
        Some(folder) => man::write(Cli::command(), folder)?,
        None => output.result(man::page(Cli::command())?)?,
    }
    Ok(Exit::Done)
}
