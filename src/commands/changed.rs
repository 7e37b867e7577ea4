//! `flota changed`

use super::context::{Context, conclude, print_warnings, with_progress};
use crate::{
    cli::{Changed as Args, ChangedFormat},
    features::changed::{self, ChangedOptions},
    fleet::select::Selector,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let ends = context.ends(args.range.as_deref(), &args.ends, args.reading.offline)?;
    let changed = with_progress(output, |events| {
        let options = ChangedOptions {
            files: args.files,
            strict: args.reading.strict,
            jobs: args.reading.jobs.unwrap_or_else(parallel::default_jobs),
            only: &Selector::ANY,
            offline: args.reading.offline,
            events,
        };
        changed::changed(&context.repository, &context.settings, ends, options)
    })?;
    print_warnings(output, &changed.warnings);
    match args.format {
        ChangedFormat::Human => output.result(human::changed(&changed))?,
        ChangedFormat::Json => output.result(json::changed(&changed))?,
        ChangedFormat::Names => output.result(human::changed_names(&changed, args.null))?,
    }
    Ok(conclude(output, &changed.unread))
}
