//! `flota bump`

use super::context::Context;
use crate::{
    cli::{Bump as Args, ResultFormat},
    features::bump,
    model::{error::Result, exit::Exit},
    output::{Output, human, json, text},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let jobs = args.jobs.unwrap_or_else(parallel::default_jobs);
    let bumps = bump::plan(
        &context.repository,
        &context.selector(&args.services)?,
        jobs,
    )?;
    for bump in bumps.iter().filter(|bump| bump.is_dirty) {
        let path = text::name(bump.path.as_ref());
        output.warning(&format!(
            "{path} has uncommitted changes: its pin does not include them"
        ));
    }
    let is_staged = !args.dry_run && !bumps.is_empty();
    if is_staged {
        bump::stage(&context.repository, &bumps)?;
    }
    match args.format {
        ResultFormat::Human => output.result(human::bumps(&bumps))?,
        ResultFormat::Json => output.result(json::bumps(&bumps))?,
    }
    if is_staged {
        output.status("Staged; run git commit to record them.");
    }
    if args.dry_run {
        output.dry_run();
    }
    Ok(Exit::Done)
}
