//! `flota commit`

use super::context::{Context, report_each};
use crate::{
    cli::{Commit as Args, ResultFormat},
    features::commit::{self, CommitOptions},
    model::{error::Result, exit::Exit},
    output::{Output, error, human, json, text},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let committed = commit::commit(
        &context.repository,
        CommitOptions {
            message: &args.messages.join("\n\n"),
            selector: &context.selector(&args.services)?,
            jobs: args.jobs.unwrap_or_else(parallel::default_jobs),
            dry_run: args.dry_run,
        },
    )?;
    match args.format {
        ResultFormat::Human => output.result(human::committed(&committed))?,
        ResultFormat::Json => output.result(json::committed(&committed))?,
    }
    let services = committed.services.iter();
    report_each(
        output,
        services.map(|one| (one.path.as_ref(), one.outcome.error())),
    );
    if let Some(err) = committed.pins.error() {
        error::report(output, err);
    }
    for path in committed.pins.staged() {
        output.warning(&format!(
            "{} is new in the fleet: its pin is staged, to be committed with .gitmodules",
            text::name(path.as_ref())
        ));
    }
    if args.dry_run {
        output.dry_run();
    }
    Ok(committed.exit())
}
