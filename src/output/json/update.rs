//! `flota.update/v1`, and `flota.clone/v1`

use std::{os::unix::ffi::OsStrExt, path::Path};

use bstr::ByteSlice;
use serde::Serialize;

use super::{
    parts::{Bytes, CommitsV1, OptionalBytes},
    render::render,
};
use crate::model::{
    document::Hex,
    sync::{Followed, Move, SyncOutcome, Synced},
};

/// `flota.clone/v1`
pub fn cloned(directory: &Path, synced: &[Synced]) -> String {
    render(&SyncedV1 {
        schema: "flota.clone/v1",
        directory: Some(Bytes(
            "directory",
            directory.as_os_str().as_bytes().as_bstr(),
        )),
        submodules: synced.iter().map(SubmoduleV1::from).collect(),
    })
}

/// `flota.update/v1`
pub fn updated(synced: &[Synced]) -> String {
    render(&SyncedV1 {
        schema: "flota.update/v1",
        directory: None,
        submodules: synced.iter().map(SubmoduleV1::from).collect(),
    })
}

/// `flota.update/v1` with the pins that moved, and the commit that records them.
pub fn followed(followed: &Followed) -> String {
    render(&FollowedV1 {
        schema: "flota.update/v1",
        pins: followed.moves.iter().map(MoveV1::from).collect(),
        commit: followed.commit.map(Hex),
        submodules: followed.synced.iter().map(SubmoduleV1::from).collect(),
    })
}

#[derive(Serialize)]
struct FollowedV1<'a> {
    schema: &'static str,
    pins: Vec<MoveV1<'a>>,
    commit: Option<Hex>,
    submodules: Vec<SubmoduleV1<'a>>,
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

#[derive(Serialize)]
struct SyncedV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    directory: Option<Bytes<'a>>,
    submodules: Vec<SubmoduleV1<'a>>,
}

#[derive(Serialize)]
struct SubmoduleV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    pin: Option<Hex>,
    outcome: &'static str,
    from: Option<Hex>,
    error: Option<String>,
}

impl<'a> From<&'a Synced> for SubmoduleV1<'a> {
    fn from(synced: &'a Synced) -> Self {
        Self {
            path: Bytes("path", synced.path.as_ref()),
            pin: synced.pin.map(Hex),
            outcome: synced.outcome.name(),
            from: match &synced.outcome {
                SyncOutcome::Moved { from } => Some(Hex(*from)),
                _ => None,
            },
            error: synced.outcome.error().map(ToString::to_string),
        }
    }
}
