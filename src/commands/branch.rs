//! `flota branch`

use super::context::{Context, report_each};
use crate::{
    cli::{Branch as Args, ResultFormat},
    features::branch::{self, BranchOptions},
    model::{
        branch::exit,
        error::{Error, Result},
        exit::Exit,
    },
    output::{Output, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let options = BranchOptions {
        selector: &context.selector(&args.services)?,
        jobs: args.jobs.unwrap_or_else(parallel::default_jobs),
        dry_run: args.dry_run,
    };
    let repository = &context.repository;
    let done = match (&args.branch, args.delete) {
        (None, false) => return list(args, &options, context, output),
        (Some(name), false) => branch::create(repository, name, &options)?,
        (name, true) => branch::delete(repository, name.as_deref(), &options)?,
    };
    match args.format {
        ResultFormat::Human => output.result(human::changed_branches(&done))?,
        ResultFormat::Json => output.result(json::changed_branches(&done))?,
    }
    let errors = done.iter();
    report_each(
        output,
        errors.map(|one| (one.path.as_ref(), one.outcome.error())),
    );
    if args.dry_run {
        output.dry_run();
    }
    Ok(exit(&done))
}

fn list(
    args: &Args,
    options: &BranchOptions<'_>,
    context: &Context,
    output: &Output,
) -> Result<Exit> {
    let found = branch::list(&context.repository, options)?;
    match args.format {
        ResultFormat::Human => output.result(human::branches(&found))?,
        ResultFormat::Json => output.result(json::branches(&found))?,
    }
    let errors = found.iter();
    report_each(
        output,
        errors.map(|one| (one.path.as_ref(), one.branches.as_ref().err())),
    );
    let errors = found.iter().filter_map(|one| one.branches.as_ref().err());
    Ok(Exit::worst(errors.map(Error::exit)))
}
