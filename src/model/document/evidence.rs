//! `flota.evidence/v1`, and how a build's report names the gates.

use std::{borrow::Cow, path::Path};

use serde::{Deserialize, Serialize};

use crate::model::{
    evidence::{Evidence, GateReport, GateState},
    settings::GateSubject,
};

/// What a gate found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvidenceV1<'a> {
    /// [`EvidenceV1::SCHEMA`].
    pub schema: Cow<'a, str>,
    /// All that is known.
    #[serde(flatten)]
    pub evidence: Cow<'a, Evidence>,
}

impl EvidenceV1<'_> {
    /// What stands under `schema`.
    pub const SCHEMA: &'static str = "flota.evidence/v1";
}

impl<'a> From<&'a Evidence> for EvidenceV1<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self {
            schema: Self::SCHEMA.into(),
            evidence: Cow::Borrowed(evidence),
        }
    }
}

/// A gate of a build.
#[derive(Debug, Serialize, Deserialize)]
pub struct GateV1<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What it judges.
    pub per: GateSubject,
    /// What became of it.
    pub state: GateState,
    /// Why it could not run.
    #[serde(default)]
    pub reason: Option<Cow<'a, str>>,
    /// What it found, now or before.
    pub evidence: Option<EvidenceV1<'a>>,
    /// What its program made, a file.
    #[serde(default)]
    pub output: Option<Cow<'a, Path>>,
}

impl<'a> From<&'a GateReport> for GateV1<'a> {
    fn from(gate: &'a GateReport) -> Self {
        Self {
            name: gate.name.as_str().into(),
            per: gate.per,
            state: gate.state,
            reason: gate.reason.as_deref().map(Cow::from),
            evidence: gate.evidence.as_ref().map(EvidenceV1::from),
            output: gate.output.as_deref().map(Cow::Borrowed),
        }
    }
}
