//! `flota.switch/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes, SubmoduleV1},
    render::render,
};
use crate::model::{
    document::{FailureV1, Hex},
    switch::Switched,
};

/// `flota.switch/v1`
pub(crate) fn switched(branch: &str, services: &[Switched]) -> String {
    render(&SwitchV1 {
        schema: "flota.switch/v1",
        branch,
        services: services.iter().map(SwitchedV1::from).collect(),
        errors: FailureV1::all(services.iter().map(|it| (&it.path, it.outcome.error()))),
    })
}

#[derive(Serialize)]
struct SwitchV1<'a> {
    schema: &'static str,
    branch: &'a str,
    services: Vec<SwitchedV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct SwitchedV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    outcome: &'static str,
    #[serde(flatten)]
    from: OptionalBytes<'a>,
    commit: Option<Hex>,
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    submodules: Vec<SubmoduleV1<'a>>,
}

impl<'a> From<&'a Switched> for SwitchedV1<'a> {
    fn from(service: &'a Switched) -> Self {
        Self {
            path: Bytes("path", service.path.as_ref()),
            outcome: service.outcome.name(),
            from: OptionalBytes("from", service.from.as_ref().map(AsRef::as_ref)),
            commit: service.to.map(Hex),
            error: service.outcome.error().map(ToString::to_string),
            submodules: service.nested.iter().map(SubmoduleV1::from).collect(),
        }
    }
}
