//! `flota.commit/v1`

use bstr::BString;
use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes},
    render::render,
};
use crate::model::{
    commit::{Committed, ServiceCommit},
    document::{FailureV1, Hex},
    fleet::FLEET_PATH,
};

/// `flota.commit/v1`
pub(crate) fn committed(committed: &Committed) -> String {
    let staged = committed.pins.staged().iter();
    let services = committed.services.iter();
    let failed = services.map(|it| (&it.path, it.outcome.error()));
    let fleet = BString::from(FLEET_PATH);
    render(&CommittedV1 {
        schema: "flota.commit/v1",
        services: committed
            .services
            .iter()
            .map(ServiceCommitV1::from)
            .collect(),
        commit: committed.pins.commit().map(Hex),
        staged: staged
            .map(|path| StagedPinV1 {
                path: Bytes("path", path.as_ref()),
            })
            .collect(),
        error: committed.pins.error().map(ToString::to_string),
        errors: FailureV1::all(failed.chain([(&fleet, committed.pins.error())])),
    })
}

#[derive(Serialize)]
struct CommittedV1<'a> {
    schema: &'static str,
    services: Vec<ServiceCommitV1<'a>>,
    commit: Option<Hex>,
    staged: Vec<StagedPinV1<'a>>,
    error: Option<String>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct StagedPinV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
}

#[derive(Serialize)]
struct ServiceCommitV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    outcome: &'static str,
    #[serde(flatten)]
    branch: OptionalBytes<'a>,
    from: Option<Hex>,
    commit: Option<Hex>,
    error: Option<String>,
}

impl<'a> From<&'a ServiceCommit> for ServiceCommitV1<'a> {
    fn from(service: &'a ServiceCommit) -> Self {
        Self {
            path: Bytes("path", service.path.as_ref()),
            outcome: service.outcome.name(),
            branch: OptionalBytes("branch", service.branch.as_ref().map(AsRef::as_ref)),
            from: service.from.map(Hex),
            commit: service.to.map(Hex),
            error: service.outcome.error().map(ToString::to_string),
        }
    }
}
