//! `flota switch`

use super::{
    table::table,
    words::{counts, short},
};
use crate::{
    model::switch::{Outcome, Switched},
    output::text,
};

/// `flota switch`: what moved, and what would have to; then the numbers.
pub fn switched(services: &[Switched]) -> String {
    let moved = services.iter().filter(|service| {
        !matches!(
            service.outcome,
            Outcome::Current | Outcome::Absent | Outcome::Uninitialised
        )
    });
    let rows: Vec<_> = moved.map(row).collect();
    let table = match rows.is_empty() {
        true => String::new(),
        false => table(&["SERVICE", "FROM", "COMMIT", "RESULT"], rows) + "\n",
    };
    let counts = counts(services.iter().map(|service| service.outcome.name()));
    format!("{table}{counts}\n")
}

fn row(service: &Switched) -> Vec<String> {
    let from = match (&service.from, service.to) {
        (Some(branch), _) => text::name(branch.as_ref()),
        (None, Some(_)) => "detached".to_owned(),
        (None, None) => String::new(),
    };
    vec![
        text::name(service.path.as_ref()),
        from,
        service.to.map_or_else(String::new, short),
        service.outcome.name().to_owned(),
    ]
}
