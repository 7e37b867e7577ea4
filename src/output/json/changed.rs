//! `flota.changed/v1`

use serde::Serialize;

use super::{
    parts::{FileV1, ServiceV1},
    render::render,
};
use crate::model::{
    change::Changed,
    document::{BaseV1, EndV1, ExceptionV1, UnreadV1, WarningV1, exceptions},
};

/// `flota.changed/v1`
pub(crate) fn changed(changed: &Changed) -> String {
    render(&ChangedV1 {
        schema: "flota.changed/v1",
        base: BaseV1::from(&changed.base),
        head: EndV1::from(&changed.head),
        exceptions: exceptions(&changed.exceptions),
        services: changed.services.iter().map(ServiceV1::from).collect(),
        paths: changed.paths.iter().map(FileV1::from).collect(),
        warnings: changed.warnings.iter().map(WarningV1::from).collect(),
        errors: changed.unread.iter().map(UnreadV1::from).collect(),
    })
}

#[derive(Serialize)]
struct ChangedV1<'a> {
    schema: &'static str,
    base: BaseV1<'a>,
    head: EndV1<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<ExceptionV1<'a>>,
    services: Vec<ServiceV1<'a>>,
    paths: Vec<FileV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
    errors: Vec<UnreadV1<'a>>,
}
