//! What gates found: their results, and for what these hold.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    evidence_key::EvidenceKey,
    settings::{Gate, GateSubject},
};

/// How far another machine's clock may go ahead of this one.
const CLOCKS: Duration = Duration::from_secs(300);

/// The result of a gate that ran: it is about content, whoever built that, and from whatever commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The gate's name.
    pub gate: String,
    /// What the gate does, as a hash ([`Gate::definition`]).
    pub definition: String,
    /// What was judged.
    pub per: GateSubject,
    /// Its digest (`sha256:…`): of an image's manifest, of a chart's package. None for an image whose builder learns it by a push.
    pub digest: Option<String>,
    /// An image's id, the digest of its configuration.
    pub id: Option<String>,
    /// Whether there was nothing to object to.
    pub passed: bool,
    /// When it ended (RFC 3339).
    pub at: String,
    /// How long it took.
    pub seconds: f64,
    /// What kind of run it was found in.
    pub run: RunKind,
    /// The digest of what the gate's program left in `{output}`.
    pub output: Option<String>,
}

/// The kind of a run, as far as its results count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// By a person, on their machine.
    Local,
    /// Of a branch or a tag, by a CI system.
    Branch,
    /// Of a change that is not merged yet: what it found may rest on anything that the change says.
    PullRequest,
}

impl Evidence {
    /// What it is kept by: a key for each of the names that the content has.
    pub fn keys(&self) -> impl Iterator<Item = EvidenceKey> {
        let names = [&self.digest, &self.id].into_iter().flatten();
        names.filter_map(|name| key(self.per, name, &self.gate))
    }

    /// Whether it says that `gate` need not run again on the same content at `now` (seconds since the Unix epoch). What failed
    /// runs again: its program may look elsewhere meanwhile, or find less.
    pub fn holds(&self, gate: &Gate, now: i64) -> bool {
        let is_about =
            self.gate == gate.name && self.per == gate.per && self.definition == gate.definition();
        let at = self.at.parse().map(jiff::Timestamp::as_second);
        let is_fresh = at.is_ok_and(|at| {
            let age = now.saturating_sub(at);
            let clocks = i64::try_from(CLOCKS.as_secs()).unwrap_or(i64::MAX);
            let oldest = gate.valid.map_or(i64::MAX, |valid| {
                i64::try_from(valid.as_secs()).unwrap_or(i64::MAX)
            });
            -clocks <= age && age < oldest
        });
        self.passed && is_about && is_fresh
    }

    /// Whether what this run found counts for runs of the branch.
    pub fn counts(&self) -> bool {
        self.run != RunKind::PullRequest
    }
}

/// What evidence of a gate about the content of this digest (`sha256:…`) is kept by; none for what is no digest.
pub fn key(per: GateSubject, digest: &str, gate: &str) -> Option<EvidenceKey> {
    let hex = digest.strip_prefix("sha256:")?;
    EvidenceKey::new(per.word(), hex, gate).ok()
}

/// One gate, as a build reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct GateReport {
    /// Its name.
    pub name: String,
    /// What it judges.
    pub per: GateSubject,
    /// What became of it.
    pub state: GateState,
    /// Why it could not run.
    pub reason: Option<String>,
    /// What it found, now or before.
    pub evidence: Option<Evidence>,
    /// What its program left in `{output}`.
    pub output: Option<PathBuf>,
}

/// What became of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateState {
    /// It would run (`--dry-run`).
    Planned,
    /// It passed the same content before, and does not run again.
    Reused,
    /// It ran, and has nothing to object to.
    Passed,
    /// It ran, and found something.
    Failed,
    /// It could not run: nobody knows what it would have found.
    CouldNotRun,
}

#[cfg(test)]
mod tests;
