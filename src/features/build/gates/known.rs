//! What gates found before.

use std::{fs, path::PathBuf};

use super::super::job::Run;
use crate::{
    files,
    model::{
        digest::oci_digest,
        document::EvidenceV1,
        evidence::{Evidence, RunKind, place},
        settings::{Gate, GateField},
    },
};

/// A piece of evidence is a few hundred bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// The results in the folder of products.
pub(super) struct Known {
    folder: PathBuf,
    /// A checkout that a CI system keeps may hold what a pull request's run left there: no run of such a system reads it.
    is_used: bool,
}

impl Known {
    pub(super) fn of(run: &Run<'_>) -> Self {
        Self {
            folder: run.products.evidence(),
            is_used: run.options.run == RunKind::Local,
        }
    }

    /// The result of `gate` about the content that has these names, if it holds at `now`; and what its program made, which belongs
    /// to it.
    pub(super) fn find(
        &self,
        gate: &Gate,
        names: [Option<&str>; 2],
        now: i64,
    ) -> Option<(Evidence, Option<PathBuf>)> {
        let mut names = names.into_iter().flatten().filter(|_| self.is_used);
        names.find_map(|name| {
            let place = self.folder.join(place(gate.per, name, &gate.name)?);
            let file = place.with_extension("json");
            let is_small = fs::symlink_metadata(&file)
                .is_ok_and(|found| found.is_file() && found.len() <= SIZE_LIMIT);
            let text = fs::read(&file).ok().filter(|_| is_small)?;
            let document: EvidenceV1 = serde_json::from_slice(&text).ok()?;
            let evidence = document.evidence.into_owned();
            let is_about = [&evidence.digest, &evidence.id]
                .into_iter()
                .any(|known| known.as_deref() == Some(name));
            if !is_about || !evidence.holds(gate, now) {
                return None;
            }
            if !makes_output(gate) {
                return Some((evidence, None));
            }
            let output = output(&self.folder, &evidence)?;
            Some((evidence, Some(output)))
        })
    }

    /// Keeps a result. That it cannot be kept is no reason to stop.
    pub(super) fn keep(&self, evidence: &Evidence) {
        let Ok(text) = serde_json::to_vec_pretty(&EvidenceV1::from(evidence)) else {
            return;
        };
        for place in evidence.places().filter(|_| self.is_used) {
            let file = self.folder.join(place).with_extension("json");
            let _ = files::create_parent(&file);
            let _ = files::replace(&file, &text);
        }
    }
}

/// Whether the gate's program is given a file for what it makes.
pub(super) fn makes_output(gate: &Gate) -> bool {
    let mut fields = gate.run.iter().flat_map(|argument| argument.fields());
    fields.any(|field| field == GateField::Output)
}

/// What the program made, at one of the places of its result, as it was.
fn output(folder: &std::path::Path, evidence: &Evidence) -> Option<PathBuf> {
    let digest = evidence.output.as_deref()?;
    let mut places = evidence.places();
    places.find_map(|place| {
        let file = folder.join(place).with_extension("output");
        let bytes = fs::read(&file).ok()?;
        (oci_digest(&bytes) == digest).then_some(file)
    })
}
