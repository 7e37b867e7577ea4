//! `flota check`

use super::context::{Context, conclude, print_warnings, with_progress};
use crate::{
    cli::{Check as Args, ResultFormat},
    features::check,
    fleet::{changed::ChangedOptions, select::Selector},
    model::{
        change::{Warning, WarningKind},
        error::Result,
        exit::Exit,
    },
    output::{Output, human, json},
    parallel,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let ends = context.ends(args.range.as_deref(), &args.ends, args.offline)?;
    let (repository, settings) = (&context.repository, &context.settings);
    let checked = with_progress(output, |events| {
        let options = ChangedOptions {
            files: false,
            strict: false,
            jobs: args.jobs.unwrap_or_else(parallel::default_jobs),
            only: &Selector::ANY,
            offline: args.offline,
            events,
        };
        check::check(repository, settings, ends, options)
    })?;
    let changed = checked.changed;
    match args.format {
        ResultFormat::Human => output.result(human::changed(&changed))?,
        ResultFormat::Json => output.result(json::changed(&changed))?,
    }
    print_warnings(output, &changed.warnings);
    let unread = conclude(output, &changed.unread);
    // How the base was found says nothing against a pin.
    let is_about_pins = |warning: &Warning| warning.kind != WarningKind::ApproximateBase;
    Ok(match changed.warnings.iter().any(is_about_pins) {
        _ if checked.is_something_missing => Exit::Unavailable,
        true => Exit::Repository,
        false => unread,
    })
}
