//! `flota explain`

use bstr::BStr;

use super::context::{Context, with_progress};
use crate::{
    cli::{Explain as Args, ResultFormat},
    features::explain,
    fleet::changed::ChangedOptions,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let ends = context.ends(args.range.as_deref(), &args.ends, args.offline)?;
    let only = context.selector(std::slice::from_ref(&args.service))?;
    let asked = BStr::new(args.service.as_encoded_bytes());
    let (repository, settings) = (&context.repository, &context.settings);
    let explanation = with_progress(output, |events| {
        let options = ChangedOptions {
            only: &only,
            ..ChangedOptions::new(parallel::default_jobs(), args.offline, events)
        };
        explain::explain(repository, settings, ends, asked, options)
    })?;
    match args.format {
        ResultFormat::Human => output.result(human::explanation(&explanation))?,
        ResultFormat::Json => output.result(json::explanation(&explanation))?,
    }
    Ok(Exit::Done)
}
