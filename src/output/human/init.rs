//! `flota init`

use super::table::table;
use crate::{
    model::init::{InitOutcome, Initialised},
    output::{text, theme},
};

/// `flota init`
pub(crate) fn initialised(initialised: &Initialised) -> String {
    let rows = initialised
        .parts
        .iter()
        .map(|part| vec![text::line(&part.path), what(part.outcome).to_owned()]);
    table(&["FILE", "WHAT"], rows)
}

fn what(outcome: InitOutcome) -> &'static str {
    match outcome {
        InitOutcome::Made => "created",
        InitOutcome::Extended => "extended",
        InitOutcome::Kept => "kept",
    }
}

/// What to know and to do next.
pub(crate) fn after_init(initialised: &Initialised) -> String {
    let root = text::line(&initialised.root.to_string_lossy());
    let what = match (initialised.is_new, initialised.submodules) {
        (true, _) => format!("Created a Git repository and a fleet in {root}."),
        (false, 0) => format!("{root} is a fleet."),
        (false, count) => format!(
            "{root} is a fleet with {}.",
            text::plural(count, "submodule")
        ),
    };
    format!(
        "{what} Start a service: {}",
        theme::command("flota new NAME")
    )
}
