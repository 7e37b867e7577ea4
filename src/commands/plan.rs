//! `flota plan`

use std::path::Path;

use super::context::{Context, compare_as, conclude, print_warnings, with_progress};
use crate::{
    cli::{Plan as Args, PlanFormat},
    features::plan,
    fleet::image_edges::Reading,
    model::{
        change::Unread,
        error::{Error, Result},
        event::Events,
        exit::Exit,
        leg::Leg,
        plan::Plan,
    },
    output::{
        Output,
        ci::{self, Division},
        human, json,
    },
    parallel,
};

/// The file through which a step on GitHub hands its outputs to later jobs.
const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let is_of_a_system = !matches!(
        args.format,
        PlanFormat::Human | PlanFormat::Json | PlanFormat::Names | PlanFormat::Bake
    );
    if args.legs.is_some() && !is_of_a_system {
        return Err(
            Error::misuse("--legs divides a plan among the jobs of a CI system")
                .hint("name the system: flota plan --legs N --format github"),
        );
    }
    let plan = plan(args, context, output)?;
    print_warnings(output, &plan.warnings);
    let divided = |render: fn(&Division<'_>) -> Result<String>| {
        let legs = legs(&plan, args, context, output)?;
        let plan = &plan;
        render(&Division { plan, legs: &legs })
    };
    match args.format {
        PlanFormat::Human => output.result(human::plan(&plan))?,
        PlanFormat::Json => output.result(json::plan(&plan))?,
        PlanFormat::Names => output.result(human::plan_names(&plan, args.null))?,
        PlanFormat::Github => github(&divided(ci::github::plan)?, &plan, output)?,
        PlanFormat::Azure => output.result(divided(ci::azure::plan)?)?,
        PlanFormat::Gitlab => output.result(divided(ci::gitlab::plan)?)?,
        PlanFormat::Buildkite => output.result(divided(ci::buildkite::plan)?)?,
        PlanFormat::Jenkins => output.result(divided(ci::jenkins::plan)?)?,
        PlanFormat::Bake => {
            let file = with_progress(output, |events| {
                let reading = reading(args, events);
                plan::bake(&context.repository, &context.settings, &plan, reading)
            })?;
            output.result(json::bake(&file))?;
        }
    }
    Ok(conclude(output, &plan.unread))
}

fn plan(args: &Args, context: &Context, output: &Output) -> Result<Plan> {
    let (repository, settings) = (&context.repository, &context.settings);
    with_progress(output, |events| {
        let options = compare_as(&args.reading, events);
        if args.all {
            return plan::everything(repository, settings, options);
        }
        let ends = context.ends(args.range.as_deref(), &args.ends, args.reading.offline)?;
        plan::of_changes(repository, settings, ends, options)
    })
}

/// The jobs that are started by a plan cannot know of a service that is missing in it: there is none then.
fn legs<'a>(
    plan: &'a Plan,
    args: &Args,
    context: &Context,
    output: &Output,
) -> Result<Vec<Leg<'a>>> {
    if let Some(error) = Unread::error(&plan.unread) {
        return Err(error);
    }
    let edges = with_progress(output, |events| {
        let reading = reading(args, events);
        plan::image_edges(&context.repository, &context.settings, plan, reading)
    })?;
    Leg::of(plan, &edges, args.legs)
}

/// How Dockerfiles are read.
fn reading<'a>(args: &Args, events: Events<'a>) -> Reading<'a> {
    Reading {
        jobs: args.reading.jobs.unwrap_or_else(parallel::default_jobs),
        fetches: !args.reading.offline,
        events,
    }
}

/// In a step of a workflow the outputs go where the runner looks for them, and the log shows the plan.
fn github(lines: &str, plan: &Plan, output: &Output) -> Result<()> {
    match std::env::var_os(GITHUB_OUTPUT).filter(|path| !path.is_empty()) {
        Some(path) => {
            ci::github::append(Path::new(&path), lines)?;
            output.result(human::plan(plan))
        }
        None => output.result(lines),
    }
}
