//! `flota templates`

use crate::{
    cli::{ResultFormat, Templates as Args},
    features::templates,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, output: &Output) -> Result<Exit> {
    let templates = templates::list()?;
    match args.format {
        ResultFormat::Human => output.result(human::templates(&templates))?,
        ResultFormat::Json => output.result(json::templates(&templates))?,
    }
    Ok(Exit::Done)
}
