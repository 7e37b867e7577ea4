//! `flota.template-drift/v1` and `flota.template-update/v1`

use bstr::{BString, ByteSlice};
use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::{
    document::{FailureV1, Hex},
    template::{Drift, DriftState, UpdateOutcome, Updated},
};

/// `flota.template-drift/v1`
pub(crate) fn drift(drift: &[Drift]) -> String {
    render(&DriftsV1 {
        schema: "flota.template-drift/v1",
        services: drift.iter().map(DriftV1::from).collect(),
        errors: FailureV1::all(drift.iter().map(|it| (&it.path, it.state.error()))),
    })
}

/// `flota.template-update/v1`
pub(crate) fn template_updated(updated: &[Updated]) -> String {
    render(&UpdatesV1 {
        schema: "flota.template-update/v1",
        services: updated.iter().map(UpdateV1::from).collect(),
        errors: FailureV1::all(updated.iter().map(|it| (&it.path, it.outcome.error()))),
    })
}

#[derive(Serialize)]
struct DriftsV1<'a> {
    schema: &'static str,
    services: Vec<DriftV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct DriftV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    state: &'static str,
    template: Option<&'a str>,
    version: Option<Hex>,
    current: Option<Hex>,
    why: Option<String>,
}

impl<'a> From<&'a Drift> for DriftV1<'a> {
    fn from(service: &'a Drift) -> Self {
        let record = service.record.as_ref();
        let version = record.map(|record| record.version);
        Self {
            path: Bytes("path", service.path.as_ref()),
            state: service.state.word(),
            template: record.map(|record| record.template.as_str()),
            version: version.map(Hex),
            current: match service.state {
                DriftState::Behind(now) => Some(Hex(now)),
                DriftState::Current => version.map(Hex),
                _ => None,
            },
            why: service.state.error().map(ToString::to_string),
        }
    }
}

#[derive(Serialize)]
struct UpdatesV1<'a> {
    schema: &'static str,
    services: Vec<UpdateV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct UpdateV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    outcome: &'static str,
    head: Option<Hex>,
    conflicts: Vec<Bytes<'a>>,
    why: Option<String>,
}

impl<'a> From<&'a Updated> for UpdateV1<'a> {
    fn from(service: &'a Updated) -> Self {
        let conflicts: &[BString] = match &service.outcome {
            UpdateOutcome::Conflicts(files) => files,
            _ => &[],
        };
        Self {
            path: Bytes("path", service.path.as_ref()),
            outcome: service.outcome.word(),
            head: match service.outcome {
                UpdateOutcome::Merged(head) => Some(Hex(head)),
                _ => None,
            },
            conflicts: conflicts
                .iter()
                .map(|file| Bytes("path", file.as_bstr()))
                .collect(),
            why: service.outcome.error().map(ToString::to_string),
        }
    }
}
