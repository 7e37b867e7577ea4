//! `flota update`

use std::{num::NonZeroUsize, time::Duration};

use super::{Context, with_progress};
use crate::{
    cli::{Bringing, ResultFormat, Update as Args},
    features::update::{self, Extent},
    git::network::clone,
    model::{
        error::Result,
        event::Events,
        exit::Exit,
        sync::{self, Synced},
    },
    output::{Output, error, human, json, progress::Progress},
};

/// How many requests to HTTP servers at a time when nobody says: they cost a thread that waits.
const REQUESTS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// How many children when nobody says. An SSH server begins to refuse beyond ten newcomers (sshd_config(5), MaxStartups).
const CHILDREN: NonZeroUsize = NonZeroUsize::new(8).unwrap();

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let wanted = match args.steps[..] {
        [] => update::Wanted::new(&args.services)?,
        _ => update::Wanted::Holding(args.steps.iter().map(|step| step.path.clone()).collect()),
    };
    if args.remote {
        return follow(args, &wanted, context, output);
    }
    let progress = Progress::new(*output);
    let events = |event| progress.event(event);
    let synced = update::update(
        &context.repository,
        &wanted,
        options(&args.bringing, &events),
    );
    progress.finish();
    let synced = synced?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::updated(&synced))?,
        ResultFormat::Json => output.result(json::updated(&synced))?,
    }
    Ok(conclude(output, &synced))
}

/// `--remote`
fn follow(
    args: &Args,
    wanted: &update::Wanted,
    context: &Context,
    output: &Output,
) -> Result<Exit> {
    let extent = match (args.dry_run, args.commit) {
        (true, _) => Extent::Show,
        (false, true) => Extent::Commit,
        (false, false) => Extent::Stage,
    };
    let followed = with_progress(output, |events| {
        let options = options(&args.bringing, events);
        update::follow(&context.repository, wanted, extent, options)
    })?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::followed(&followed))?,
        ResultFormat::Json => output.result(json::followed(&followed))?,
    }
    match extent {
        Extent::Show => output.dry_run(),
        Extent::Stage if !followed.moves.is_empty() => {
            output.status("Staged; git commit records them.");
        }
        Extent::Stage | Extent::Commit => {}
    }
    Ok(conclude(output, &followed.synced))
}

pub(super) fn options<'a>(args: &Bringing, events: Events<'a>) -> update::Options<'a> {
    update::Options {
        jobs: args.jobs.unwrap_or(REQUESTS),
        access: clone::CloneOptions {
            depth: args.depth,
            patience: Duration::from_secs(args.patience.get().into()),
            is_partial: args.filter.is_some(),
            children: args.jobs.unwrap_or(CHILDREN),
            is_cached: !args.no_cache,
            events,
        },
    }
}

/// Says why some are not where they belong, and gives the exit code.
pub(super) fn conclude(output: &Output, synced: &[Synced]) -> Exit {
    for synced in synced {
        match synced.outcome.error() {
            Some(error) if !error.exit().is_signal() => {
                error::report_of(output, synced.path.as_ref(), error);
            }
            _ => {}
        }
    }
    sync::exit(synced)
}
