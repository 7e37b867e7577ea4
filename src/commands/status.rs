//! `flota status`

use super::context::Context;
use crate::{
    cli::{ResultFormat, Status as Args},
    features::status,
    model::{error::Result, exit::Exit, status::ServiceState},
    output::{Output, error, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let jobs = args.jobs.unwrap_or_else(parallel::default_jobs);
    let services = status::status(
        &context.repository,
        &context.selector(&args.services)?,
        jobs,
    )?;
    match args.format {
        ResultFormat::Human => output.result(human::status(&services, args.all))?,
        ResultFormat::Json => output.result(json::status(&services))?,
    }
    let mut exit = Exit::Done;
    for service in services
        .iter()
        .flat_map(|one| std::iter::once(one).chain(&one.nested))
    {
        if let ServiceState::Unreadable(err) = &service.state {
            error::report_of(output, service.path.as_ref(), err);
            exit = Exit::Repository;
        }
    }
    Ok(exit)
}
