//! `flota sync`

use std::{num::NonZeroUsize, time::Duration};

use super::context::{Context, with_progress};
use crate::{
    cli::{ResultFormat, Sync as Args},
    features::sync,
    git::network::clone::CloneOptions,
    model::{error::Result, exit::Exit, relocation::exit},
    output::{Output, error, human, json},
};

/// How many children when nobody says, as for `flota update`.
const CHILDREN: NonZeroUsize = NonZeroUsize::new(8).unwrap();

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let selector = context.selector(&args.services)?;
    let relocations = with_progress(output, |events| {
        let options = CloneOptions {
            depth: None,
            is_partial: false,
            patience: Duration::from_secs(args.patience.get().into()),
            children: args.jobs.unwrap_or(CHILDREN),
            is_cached: false,
            events,
        };
        sync::sync(&context.repository, &selector, options, args.dry_run)
    })?;
    match args.format {
        ResultFormat::Human => output.result(human::relocated(&relocations))?,
        ResultFormat::Json => output.result(json::relocated(&relocations))?,
    }
    for one in &relocations {
        if let Some(error) = &one.error {
            error::report_of(output, one.path.as_ref(), error);
        }
    }
    if args.dry_run {
        output.dry_run();
    }
    Ok(exit(&relocations))
}
