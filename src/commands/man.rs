//! `flota man`

use crate::{
    cli::{Man as Args, TOPICS, parse::command},
    features::man,
    model::{error::Result, exit::Exit},
    output::Output,
};

pub(super) fn run(args: &Args, output: &Output) -> Result<Exit> {
    match &args.dir {
        Some(dir) => man::write(command(), &TOPICS, dir)?,
        None => output.result(man::page(command(), &TOPICS)?)?,
    }
    Ok(Exit::Done)
}
