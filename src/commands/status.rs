//! `flota status`

use super::context::Context;
use crate::{
    cli::{ResultFormat, Status as Args},
    features::status,
    model::{error::Result, exit::Exit},
    output::{Output, error, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let jobs = args.jobs.unwrap_or_else(parallel::default_jobs);
    let found = status::status(
        &context.repository,
        &context.selector(&args.services)?,
        jobs,
    )?;
    match args.format {
        ResultFormat::Human => output.result(human::status(&found, args.all))?,
        ResultFormat::Json => output.result(json::status(&found))?,
    }
    let mut exit = Exit::Done;
    for service in found
        .services
        .iter()
        .flat_map(|one| std::iter::once(one).chain(&one.nested))
    {
        if let Some(unreadable) = service.state.error() {
            error::report_of(output, service.path.as_ref(), unreadable);
            exit = Exit::Repository;
        }
    }
    for leftover in &found.leftovers {
        if let Some(err) = &leftover.error {
            error::report_of(output, leftover.path.as_ref(), err);
            exit = Exit::Repository;
        }
    }
    Ok(exit)
}
