//! `flota update`

use std::ffi::OsString;

use super::{
    context::{Context, with_progress},
    transfer::{again, conclude, options},
};
use crate::{
    cli::{ResultFormat, Update as Args},
    features::update::{self, Extent},
    fleet::{select::Selector, sync::SyncOptions},
    model::{error::Result, event::Events, exit::Exit, leftover},
    output::{Output, error, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let selector = match args.steps[..] {
        [] => context.selector(&args.services)?,
        _ => Selector::of_steps(args.steps.iter().map(|step| step.path.clone())),
    };
    if args.remote {
        return follow(args, &selector, context, output);
    }
    let synced = match args.dry_run {
        true => Vec::new(),
        false => with_progress(output, |events| {
            update::update(&context.repository, &selector, how(args, events))
        })?,
    };
    let pruned = match args.prune {
        true => {
            let patience = how(args, &|_| ()).access.patience;
            Some(update::prune(&context.repository, patience, args.dry_run)?)
        }
        false => None,
    };
    match args.bringing.format {
        ResultFormat::Human => output.result(human::updated(&synced, pruned.as_deref()))?,
        ResultFormat::Json => output.result(json::updated(&synced, pruned.as_deref()))?,
    }
    if args.dry_run {
        output.dry_run();
    }
    let again = again(&["update".into()], &args.bringing, &named(args));
    let exit = conclude(output, &synced, &again);
    let pruned = pruned.unwrap_or_default();
    for one in &pruned {
        if let Some(error) = &one.left {
            error::report_of(output, one.path.as_ref(), error);
        }
    }
    Ok(Exit::worst([exit, leftover::exit(&pruned)]))
}

fn how<'a>(args: &Args, events: Events<'a>) -> SyncOptions<'a> {
    SyncOptions {
        overwrites_ignored: args.overwrite_ignore,
        ..options(&args.bringing, events)
    }
}

/// `--remote`
fn follow(args: &Args, selector: &Selector, context: &Context, output: &Output) -> Result<Exit> {
    let extent = match (args.dry_run, args.commit) {
        (true, _) => Extent::Show,
        (false, true) => Extent::Commit,
        (false, false) => Extent::Stage,
    };
    let followed = with_progress(output, |events| {
        update::follow(&context.repository, selector, extent, how(args, events))
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
