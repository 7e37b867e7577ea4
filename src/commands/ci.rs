//! `flota ci`

use super::context::Context;
use crate::{
    cli::{Ci as Args, ResultFormat},
    features::ci::Pipelines,
    model::{error::Result, exit::Exit, pipeline::Found},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let system = args.system.word();
    let pipelines = Pipelines::of(&context.repository, &context.settings, system)?;
    let files = match args.check {
        true => pipelines.compare()?,
        false => pipelines.write(args.force)?,
    };
    match args.format {
        ResultFormat::Human => output.result(human::pipelines(&files, !args.check))?,
        ResultFormat::Json => output.result(json::pipelines(&files, !args.check))?,
    }
    if args.check && files.iter().any(|file| file.found != Found::Same) {
        output.status(format!("hint: write them: flota ci {system}"));
        return Ok(Exit::WorkFailed);
    }
    Ok(Exit::Done)
}
