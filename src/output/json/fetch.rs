//! `flota.fetch/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes},
    render::render,
};
use crate::model::{
    document::Hex,
    fetch::{BranchMove, FetchRun, FetchedRepository},
};

/// `flota.fetch/v1`
pub(crate) fn fetched(run: &FetchRun) -> String {
    render(&FetchRunV1 {
        schema: "flota.fetch/v1",
        services: run.services.iter().map(FetchedV1::from).collect(),
        fleet: run.fleet.as_ref().map(FetchedV1::from),
    })
}

#[derive(Serialize)]
struct FetchRunV1<'a> {
    schema: &'static str,
    services: Vec<FetchedV1<'a>>,
    fleet: Option<FetchedV1<'a>>,
}

#[derive(Serialize)]
struct FetchedV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    outcome: &'static str,
    #[serde(flatten)]
    remote: OptionalBytes<'a>,
    branches: Vec<BranchMoveV1<'a>>,
    behind: Option<usize>,
    error: Option<String>,
}

impl<'a> From<&'a FetchedRepository> for FetchedV1<'a> {
    fn from(one: &'a FetchedRepository) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            outcome: one.outcome.name(),
            remote: OptionalBytes("remote", one.remote.as_ref().map(AsRef::as_ref)),
            branches: one.branches.iter().map(BranchMoveV1::from).collect(),
            behind: one.behind,
            error: one.outcome.error().map(ToString::to_string),
        }
    }
}

#[derive(Serialize)]
struct BranchMoveV1<'a> {
    #[serde(flatten)]
    name: Bytes<'a>,
    from: Option<Hex>,
    to: Option<Hex>,
}

impl<'a> From<&'a BranchMove> for BranchMoveV1<'a> {
    fn from(branch: &'a BranchMove) -> Self {
        Self {
            name: Bytes("name", branch.name.as_ref()),
            from: branch.from.map(Hex),
            to: branch.to.map(Hex),
        }
    }
}
