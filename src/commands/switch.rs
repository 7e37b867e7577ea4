//! `flota switch`

use super::context::Context;
use crate::{
    cli::{ResultFormat, Switch as Args},
    features::switch::{self, SwitchOptions},
    model::{error::Result, exit::Exit, switch::exit},
    output::{Output, error, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let services = switch::switch(
        &context.repository,
        SwitchOptions {
            branch: &args.branch,
            create: args.create,
            selector: &context.selector(&args.services)?,
            jobs: args.jobs.unwrap_or_else(parallel::default_jobs),
            dry_run: args.dry_run,
            overwrites_ignored: args.overwrite_ignore,
        },
    )?;
    match args.format {
        ResultFormat::Human => output.result(human::switched(&services))?,
        ResultFormat::Json => output.result(json::switched(&args.branch, &services))?,
    }
    for service in &services {
        if let Some(error) = service.outcome.error() {
            error::report_of(output, service.path.as_ref(), error);
        }
    }
    if args.dry_run {
        output.dry_run();
    }
    Ok(exit(&services))
}
