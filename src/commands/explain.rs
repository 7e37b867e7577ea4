//! `flota explain`

use super::{context::Context, report::with_progress};
use crate::{
    cli::{Explain as Args, ResultFormat},
    features::explain,
    fleet::changed::Options,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let ends = context.ends(args.range.as_deref(), &args.ends, args.offline)?;
    let (repository, settings) = (&context.repository, &context.settings);
    let explanation = with_progress(output, |events| {
        let options = Options {
            files: false,
            strict: false,
            jobs: parallel::default_jobs(),
            only: &[],
            offline: args.offline,
            events,
        };
        explain::explain(repository, settings, ends, &args.service, options)
    })?;
    match args.format {
        ResultFormat::Human => output.result(human::explanation(&explanation))?,
        ResultFormat::Json => output.result(json::explanation(&explanation))?,
    }
    Ok(Exit::Done)
}
