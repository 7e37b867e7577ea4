//! `flota fetch`

use super::{
    table::table,
    words::{FLEET, counts},
};
use crate::{
    model::{
        fetch::{FetchRun, FetchStep, FetchedRepository},
        fleet::FLEET_PATH,
        outcome::Outcome,
    },
    output::{service_names::ServiceNames, text},
};

/// How many branches a row names.
const NAMED: usize = 3;

/// `flota fetch`: where something is new, or failed; then the numbers. The fleet is the last row.
pub(crate) fn fetched(run: &FetchRun) -> String {
    let names = ServiceNames::of(run.all().map(|one| &one.path));
    let shown = run.all().filter(|one| {
        !matches!(
            one.outcome,
            Outcome::Done(FetchStep::Unchanged | FetchStep::Uninitialised)
        )
    });
    let rows: Vec<_> = shown.map(|one| row(one, &names)).collect();
    let table = match rows.is_empty() {
        true => "Nothing is new.\n".to_owned(),
        false => table(&["SERVICE", "REMOTE", "BRANCHES", "BEHIND", "RESULT"], rows),
    };
    let counts = counts(run.all().map(|one| one.outcome.name()));
    format!("{table}\n{counts}\n")
}

fn row(one: &FetchedRepository, names: &ServiceNames<'_>) -> Vec<String> {
    let name = match one.path == FLEET_PATH {
        true => FLEET.to_owned(),
        false => names.at(&one.path),
    };
    let remote = one.remote.as_ref();
    let branches = one.branches.iter().take(NAMED);
    let branches = branches.map(|branch| text::name(branch.name.as_ref()));
    let mut branches = branches.collect::<Vec<_>>().join(", ");
    if one.branches.len() > NAMED {
        branches += &format!(" and {} more", one.branches.len() - NAMED);
    }
    vec![
        name,
        remote.map_or_else(String::new, |it| text::name(it.as_ref())),
        branches,
        match one.behind {
            None | Some(0) => String::new(),
            Some(behind) => text::plural(behind, "commit"),
        },
        one.outcome.name().to_owned(),
    ]
}
