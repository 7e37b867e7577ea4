//! `flota log`

use super::context::{Context, compare_as, conclude, print_warnings, with_progress};
use crate::{
    cli::{Log as Args, ReportFormat},
    features::log,
    fleet::changed::ChangedOptions,
    model::{error::Result, exit::Exit},
    output::{Output, human, json, markdown},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let ends = context.ends(args.range.as_deref(), &args.ends, args.reading.offline)?;
    let selector = context.selector(&args.services)?;
    let logged = with_progress(output, |events| {
        let options = ChangedOptions {
            only: &selector,
            ..compare_as(&args.reading, events)
        };
        let (repository, settings) = (&context.repository, &context.settings);
        log::log(repository, settings, ends, args.max_count, options)
    })?;
    print_warnings(output, &logged.warnings);
    match args.format {
        ReportFormat::Human => output.result(human::logged(&logged))?,
        ReportFormat::Markdown => output.result(markdown::log(&logged))?,
        ReportFormat::Json => output.result(json::logged(&logged))?,
    }
    Ok(conclude(output, &logged.unread))
}
