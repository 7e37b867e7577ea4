//! `flota update`

use std::ffi::OsString;

use super::{
    context::{Context, with_progress},
    transfer::{again, conclude, options},
};
use crate::{
    cli::{ResultFormat, Update as Args},
    features::update::{self, Extent},
    fleet::select::Selector,
    model::{error::Result, exit::Exit},
    output::{Output, human, json, progress::Progress},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let selector = match args.steps[..] {
        [] => context.selector(&args.services)?,
        _ => Selector::of_steps(args.steps.iter().map(|step| step.path.clone())),
    };
    if args.remote {
        return follow(args, &selector, context, output);
    }
    let progress = Progress::new(*output);
    let events = |event| progress.event(event);
    let synced = update::update(
        &context.repository,
        &selector,
        options(&args.bringing, &events),
    );
    progress.finish();
    let synced = synced?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::updated(&synced))?,
        ResultFormat::Json => output.result(json::updated(&synced))?,
    }
    Ok(conclude(
        output,
        &synced,
        &again(&["update".into()], &args.bringing, &named(args)),
    ))
}

/// `--remote`
fn follow(args: &Args, selector: &Selector, context: &Context, output: &Output) -> Result<Exit> {
    let extent = match (args.dry_run, args.commit) {
        (true, _) => Extent::Show,
        (false, true) => Extent::Commit,
        (false, false) => Extent::Stage,
    };
    let followed = with_progress(output, |events| {
        let options = options(&args.bringing, events);
        update::follow(&context.repository, selector, extent, options)
    })?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::followed(&followed))?,
        ResultFormat::Json => output.result(json::followed(&followed))?,
    }
    match extent {
        Extent::Show => output.dry_run(),
        Extent::Stage if !followed.moves.is_empty() => {
            output.status("Staged; run git commit to record them.");
        }
        Extent::Stage | Extent::Commit => {}
    }
    let mut words: Vec<OsString> = vec!["update".into(), "--remote".into()];
    words.extend(args.commit.then(|| "--commit".into()));
    let again = again(&words, &args.bringing, &args.services);
    Ok(conclude(output, &followed.synced, &again))
}

/// The services that the arguments name, and the steps of a plan that do.
fn named(args: &Args) -> Vec<OsString> {
    let steps = args
        .steps
        .iter()
        .map(|step| format!("--step={step}").into());
    args.services.iter().cloned().chain(steps).collect()
}
