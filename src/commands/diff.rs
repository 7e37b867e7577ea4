//! `flota diff`

use super::context::{Context, compare_as, conclude, print_warnings, with_progress};
use crate::{
    cli::{Diff as Args, DiffFormat},
    features::diff,
    fleet::changed::ChangedOptions,
    model::{error::Result, exit::Exit},
    output::{Output, human, json, markdown},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let ends = context.ends(args.range.as_deref(), &args.ends, args.reading.offline)?;
    let selector = context.selector(&args.services)?;
    let mut diffs = with_progress(output, |events| {
        let options = ChangedOptions {
            only: &selector,
            ..compare_as(&args.reading, events)
        };
        diff::diff(&context.repository, &context.settings, ends, options)
    })?;
    if args.stat {
        for service in &mut diffs.services {
            service.patch.clear();
        }
    }
    print_warnings(output, &diffs.warnings);
    match args.format {
        DiffFormat::Human => output.result(human::diffs(&diffs))?,
        DiffFormat::Patch => {
            let patches = diffs.services.iter().map(|service| &service.patch[..]);
            output.result(patches.collect::<Vec<_>>().concat())?;
        }
        DiffFormat::Markdown => output.result(markdown::diff(&diffs))?,
        DiffFormat::Json => output.result(json::diffs(&diffs))?,
    }
    Ok(conclude(output, &diffs.unread))
}
