//! `flota cache`

use super::context::Context;
use crate::{
    cli::{Cache as Args, ResultFormat},
    features::cache,
    model::{error::Result, exit::Exit},
    output::{Output, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    if args.clear {
        cache::clear(&context.repository)?;
    }
    let caches = cache::caches(&context.repository)?;
    match args.format {
        ResultFormat::Human => output.result(human::caches(&caches))?,
        ResultFormat::Json => output.result(json::caches(&caches))?,
    }
    Ok(Exit::Done)
}
