//! `flota pull`

use super::{
    context::{Context, with_progress},
    transfer::{again, conclude, options},
};
use crate::{
    cli::{Pull as Args, ResultFormat},
    features::pull,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let selector = context.selector(&args.services)?;
    let pulled = with_progress(output, |events| {
        let options = options(&args.bringing, events);
        pull::pull(&context.repository, &selector, args.dry_run, options)
    })?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::pulled(&pulled, args.dry_run))?,
        ResultFormat::Json => output.result(json::pulled(&pulled))?,
    }
    if args.dry_run {
        output.dry_run();
    }
    // The fleet is where it belongs already.
    let again = again(&["update".into()], &args.bringing, &args.services);
    Ok(conclude(output, &pulled.synced, &again))
}
