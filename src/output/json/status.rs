//! `flota.status/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes},
    render::render,
};
use crate::model::{
    document::FailureV1,
    fleet_status::FleetStatus,
    leftover::Leftover,
    status::{Changes, Operation, ServiceState, ServiceStatus, Standing},
};

/// `flota.status/v1`
pub(crate) fn status(status: &FleetStatus) -> String {
    let (services, leftovers) = (&status.services, &status.leftovers);
    let unreadable = services.iter().map(|it| (&it.path, it.state.error()));
    let lost = leftovers.iter().map(|it| (&it.path, it.error.as_ref()));
    render(&StatusV1 {
        schema: "flota.status/v1",
        services: services.iter().map(ServiceStatusV1::from).collect(),
        leftovers: leftovers.iter().map(LeftoverV1::from).collect(),
        errors: FailureV1::all(unreadable.chain(lost)),
    })
}

#[derive(Serialize)]
struct StatusV1<'a> {
    schema: &'static str,
    services: Vec<ServiceStatusV1<'a>>,
    leftovers: Vec<LeftoverV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct ServiceStatusV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    state: &'static str,
    pin: Option<String>,
    head: Option<String>,
    #[serde(flatten)]
    branch: OptionalBytes<'a>,
    standing: Option<Standing>,
    changes: Option<Changes>,
    unpushed: Option<usize>,
    stashes: Option<usize>,
    behind: Option<usize>,
    operation: Option<Operation>,
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nested: Vec<ServiceStatusV1<'a>>,
}

impl<'a> From<&'a ServiceStatus> for ServiceStatusV1<'a> {
    fn from(service: &'a ServiceStatus) -> Self {
        let (state, worktree) = match &service.state {
            ServiceState::Here(worktree) => ("here", Some(worktree)),
            ServiceState::Uninitialised => ("uninitialised", None),
            ServiceState::Unreadable(_) => ("unreadable", None),
        };
        let branch = worktree.and_then(|worktree| worktree.branch.as_ref());
        Self {
            path: Bytes("path", service.path.as_ref()),
            state,
            pin: service.pin.map(|pin| pin.to_string()),
            head: worktree.and_then(|worktree| Some(worktree.head?.to_string())),
            branch: OptionalBytes("branch", branch.map(AsRef::as_ref)),
            standing: worktree.map(|worktree| worktree.standing),
            changes: worktree.map(|worktree| worktree.changes),
            unpushed: worktree.map(|worktree| worktree.unpushed),
            stashes: worktree.map(|worktree| worktree.stashes),
            behind: worktree.map(|worktree| worktree.behind),
            operation: worktree.and_then(|worktree| worktree.operation),
            error: service.state.error().map(ToString::to_string),
            nested: service.nested.iter().map(Self::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct LeftoverV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    #[serde(flatten)]
    name: Bytes<'a>,
    changes: Changes,
    unpushed: usize,
    stashes: usize,
    operation: Option<Operation>,
    error: Option<String>,
}

impl<'a> From<&'a Leftover> for LeftoverV1<'a> {
    fn from(one: &'a Leftover) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            name: Bytes("name", one.name.as_ref()),
            changes: one.work.changes,
            unpushed: one.work.unpushed,
            stashes: one.work.stashes,
            operation: one.work.operation,
            error: one.error.as_ref().map(ToString::to_string),
        }
    }
}
