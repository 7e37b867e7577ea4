//! `flota push`

use super::{
    context::{Context, report_each, with_progress},
    transfer::CHILDREN,
};
use crate::{
    cli::{Push as Args, ResultFormat},
    features::push::{self, PushOptions},
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let selector = context.selector(&args.services)?;
    let pushed = with_progress(output, |events| {
        let options = PushOptions {
            selector: &selector,
            jobs: args.jobs.unwrap_or(CHILDREN),
            dry_run: args.dry_run,
            events,
        };
        push::push(&context.repository, options)
    })?;
    match args.format {
        ResultFormat::Human => output.result(human::pushed(&pushed))?,
        ResultFormat::Json => output.result(json::pushed(&pushed))?,
    }
    let services = pushed.services.iter();
    let services = services.map(|one| (one.path.as_ref(), one.outcome.error()));
    let fleet = (human::FLEET.into(), pushed.fleet.outcome.error());
    report_each(output, services.chain([fleet]));
    if args.dry_run {
        output.dry_run();
    }
    Ok(pushed.exit())
}
