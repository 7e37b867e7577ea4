//! `flota update`

use super::{
    context::{Context, with_progress},
    transfer::{conclude, options},
};
use crate::{
    cli::{ResultFormat, Update as Args},
    features::update::{self, Extent},
    fleet::{select::Selector, sync::SyncOptions},
    model::{error::Result, event::Events, exit::Exit},
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
    let synced = update::update(&context.repository, &selector, how(args, &events));
    progress.finish();
    let synced = synced?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::updated(&synced))?,
        ResultFormat::Json => output.result(json::updated(&synced))?,
    }
    Ok(conclude(output, &synced))
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
    Ok(conclude(output, &followed.synced))
}
