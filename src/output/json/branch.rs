//! `flota.branch/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes},
    render::render,
};
use crate::model::{
    branch::{BranchResult, LocalBranch, ServiceBranches},
    document::Hex,
};

/// `flota.branch/v1` of a list.
pub(crate) fn branches(services: &[ServiceBranches]) -> String {
    render(&BranchesV1 {
        schema: SCHEMA,
        services: services.iter().map(ServiceBranchesV1::from).collect(),
    })
}

/// `flota.branch/v1` of branches that were made or deleted.
pub(crate) fn changed_branches(done: &[BranchResult]) -> String {
    render(&BranchesV1 {
        schema: SCHEMA,
        services: done.iter().map(BranchResultV1::from).collect(),
    })
}

const SCHEMA: &str = "flota.branch/v1";

#[derive(Serialize)]
struct BranchesV1<T> {
    schema: &'static str,
    services: Vec<T>,
}

#[derive(Serialize)]
struct ServiceBranchesV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    branches: Vec<LocalBranchV1<'a>>,
    error: Option<String>,
}

impl<'a> From<&'a ServiceBranches> for ServiceBranchesV1<'a> {
    fn from(service: &'a ServiceBranches) -> Self {
        let branches = service.branches.iter().flatten();
        Self {
            path: Bytes("path", service.path.as_ref()),
            branches: branches.map(LocalBranchV1::from).collect(),
            error: service.branches.as_ref().err().map(ToString::to_string),
        }
    }
}

#[derive(Serialize)]
struct LocalBranchV1<'a> {
    #[serde(flatten)]
    name: Bytes<'a>,
    commit: Hex,
    current: bool,
    #[serde(flatten)]
    upstream: OptionalBytes<'a>,
    ahead: Option<usize>,
    behind: Option<usize>,
    merged: bool,
}

impl<'a> From<&'a LocalBranch> for LocalBranchV1<'a> {
    fn from(branch: &'a LocalBranch) -> Self {
        Self {
            name: Bytes("name", branch.name.as_ref()),
            commit: Hex(branch.commit),
            current: branch.is_current,
            upstream: OptionalBytes("upstream", branch.upstream.as_ref().map(AsRef::as_ref)),
            ahead: branch.ahead,
            behind: branch.behind,
            merged: branch.is_merged,
        }
    }
}

#[derive(Serialize)]
struct BranchResultV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    #[serde(flatten)]
    branch: OptionalBytes<'a>,
    commit: Option<Hex>,
    outcome: &'static str,
    error: Option<String>,
}

impl<'a> From<&'a BranchResult> for BranchResultV1<'a> {
    fn from(one: &'a BranchResult) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            branch: OptionalBytes("branch", one.branch.as_ref().map(AsRef::as_ref)),
            commit: one.commit.map(Hex),
            outcome: one.outcome.name(),
            error: one.outcome.error().map(ToString::to_string),
        }
    }
}
