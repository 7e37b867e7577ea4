//! `flota record`

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::context::{Context, with_progress};
use crate::{
    cli::{Record as Args, ResultFormat},
    features::record::{self, Documents, RecordRequest},
    files,
    fleet::range,
    model::{
        error::{Error, Result},
        exit::Exit,
    },
    output::{
        Output, human, json,
        report::{self, JobReport},
    },
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let reports = reports(args, context)?;
    let documents = Documents::read(&reports)?;
    if let Some(out) = &args.out {
        write_reports(&reports, out)?;
    }
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

/// Reports the builds of all jobs together. They lack logs, which stay with the jobs.
fn write_reports(reports: &[PathBuf], out: &Path) -> Result<()> {
    let builds = record::builds(reports)?;
    let is_one = builds.len() == 1;
    let part = |(name, build)| JobReport {
        name: (!is_one).then_some(name),
        build,
        logs: Vec::new(),
    };
    let parts: Vec<_> = builds.into_iter().map(part).collect();
    fs::create_dir_all(out).map_err(|err| files::cannot("create", out, err))?;
    for (name, text) in [
        ("report.html", report::page(&parts)),
        ("junit.xml", report::junit(&parts)),
    ] {
        let file = out.join(name);
        files::write(&file, text.as_bytes()).map_err(|err| files::cannot("write", &file, err))?;
    }
    Ok(())
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
