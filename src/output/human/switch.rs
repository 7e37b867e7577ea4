//! `flota switch`

use super::{
    table::table,
    words::{counts, short},
};
use crate::{
    model::{
        switch::{SwitchOutcome, Switched},
        sync::Synced,
    },
    output::{service_names::ServiceNames, text},
};

/// `flota switch`: what moved, and what would have to; then the numbers.
pub(crate) fn switched(services: &[Switched]) -> String {
    let moved = services.iter().filter(|service| {
        !matches!(
            service.outcome,
            SwitchOutcome::Current | SwitchOutcome::Absent | SwitchOutcome::Uninitialised
        )
    });
    let names = ServiceNames::of(services.iter().map(|service| &service.path));
    let rows = moved.flat_map(|service| {
        let nested = service.nested.iter().map(nested_row);
        std::iter::once(row(service, &names)).chain(nested)
    });
    let rows: Vec<_> = rows.collect();
    let table = match rows.is_empty() {
        true => String::new(),
        false => table(&["SERVICE", "FROM", "COMMIT", "RESULT"], rows) + "\n",
    };
    let counts = counts(services.iter().map(|service| service.outcome.name()));
    format!("{table}{counts}\n")
}

/// A submodule of a service.
fn nested_row(one: &Synced) -> Vec<String> {
    vec![
        text::name(one.path.as_ref()),
        String::new(),
        one.pin.map_or_else(String::new, short),
        one.outcome.name().to_owned(),
    ]
}

fn row(service: &Switched, names: &ServiceNames<'_>) -> Vec<String> {
    let from = match (&service.from, service.to) {
        (Some(branch), _) => text::name(branch.as_ref()),
        (None, Some(_)) => "detached".to_owned(),
        (None, None) => String::new(),
    };
    vec![
        names.at(&service.path),
        from,
        service.to.map_or_else(String::new, short),
        service.outcome.name().to_owned(),
    ]
}
