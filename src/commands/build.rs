//! `flota build`

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use super::context::{Context, conclude, print_warnings, with_progress};
use crate::{
    chart,
    ci::{CiRun, Trigger, summary::SummaryPlace},
    cli::{Build as Args, Builder, ResultFormat},
    container::engine::Choice,
    features::{
        build::{self, Products},
        plan,
    },
    files,
    fleet::{changed::ChangedOptions, range},
    interrupt,
    model::{
        change::Unread,
        document::BuildV1,
        error::{Error, Result},
        event::Events,
        evidence::RunKind,
        exit::Exit,
        plan::Plan,
        report::{BuildReport, BuiltService, Status},
        settings::BuilderKind,
    },
    output::{
        Output,
        ci::{azure, summary},
        human, json,
        progress::Progress,
        report::{self, JobReport},
    },
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let options = options(args, context)?;
    let out = out(args, context)?;
    let plan = with_progress(output, |events| plan(args, context, events))?;
    let most = most_failures(args).map_or(usize::MAX, NonZeroUsize::get);
    if let Some(error) = Unread::error(&plan.unread)
        && plan.unread.len() >= most
    {
        return Err(error.hint("or build the others: flota build --keep-going"));
    }
    print_warnings(output, &plan.warnings);
    let products = if args.dry_run {
        Products::look(&out)?
    } else {
        Products::open(&out)?
    };

    let progress = Progress::new(*output);
    let built = build::build(
        &context.repository,
        &context.settings,
        plan,
        &options,
        &products,
        &|event| progress.event(event),
    );
    let logs = progress.finish();
    let report = built?;

    let json = json::build(&report);
    if !args.dry_run {
        products.write_report("build.json", &json)?;
        let part = [part(&report)];
        products.write_report("report.html", &report::page(&part))?;
        products.write_report("junit.xml", &report::junit(&part))?;
    }
    match args.format {
        ResultFormat::Human => {
            output.result(human::build(&report))?;
            let made = |service: &BuiltService| {
                service.chart.is_some() || service.log.is_some() || service.status == Status::Built
            };
            if report.services.iter().any(made) {
                output.status(format!(
                    "Products, logs, build.json and report.html are in {}",
                    out.display()
                ));
            }
        }
        ResultFormat::Json => output.result(&json)?,
    }
    logs.show_failures(&report);
    if output.dialect.is_some() {
        summarise(&report, context, output);
    }
    let exit = exit(&report);
    Ok(Exit::worst([exit, conclude(output, &report.unread)]))
}

/// What the reports of a build are made from, beside `build.json`.
fn part(report: &BuildReport) -> JobReport<'_> {
    let log = |service: &BuiltService| {
        let log = service.log.as_deref()?;
        files::excerpt(log, report::LOG_FIRST, report::LOG_LAST)
    };
    JobReport {
        name: None,
        build: BuildV1::from(report),
        logs: report.services.iter().map(log).collect(),
    }
}

/// Puts the result on the run's page. That it cannot be put there fails no build.
fn summarise(report: &BuildReport, context: &Context, output: &Output) {
    let system = context.run.as_ref().map(|run| run.system);
    let Some(place) = system.and_then(|it| SummaryPlace::of(it, &|name| std::env::var_os(name)))
    else {
        return;
    };
    let room = summary::LIMIT.saturating_sub(place.used());
    let markdown = summary::build(report, room);
    if markdown.len() > room {
        return output.warning("the summary is too large for the run's page");
    }
    match place.hand_over(&markdown, exit(report) != Exit::Done) {
        Ok(None) => {}
        Ok(Some(file)) => output.loud().status(azure::summary(&file)),
        Err(error) => output.warning(&error.to_string()),
    }
}

/// SERVICE alone means as it is at HEAD; otherwise a range decides, and SERVICE narrows it.
fn plan(args: &Args, context: &Context, events: Events<'_>) -> Result<Plan> {
    let only = context.selector(&args.services)?;
    let options = ChangedOptions {
        only: &only,
        strict: args.strict,
        ..ChangedOptions::new(
            args.jobs.unwrap_or_else(parallel::default_jobs),
            args.offline,
            events,
        )
    };
    let (repository, settings) = (&context.repository, &context.settings);
    if !args.steps.is_empty() {
        return plan::of_steps(repository, settings, &args.steps, options);
    }
    let has_range = args.range.is_some() || args.ends.base.is_some();
    if args.all || (!args.services.is_empty() && !has_range) {
        return plan::everything(repository, settings, options);
    }
    let ends = context.ends(args.range.as_deref(), &args.ends, args.offline)?;
    plan::of_changes(repository, settings, ends, options)
}

