//! `flota init`

use std::path::Path;

use crate::{
    cli::{Init as Args, ResultFormat},
    features::init,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, dir: &Path, output: &Output) -> Result<Exit> {
    let root = args.root.as_deref().unwrap_or(dir);
    let initialised = init::init(root)?;
    match args.format {
        ResultFormat::Human => {
            output.result(human::initialised(&initialised))?;
            output.status(human::after_init(&initialised));
        }
        ResultFormat::Json => output.result(json::initialised(&initialised))?,
    }
    Ok(Exit::Done)
}
