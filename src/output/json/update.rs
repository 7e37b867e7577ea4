//! `flota.update/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, CommitsV1, OptionalBytes, SubmoduleV1, unsynced},
    render::render,
};
use crate::model::{
    document::{FailureV1, Hex},
    leftover::Pruned,
    sync::{Followed, Move, Synced},
};

/// `flota.update/v1`
pub(crate) fn updated(synced: &[Synced], pruned: Option<&[Pruned]>) -> String {
    render(&UpdatedV1 {
        schema: "flota.update/v1",
        submodules: synced.iter().map(SubmoduleV1::from).collect(),
        pruned: pruned.map(|pruned| pruned.iter().map(PrunedV1::from).collect()),
        errors: unsynced(synced),
    })
}

/// `flota.update/v1` with the pins that moved, and the commit that records them.
pub(crate) fn followed(followed: &Followed) -> String {
    render(&FollowedV1 {
        schema: "flota.update/v1",
        pins: followed.moves.iter().map(MoveV1::from).collect(),
        commit: followed.commit.map(Hex),
        submodules: followed.synced.iter().map(SubmoduleV1::from).collect(),
        errors: unsynced(&followed.synced),
    })
}

#[derive(Serialize)]
struct UpdatedV1<'a> {
    schema: &'static str,
    submodules: Vec<SubmoduleV1<'a>>,
    errors: Vec<FailureV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Vec<PrunedV1<'a>>>,
}

/// What `--prune` did to what is left of a service.
#[derive(Serialize)]
struct PrunedV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    #[serde(flatten)]
    name: Bytes<'a>,
    outcome: &'static str,
    error: Option<String>,
}

impl<'a> From<&'a Pruned> for PrunedV1<'a> {
    fn from(one: &'a Pruned) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            name: Bytes("name", one.name.as_ref()),
            outcome: one.outcome(),
            error: one.left.as_ref().map(ToString::to_string),
        }
    }
}

#[derive(Serialize)]
struct FollowedV1<'a> {
    schema: &'static str,
    pins: Vec<MoveV1<'a>>,
    commit: Option<Hex>,
    submodules: Vec<SubmoduleV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct MoveV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    #[serde(flatten)]
    branch: OptionalBytes<'a>,
    from: Hex,
    to: Hex,
    gained: Option<CommitsV1<'a>>,
    lost: Option<CommitsV1<'a>>,
}

impl<'a> From<&'a Move> for MoveV1<'a> {
    fn from(one: &'a Move) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            branch: OptionalBytes("branch", one.branch.as_ref().map(AsRef::as_ref)),
            from: Hex(one.from),
            to: Hex(one.to),
            gained: one.gained.as_ref().map(CommitsV1::from),
            lost: one.lost.as_ref().map(CommitsV1::from),
        }
    }
}
