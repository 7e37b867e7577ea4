//! What gates found, as the page shows it.

use serde::Serialize;

use super::{
    facts::readable_time,
    parts::{Entry, name, took},
};
use crate::{
    model::{document::GateV1, evidence::GateState},
    output::text,
};

#[derive(Serialize)]
pub(super) struct GateRow {
    /// The number of the service's row.
    row: usize,
    service: String,
    gate: String,
    per: &'static str,
    state: &'static str,
    mark: &'static str,
    /// When it ended, and how long it took, where it ran once.
    at: Option<String>,
    took: Option<String>,
    /// Why it could not run.
    reason: Option<String>,
    /// The file that its program made: its name, and where it is.
    output: Option<(String, String)>,
}

/// What the gates of all services found.
pub(super) fn found(entries: &[Entry<'_>]) -> Vec<GateRow> {
    let services = entries.iter().enumerate();
    let found = services.flat_map(|(row, entry)| {
        let gates = entry.built.gates.iter();
        gates.map(move |gate| one(row, entry, gate))
    });
    found.collect()
}

fn one(row: usize, entry: &Entry<'_>, gate: &GateV1<'_>) -> GateRow {
    let evidence = gate.evidence.as_ref().map(|it| &it.evidence);
    let (state, mark) = match gate.state {
        GateState::Planned => ("to run", "…"),
        GateState::Reused => ("passed before", "="),
        GateState::Passed => ("passed", "✓"),
        GateState::Failed => ("failed", "✗"),
        GateState::CouldNotRun => ("could not run", "✗"),
    };
    let output = gate.output.as_ref().map(|path| {
        let name = path.file_name().unwrap_or_default();
        let shown = |text: &str| text::controls_line(text);
        (
            shown(&name.to_string_lossy()),
            shown(&path.to_string_lossy()),
        )
    });
    GateRow {
        row,
        service: name(&entry.built.step.name),
        gate: text::controls_line(&gate.name),
        per: gate.per.word(),
        state,
        mark,
        at: evidence.map(|it| readable_time(&it.at)),
        took: evidence.map(|it| took(it.seconds)),
        reason: gate.reason.as_deref().map(text::controls),
        output,
    }
}
