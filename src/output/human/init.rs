//! `flota init`

use super::{table::table, words::kebab};
use crate::{
    model::init::Initialised,
    output::{text, theme},
};

/// `flota init`
pub(crate) fn initialised(initialised: &Initialised) -> String {
    let rows = initialised
        .parts
        .iter()
        .map(|part| vec![text::line(&part.path), kebab(&part.outcome)]);
    table(&["FILE", "WHAT"], rows)
}

/// What to know and to do next.
pub(crate) fn after_init(initialised: &Initialised) -> String {
    let root = text::line(&initialised.root.to_string_lossy());
    let what = match (initialised.is_new, initialised.submodules) {
        (true, _) => format!("{root} is a repository now, and a fleet."),
        (false, 0) => format!("{root} is a fleet."),
        (false, count) => format!(
            "{root} is a fleet, with {}.",
            text::plural(count, "submodule")
        ),
    };
    format!(
        "{what} Start a service: {}",
        theme::command("flota new NAME")
    )
}
