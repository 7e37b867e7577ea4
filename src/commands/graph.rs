//! `flota graph`

use super::context::{Context, with_progress};
use crate::{
    cli::{Graph as Args, GraphFormat},
    features::graph,
    fleet::{changed::ChangedOptions, select::Selector},
    model::{error::Result, exit::Exit},
    output::{Output, diagram, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let asks_for_range = args.range.is_some() || args.ends.base.is_some();
    let ends = asks_for_range
        .then(|| context.ends(args.range.as_deref(), &args.ends, args.offline))
        .transpose()?;
    let graph = with_progress(output, |events| {
        let options = ChangedOptions {
            files: false,
            strict: false,
            jobs: parallel::default_jobs(),
            only: &Selector::ANY,
            offline: args.offline,
            events,
        };
        graph::graph(&context.repository, &context.settings, ends, options)
    })?;
    for (path, why) in &graph.unread {
        output.warning(&format!(
            "the Dockerfile of {path} cannot be read ({why}): what it builds on is not shown"
        ));
    }
    match args.format {
        GraphFormat::Human => output.result(human::graph(&graph))?,
        GraphFormat::Mermaid => output.result(diagram::mermaid(&graph))?,
        GraphFormat::Dot => output.result(diagram::dot(&graph))?,
        GraphFormat::Json => output.result(json::graph(&graph))?,
    }
    // What could not be read might be the edge that matters.
    Ok(match graph.unread.is_empty() {
        true => Exit::Done,
        false => Exit::Repository,
    })
}
