//! `flota template`

use super::{table::table, words::short};
use crate::{
    model::template::{Drift, DriftState, UpdateOutcome, Updated},
    output::{service_names::ServiceNames, text},
};

/// `flota template drift`: those that no template made are counted only.
pub(crate) fn drift(drift: &[Drift]) -> String {
    let names = ServiceNames::of(drift.iter().map(|service| &service.path));
    let rows: Vec<_> = drift
        .iter()
        .filter(|service| !matches!(service.state, DriftState::Unmade))
        .map(|service| {
            let record = service.record.as_ref();
            let versions = match (record, &service.state) {
                (Some(record), DriftState::Behind(now)) => {
                    format!("{} → {}", short(record.version), short(*now))
                }
                (Some(record), _) => short(record.version),
                (None, _) => "–".to_owned(),
            };
            vec![
                names.at(&service.path),
                record.map_or("–".into(), |record| text::line(&record.template)),
                versions,
                service.state.word().to_owned(),
            ]
        })
        .collect();
    let unmade = drift.len() - rows.len();
    let mut out = match rows.is_empty() {
        true => "No service was created from a template.\n".to_owned(),
        false => table(&["SERVICE", "TEMPLATE", "VERSION", "STATE"], rows),
    };
    if unmade > 0 && unmade < drift.len() {
        out += &format!(
            "{} not created from a template\n",
            text::plural(unmade, "submodule")
        );
    }
    out
}

/// `flota template update`
pub(crate) fn template_updated(updated: &[Updated]) -> String {
    let names = ServiceNames::of(updated.iter().map(|service| &service.path));
    let made = updated
        .iter()
        .filter(|service| !matches!(service.outcome, UpdateOutcome::Unmade));
    let rows: Vec<_> = made
        .map(|service| {
            let what = match &service.outcome {
                UpdateOutcome::Merged(head) => format!("now {}", short(*head)),
                UpdateOutcome::Conflicts(files) => {
                    let files: Vec<_> =
                        files.iter().map(|file| text::name(file.as_ref())).collect();
                    files.join(", ")
                }
                _ => String::new(),
            };
            vec![
                names.at(&service.path),
                service.outcome.word().to_owned(),
                what,
            ]
        })
        .collect();
    match rows.is_empty() {
        true => "No service was created from a template.\n".to_owned(),
        false => table(&["SERVICE", "TEMPLATE", "WHAT"], rows),
    }
}
