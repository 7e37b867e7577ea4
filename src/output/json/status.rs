//! `flota.status/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes},
    render::render,
};
use crate::model::status::{Changes, ServiceState, ServiceStatus, Standing};

/// `flota.status/v1`
pub(crate) fn status(services: &[ServiceStatus]) -> String {
    render(&StatusV1 {
        schema: "flota.status/v1",
        services: services.iter().map(ServiceStatusV1::from).collect(),
    })
}

#[derive(Serialize)]
struct StatusV1<'a> {
    schema: &'static str,
    services: Vec<ServiceStatusV1<'a>>,
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
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nested: Vec<ServiceStatusV1<'a>>,
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
            error,
            nested: service.nested.iter().map(Self::from).collect(),
        }
    }
}
