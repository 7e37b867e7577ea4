//! `flota completions`

use crate::{
    cli::{Completions as Args, parse::command},
    features::completions,
    model::{error::Result, exit::Exit},
    output::Output,
};

pub(super) fn run(args: &Args, output: &Output) -> Result<Exit> {
    output.result(completions::script(args.shell, command()))?;
    Ok(Exit::Done)
}
