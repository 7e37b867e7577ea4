//! `[[gate]]`: a program that judges what a build made, before it is pushed.

use std::time::Duration;

use super::template::ArgumentTemplate;
use crate::model::digest;

mod finding;
mod preset;
pub mod subject;

pub use finding::{Finding, Verdict};
pub use preset::Preset;
pub use subject::GateSubject;

/// Raised whenever flota gives the same gate other content to judge.
const GATE_EPOCH: u32 = 1;

/// How long a gate may take unless it says otherwise.
pub const GATE_TIMEOUT: Duration = Duration::from_secs(600);

/// One `[[gate]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What people call it; no two have one name.
    pub name: String,
    /// What it judges.
    pub per: GateSubject,
    /// The program and its arguments.
    pub run: Vec<ArgumentTemplate>,
    /// What tells that it found something.
    pub finding: Finding,
    /// How long a result holds for the same content; for good when absent.
    pub valid: Option<Duration>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Gate {
    /// What the gate does, as a hash: a result holds for the gate that gave it. Its name, and how long results hold, are no part
    /// of that.
    pub fn definition(&self) -> String {
        let mut fields = vec![
            format!("epoch {GATE_EPOCH}"),
            format!("per {}", self.per.word()),
            format!("finding {:?}", self.finding),
        ];
        fields.extend(self.run.iter().map(ToString::to_string));
        digest::of_fields(fields, 32)
    }
}

#[cfg(test)]
mod tests;
