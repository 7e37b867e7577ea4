//! `flota.status/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes},
    render::render,
};
use crate::model::{
    fleet_status::FleetStatus,
    leftover::Leftover,
    status::{Changes, Operation, ServiceState, ServiceStatus, Standing},
};

/// `flota.status/v1`
pub(crate) fn status(status: &FleetStatus) -> String {
    render(&StatusV1 {
        schema: "flota.status/v1",
        services: status.services.iter().map(ServiceStatusV1::from).collect(),
        leftovers: status.leftovers.iter().map(LeftoverV1::from).collect(),
    })
}

#[derive(Serialize)]
struct StatusV1<'a> {
    schema: &'static str,
    services: Vec<ServiceStatusV1<'a>>,
    leftovers: Vec<LeftoverV1<'a>>,
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
    operation: Option<Operation>,
    error: Option<String>,
}

impl<'a> From<&'a ServiceStatus> for ServiceStatusV1<'a> {
    fn from(service: &'a ServiceStatus) -> Self {
        let (state, worktree, error) = match &service.state {
            ServiceState::Here(worktree) => ("here", Some(worktree), None),
            ServiceState::Uninitialised => ("uninitialised", None, None),
            ServiceState::Unreadable(error) => ("unreadable", None, Some(error.to_string())),
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
            operation: worktree.and_then(|worktree| worktree.operation),
            error,
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
