//! `flota changed`

use super::context::{Context, compare_as, conclude, print_warnings, with_progress};
use crate::{
    cli::{Changed as Args, ChangedFormat},
    features::changed::{self, ChangedOptions},
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let ends = context.ends(args.range.as_deref(), &args.ends, args.reading.offline)?;
    let changed = with_progress(output, |events| {
        let options = ChangedOptions {
            files: args.files,
            ..compare_as(&args.reading, events)
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