fn options(args: &Args, context: &Context) -> Result<build::BuildOptions> {
    let mut tags = args.tags.clone();
    tags.extend(context.pull_request_tag());
    Ok(build::BuildOptions {
        builder: choice(args.builder, context.settings.image.builder),
        jobs: args.jobs.unwrap_or_else(parallel::default_jobs),
        tags,
        branch: context.branch(),
        tokens: args
            .tokens
            .iter()
            .map(|token| chart::parse_token(token))
            .collect::<Result<_>>()?,
        push: args.push,
        dry_run: args.dry_run,
        strict: args.strict,
        max_failures: most_failures(args),
        offline: args.offline,
        run: run_kind(context.run.as_ref()),
    })
}

/// Whose results count for this run, and for whom its own do.
fn run_kind(run: Option<&CiRun>) -> RunKind {
    match run.map(|run| &run.trigger) {
        None => RunKind::Local,
        // What a merge queue tries is not merged yet.
        Some(Trigger::PullRequest(_) | Trigger::MergeQueue { .. }) => RunKind::PullRequest,
        Some(Trigger::Push { .. } | Trigger::Tag { .. } | Trigger::Other { .. }) => RunKind::Branch,
    }
}

/// One failure ends the run unless the user says otherwise.
fn most_failures(args: &Args) -> Option<NonZeroUsize> {
    match (args.keep_going, args.max_failures) {
        (true, _) => None,
        (false, most) => Some(most.unwrap_or(NonZeroUsize::MIN)),
    }
}

/// Absolute, since the report's readers may stand elsewhere.
fn out(args: &Args, context: &Context) -> Result<PathBuf> {
    let unusable = |path: &Path, err| {
        Error::misuse(format!("`{}` cannot be used", path.display())).because(err)
    };
    match (&args.out, context.repository.work_dir()) {
        (Some(out), _) => std::path::absolute(out).map_err(|err| unusable(out, err)),
        // However the worktree was found (`../..`), its path is to be read.
        (None, Some(root)) => {
            let root = root.canonicalize().map_err(|err| unusable(root, err))?;
            Ok(root.join(".flota"))
        }
        (None, None) => Err(
            Error::misuse("a bare repository has no worktree for products")
                .hint("name a directory: flota build --out DIR"),
        ),
    }
}

fn choice(flag: Option<Builder>, configured: BuilderKind) -> Choice {
    match (flag, configured) {
        (Some(Builder::Auto), _) | (None, BuilderKind::Auto) => Choice::Auto,
        (Some(Builder::Docker), _) | (None, BuilderKind::Docker) => Choice::Docker,
        (Some(Builder::Podman), _) | (None, BuilderKind::Podman) => Choice::Podman,
        (Some(Builder::Buildah), _) | (None, BuilderKind::Buildah) => Choice::Buildah,
        (Some(Builder::Buildx), _) | (None, BuilderKind::Buildx) => Choice::Buildx,
        (Some(Builder::Embedded), _) | (None, BuilderKind::Embedded) => Choice::Embedded,
    }
}

/// The worst of what happened ([`Exit::worst`]).
fn exit(report: &BuildReport) -> Exit {
    if let Some(signal) = interrupt::pending() {
        return signal;
    }
    let errors = report
        .services
        .iter()
        .filter_map(|s| Some(s.error.as_ref()?.exit()));
    match Exit::worst(errors) {
        Exit::Done if report.count(Status::Failed) > 0 => Exit::WorkFailed,
        exit => exit,
    }
}

impl Context {
    /// The branch this run is about: what the CI system says, else the one that is checked out.
    fn branch(&self) -> Option<String> {
        range::own_branch(&self.repository, self.run.as_ref())
    }

    /// A pull request's images are tagged with it.
    fn pull_request_tag(&self) -> Option<String> {
        match &self.run.as_ref()?.trigger {
            Trigger::PullRequest(request) => request.number.map(|number| format!("pr-{number}")),
            _ => None,
        }
    }
}
