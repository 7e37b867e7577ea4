//! `flota.push/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes},
    render::render,
};
use crate::model::push::{Pushed, PushedBranch};

/// `flota.push/v1`
pub(crate) fn pushed(pushed: &Pushed) -> String {
    render(&PushedV1 {
        schema: "flota.push/v1",
        services: pushed.services.iter().map(PushedBranchV1::from).collect(),
        fleet: (&pushed.fleet).into(),
    })
}

#[derive(Serialize)]
struct PushedV1<'a> {
    schema: &'static str,
    services: Vec<PushedBranchV1<'a>>,
    fleet: PushedBranchV1<'a>,
}

#[derive(Serialize)]
struct PushedBranchV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    outcome: &'static str,
    #[serde(flatten)]
    branch: OptionalBytes<'a>,
    #[serde(flatten)]
    target: OptionalBytes<'a>,
    commits: usize,
    error: Option<String>,
}

impl<'a> From<&'a PushedBranch> for PushedBranchV1<'a> {
    fn from(one: &'a PushedBranch) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            outcome: one.outcome.name(),
            branch: OptionalBytes("branch", one.branch.as_ref().map(AsRef::as_ref)),
            target: OptionalBytes("target", one.target.as_ref().map(AsRef::as_ref)),
            commits: one.commits,
            error: one.outcome.error().map(ToString::to_string),
        }
    }
}
