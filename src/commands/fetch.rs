//! `flota fetch`

use super::{
    context::{Context, report_each, with_progress},
    transfer::CHILDREN,
};
use crate::{
    cli::{Fetch as Args, ResultFormat},
    features::fetch::{self, FetchOptions},
    fleet::choices::jobs_of_fetch,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let selector = context.selector(&args.services)?;
    let jobs = match args.jobs {
        Some(jobs) => Some(jobs),
        None => jobs_of_fetch(&context.repository)?,
    };
    let fetched = with_progress(output, |events| {
        let options = FetchOptions {
            selector: &selector,
            jobs: jobs.unwrap_or(CHILDREN),
            dry_run: args.dry_run,
            events,
        };
        fetch::fetch(&context.repository, &options)
    })?;
    match args.format {
        ResultFormat::Human => output.result(human::fetched(&fetched))?,
        ResultFormat::Json => output.result(json::fetched(&fetched))?,
    }
    let services = fetched.services.iter();
    let services = services.map(|one| (one.path.as_ref(), one.outcome.error()));
    let fleet = fetched.fleet.iter();
    let fleet = fleet.map(|one| (human::FLEET.into(), one.outcome.error()));
    report_each(output, services.chain(fleet));
    if args.dry_run {
        output.dry_run();
    }
    Ok(fetched.exit())
}
