//! `flota check`

use super::context::{Context, conclude, print_warnings, with_progress};
use crate::{
    cli::{Check as Args, ResultFormat},
    features::check,
    fleet::changed::ChangedOptions,
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
        let options = ChangedOptions::new(
            args.jobs.unwrap_or_else(parallel::default_jobs),
            args.offline,
            events,
        );
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
    let about_pins = match changed.warnings.iter().any(is_about_pins) {
        true => Exit::Repository,
        false => Exit::Done,
    };
    let missing = match checked.is_something_missing {
        true => Exit::Unavailable,
        false => Exit::Done,
    };
    Ok(Exit::worst([unread, about_pins, missing]))
}
