//! `flota switch`

use std::ffi::OsString;

use super::{context::Context, transfer};
use crate::{
    cli::{ResultFormat, Switch as Args},
    features::switch::{self, SwitchOptions},
    model::{error::Result, exit::Exit, switch::exit},
    output::{Output, error, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let selector = context.selector(&args.services)?;
    let services = switch::switch(
        &context.repository,
        SwitchOptions {
            branch: &args.branch,
            create: args.create,
            selector: &selector,
            jobs: args.jobs.unwrap_or_else(parallel::default_jobs),
            // Their own submodules are few, and most are in step: there is no progress to show.
            sync: transfer::defaults(args.jobs, &|_| ()),
            dry_run: args.dry_run,
            overwrites_ignored: args.overwrite_ignore,
        },
    )?;
    match args.format {
        ResultFormat::Human => output.result(human::switched(&services))?,
        ResultFormat::Json => output.result(json::switched(&args.branch, &services))?,
    }
    let mut stopped = 0;
    for service in &services {
        match service.outcome.error() {
            Some(error) if error.exit().is_signal() => stopped += 1,
            Some(error) => error::report_of(output, service.path.as_ref(), error),
            None => {}
        }
        stopped += transfer::report(output, &service.nested);
    }
    let exit = exit(&services);
    if stopped > 0 {
        let nested = services.iter().map(|service| service.nested.len());
        let all = services.len() + nested.sum::<usize>();
        let again = transfer::quoted(&again(args));
        transfer::interrupted(output, exit, (stopped, all), &again);
    }
    if args.dry_run {
        output.dry_run();
    }
    Ok(exit)
}

/// The command line that was given.
fn again(args: &Args) -> Vec<OsString> {
    let create = args.create.then_some("--create");
    let words = ["flota", "switch"].into_iter().chain(create);
    let words = words
        .chain(["--", args.branch.as_str()])
        .map(OsString::from);
    words.chain(args.services.iter().cloned()).collect()
}
