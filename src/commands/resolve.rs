//! `flota resolve`

use super::context::Context;
use crate::{
    cli::{Resolve as Args, ResultFormat},
    features::resolve,
    model::{error::Result, exit::Exit, resolve::exit},
    output::{Output, error, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let jobs = args.jobs.unwrap_or_else(parallel::default_jobs);
    let conflicts = resolve::plan(
        &context.repository,
        &context.selector(&args.services)?,
        jobs,
    )?;
    let is_staged = !args.dry_run && conflicts.iter().any(|one| one.pin().is_some());
    if is_staged {
        resolve::stage(&context.repository, &conflicts)?;
    }
    let exit = exit(&conflicts);
    let next = match is_staged && exit == Exit::Done {
        true => Some(resolve::next_step(&context.repository)),
        false => None,
    };
    match args.format {
        ResultFormat::Human => output.result(human::conflicts(&conflicts))?,
        ResultFormat::Json => output.result(json::conflicts(&conflicts))?,
    }
    for conflict in &conflicts {
        if let Some(open) = conflict.error() {
            error::report_of(output, conflict.path.as_ref(), open);
        }
    }
    if args.dry_run {
        output.dry_run();
    }
    if let Some(next) = next {
        output.status(format!(
            "Staged; continue with {next}, then run flota update to check out the new pins."
        ));
    }
    Ok(exit)
}
