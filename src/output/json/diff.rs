//! `flota.diff/v1`

use bstr::ByteSlice;
use serde::Serialize;

use super::{
    parts::{BetweenV1, Bytes, ServiceV1},
    render::render,
};
use crate::model::{diff::ServiceDiff, log::Between};

/// `flota.diff/v1`
pub(crate) fn diffs(diffs: &Between<ServiceDiff>) -> String {
    let services = diffs.services.iter().map(ServiceDiffV1::from).collect();
    render(&BetweenV1::new("flota.diff/v1", diffs, services))
}

#[derive(Serialize)]
struct ServiceDiffV1<'a> {
    #[serde(flatten)]
    service: ServiceV1<'a>,
    files: usize,
    added: usize,
    removed: usize,
    #[serde(flatten)]
    patch: Bytes<'a>,
}

impl<'a> From<&'a ServiceDiff> for ServiceDiffV1<'a> {
    fn from(diff: &'a ServiceDiff) -> Self {
        Self {
            service: (&diff.service).into(),
            files: diff.numbers.files,
            added: diff.numbers.added,
            removed: diff.numbers.removed,
            patch: Bytes("patch", diff.patch.as_bstr()),
        }
    }
}
