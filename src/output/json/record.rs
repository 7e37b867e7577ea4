//! `flota.record/v1`

use serde::Serialize;

use super::render::render;
use crate::model::{
    document::{ExceptionV1, Hex, exceptions},
    record::Recorded,
};

/// `flota.record/v1`
pub(crate) fn recorded(recorded: &Recorded) -> String {
    render(&RecordedV1 {
        schema: "flota.record/v1",
        reference: &recorded.reference,
        record: Hex(recorded.record),
        commit: Hex(recorded.success.commit),
        exceptions: exceptions(&recorded.success.exceptions),
        evidence: recorded.evidence,
        changed: recorded.is_changed,
        pushed: recorded.is_pushed,
    })
}

#[derive(Serialize)]
struct RecordedV1<'a> {
    schema: &'static str,
    #[serde(rename = "ref")]
    reference: &'a str,
    record: Hex,
    commit: Hex,
    exceptions: Vec<ExceptionV1<'a>>,
    evidence: usize,
    changed: bool,
    pushed: bool,
}
