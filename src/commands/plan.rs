//! `flota plan`

use super::{Context, conclude, print_warnings, with_progress};
use crate::{
    cli::{Plan as Args, ResultFormat},
    features::{changed::Options, plan},
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let (repository, settings) = (&context.repository, &context.settings);
    let plan = with_progress(output, |events| {
        let options = Options {
            files: false,
            strict: args.reading.strict,
            jobs: args.reading.jobs.unwrap_or_else(parallel::default_jobs),
            only: &[],
            offline: args.reading.offline,
            events,
        };
        if args.all {
            return plan::everything(repository, settings, options);
        }
        let ends = context.ends(args.range.as_deref(), &args.ends, args.reading.offline)?;
        plan::of_changes(repository, settings, ends, options)
    })?;
    print_warnings(output, &plan.warnings);
    match args.format {
        ResultFormat::Human => output.result(human::plan(&plan))?,
        ResultFormat::Json => output.result(json::plan(&plan))?,
    }
    Ok(conclude(output, &plan.unread))
}
