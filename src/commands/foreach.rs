//! `flota foreach`

use std::sync::{Mutex, PoisonError};

use bstr::BString;

use super::context::{Context, with_progress};
use crate::{
    cli::{Foreach as Args, ResultFormat},
    features::foreach::{self, ForeachOptions},
    fleet::changed::{self, ChangedOptions},
    model::{change::Unread, error::Result, exit::Exit, foreach::Ran},
    output::{Output, error, human, json, text},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let jobs = args.jobs.unwrap_or_else(parallel::default_jobs);
    let only = match args.changed || args.ends.base.is_some() {
        true => Some(moved(args, context, output)?),
        false => None,
    };
    let unprinted = Mutex::new(None);
    let collected = Mutex::new(Vec::new());
    let each = |ran: Ran| {
        if args.format == ResultFormat::Human {
            let printed = output.result(human::ran(&ran, output.dialect));
            let mut first = unprinted.lock().unwrap_or_else(PoisonError::into_inner);
            *first = first.take().or(printed.err());
        }
        if let Some(failure) = &ran.failure {
            error::report_of(output, ran.path.as_ref(), failure);
        }
        if args.format == ResultFormat::Json {
            let mut all = collected.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(ran);
        }
    };
    let summary = foreach::foreach(
        &context.repository,
        &ForeachOptions {
            command: &args.command,
            selector: &context.selector(&args.services)?,
            only: only.as_deref(),
            jobs,
            recursive: args.recursive,
            keep_going: args.keep_going,
            each: &each,
        },
    )?;
    if let Some(error) = unprinted
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        return Err(error);
    }
    if args.format == ResultFormat::Json {
        let all = collected.into_inner();
        let all = all.unwrap_or_else(PoisonError::into_inner);
        output.result(json::foreach(&all, &summary))?;
    }
    for path in &summary.uninitialised {
        let path = text::name(path.as_ref());
        output.warning(&format!("{path} is not initialised, and was skipped"));
    }
    output.status(human::foreach(&summary));
    Ok(summary.exit())
}

/// The services that `flota changed` lists for the same range.
fn moved(args: &Args, context: &Context, output: &Output) -> Result<Vec<BString>> {
    let ends = context.ends(None, &args.ends, false)?;
    let changed = with_progress(output, |events| {
        let options = ChangedOptions::new(
            args.jobs.unwrap_or_else(parallel::default_jobs),
            false,
            events,
        );
        changed::changed(&context.repository, &context.settings, ends, options)
    })?;
    match Unread::error(&changed.unread) {
        Some(error) => Err(error),
        None => Ok(changed
            .services
            .into_iter()
            .map(|service| service.path)
            .collect()),
    }
}
