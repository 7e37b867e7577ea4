//! `flota update`, and `flota clone`

use std::{collections::BTreeMap, path::Path};

use super::{short, table};
use crate::{
    model::sync::{Outcome, Synced},
    output::text,
};

/// `flota clone`
pub fn cloned(directory: &Path, synced: &[Synced]) -> String {
    let directory = text::line(&directory.to_string_lossy());
    format!("Cloned into {directory}: {}\n", counts(synced))
}

/// `flota update`: what is not as it was, then the numbers.
pub fn updated(synced: &[Synced]) -> String {
    let rows = synced
        .iter()
        .filter(|synced| !matches!(synced.outcome, Outcome::Current))
        .map(|synced| {
            let pin = synced.pin.map_or("in conflict".to_owned(), short);
            let pin = match &synced.outcome {
                Outcome::Moved { from } => format!("{} → {pin}", short(*from)),
                _ => pin,
            };
            let result = text::line(synced.outcome.name());
            vec![text::name(synced.path.as_ref()), pin, result]
        });
    let rows: Vec<_> = rows.collect();
    let table = match rows.is_empty() {
        true => String::new(),
        false => table(&["SERVICE", "PIN", "RESULT"], rows) + "\n",
    };
    format!("{table}{}\n", counts(synced))
}

fn counts(synced: &[Synced]) -> String {
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for synced in synced {
        *by_name.entry(synced.outcome.name()).or_default() += 1;
    }
    let parts: Vec<_> = by_name
        .into_iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    match parts.is_empty() {
        true => "no submodules".to_owned(),
        false => parts.join(", "),
    }
}
