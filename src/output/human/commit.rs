//! `flota commit`

use super::{
    table::table,
    words::{counts, short},
};
use crate::{
    model::{
        commit::{CommitStep, Committed, ServiceCommit},
        outcome::Outcome,
    },
    output::{service_names::ServiceNames, text},
};

/// `flota commit`: what was committed, and what was to be; then the numbers, and the fleet's commit.
pub(crate) fn committed(committed: &Committed) -> String {
    let services = &committed.services;
    let names = ServiceNames::of(services.iter().map(|service| &service.path));
    let shown = services.iter().filter(|service| {
        !matches!(
            service.outcome,
            Outcome::Done(CommitStep::Unchanged | CommitStep::Uninitialised)
        )
    });
    let rows: Vec<_> = shown.map(|service| row(service, &names)).collect();
    let mut out = match rows.is_empty() {
        true => "Nothing is staged in the services.\n".to_owned(),
        false => table(&["SERVICE", "BRANCH", "COMMIT", "RESULT"], rows),
    };
    let counts = counts(services.iter().map(|service| service.outcome.name()));
    out += &format!("\n{counts}\n");
    if let Some(commit) = committed.pins.commit() {
        out += &format!("Committed the pins as {}.\n", short(commit));
    }
    out
}

fn row(service: &ServiceCommit, names: &ServiceNames<'_>) -> Vec<String> {
    let branch = service.branch.as_ref();
    let branch = branch.map(|branch| text::name(branch.as_ref()));
    let commit = match (service.from, service.to) {
        (Some(from), Some(to)) => format!("{} → {}", short(from), short(to)),
        (None, Some(to)) => short(to),
        (_, None) => String::new(),
    };
    vec![
        names.at(&service.path),
        branch.unwrap_or("detached".to_owned()),
        commit,
        service.outcome.name().to_owned(),
    ]
}
