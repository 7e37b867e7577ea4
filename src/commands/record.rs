//! `flota record`

use std::path::PathBuf;

use super::context::{Context, with_progress};
use crate::{
    cli::{Record as Args, ResultFormat},
    features::record::{self, Documents, RecordRequest},
    fleet::range,
    model::{
        error::{Error, Result},
        exit::Exit,
    },
    output::{Output, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let documents = Documents::read(&reports(args, context)?)?;
    let run = context.run.as_ref();
    let own_branch = || range::own_branch(&context.repository, run);
    let name = args.name.clone().or_else(own_branch).ok_or_else(|| {
        Error::misuse(
            "this run is not on a branch, so the name to record its success under is not known",
        )
        .hint("name a branch or an environment: flota record --for main")
    })?;
    let recorded = with_progress(output, |events| {
        let request = RecordRequest {
            name: &name,
            documents: &documents,
            base: args.base.as_deref().filter(|base| !base.is_empty()),
            push: args.push,
            offline: args.offline,
            jobs: args.jobs.unwrap_or_else(parallel::default_jobs),
            run,
            events,
        };
        record::record(&context.repository, &context.settings, &request)
    })
    .map_err(|error| context.hint_at_depth(error))?;
    match args.format {
        ResultFormat::Human => output.result(human::recorded(&recorded))?,
        ResultFormat::Json => output.result(json::recorded(&recorded))?,
    }
    Ok(Exit::Done)
}

/// Where `flota build` leaves its report, when none is named.
fn reports(args: &Args, context: &Context) -> Result<Vec<PathBuf>> {
    if !args.reports.is_empty() || args.base.is_some() {
        return Ok(args.reports.clone());
    }
    let report = context
        .repository
        .work_dir()
        .map(|root| root.join(".flota").join("build.json"))
        .filter(|report| report.is_file());
    report.map(|report| vec![report]).ok_or_else(|| {
        Error::misuse("no build report was found here")
            .hint("build first: flota build --base last-success")
            .hint("or name the reports of a run: flota record plan.json legs/")
    })
}
