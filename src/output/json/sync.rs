//! `flota.sync/v1`

use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::{document::FailureV1, relocation::Relocation};

/// `flota.sync/v1`
pub(crate) fn relocated(relocations: &[Relocation]) -> String {
    render(&SyncV1 {
        schema: "flota.sync/v1",
        services: relocations.iter().map(RelocationV1::from).collect(),
        errors: FailureV1::all(relocations.iter().map(|it| (&it.path, it.error.as_ref()))),
    })
}

#[derive(Serialize)]
struct SyncV1<'a> {
    schema: &'static str,
    services: Vec<RelocationV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct RelocationV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    #[serde(flatten)]
    from: Bytes<'a>,
    #[serde(flatten)]
    to: Bytes<'a>,
    error: Option<String>,
}

impl<'a> From<&'a Relocation> for RelocationV1<'a> {
    fn from(one: &'a Relocation) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            from: Bytes("from", one.from.as_ref()),
            to: Bytes("to", one.to.as_ref()),
            error: one.error.as_ref().map(ToString::to_string),
        }
    }
}
