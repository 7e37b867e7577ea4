//! `flota push`

use super::{
    table::table,
    words::{FLEET, counts},
};
use crate::{
    model::{
        fleet::FLEET_PATH,
        outcome::Outcome,
        push::{PushStep, Pushed, PushedBranch},
    },
    output::{service_names::ServiceNames, text},
};

/// `flota push`: what was pushed, and what was to be; then the numbers. The fleet is the last row.
pub(crate) fn pushed(pushed: &Pushed) -> String {
    let names = ServiceNames::of(pushed.all().map(|one| &one.path));
    let shown = pushed.all().filter(|one| {
        !matches!(
            one.outcome,
            Outcome::Done(PushStep::Unchanged | PushStep::Uninitialised)
        )
    });
    let rows: Vec<_> = shown.map(|one| row(one, &names)).collect();
    let table = match rows.is_empty() {
        true => "Nothing to push.\n".to_owned(),
        false => table(&["SERVICE", "BRANCH", "TO", "COMMITS", "RESULT"], rows),
    };
    let counts = counts(pushed.all().map(|one| one.outcome.name()));
    format!("{table}\n{counts}\n")
}

fn row(one: &PushedBranch, names: &ServiceNames<'_>) -> Vec<String> {
    let name = match one.path == FLEET_PATH {
        true => FLEET.to_owned(),
        false => names.at(&one.path),
    };
    let branch = one.branch.as_ref();
    let target = one.target.as_ref();
    vec![
        name,
        branch.map_or("detached".to_owned(), |it| text::name(it.as_ref())),
        target.map_or_else(String::new, |it| text::name(it.as_ref())),
        match one.commits {
            0 => String::new(),
            count => count.to_string(),
        },
        one.outcome.name().to_owned(),
    ]
}
