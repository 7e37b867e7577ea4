//! `flota.worktree-add/v1`, `flota.worktree-list/v1`, `flota.worktree-remove/v1`

use std::{os::unix::ffi::OsStrExt, path::Path};

use bstr::ByteSlice;
use serde::Serialize;

use super::{
    parts::{Bytes, OptionalBytes, SubmoduleV1},
    render::render,
};
use crate::model::{
    document::Hex,
    sync::Synced,
    worktree::{FleetWorktree, Obstacle, Removal},
};

/// `flota.worktree-add/v1`
pub(crate) fn worktree_added(directory: &Path, synced: &[Synced]) -> String {
    render(&AddedV1 {
        schema: "flota.worktree-add/v1",
        directory: shown(directory),
        submodules: synced.iter().map(SubmoduleV1::from).collect(),
    })
}

/// `flota.worktree-list/v1`
pub(crate) fn worktrees(worktrees: &[FleetWorktree]) -> String {
    render(&ListV1 {
        schema: "flota.worktree-list/v1",
        worktrees: worktrees.iter().map(WorktreeV1::from).collect(),
    })
}

/// `flota.worktree-remove/v1`
pub(crate) fn worktree_removed(removal: &Removal) -> String {
    render(&RemovedV1 {
        schema: "flota.worktree-remove/v1",
        directory: shown(&removal.directory),
        removed: removal.obstacles.is_empty(),
        obstacles: removal.obstacles.iter().map(ObstacleV1::from).collect(),
    })
}

fn shown(directory: &Path) -> Bytes<'_> {
    Bytes("directory", directory.as_os_str().as_bytes().as_bstr())
}

#[derive(Serialize)]
struct AddedV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    directory: Bytes<'a>,
    submodules: Vec<SubmoduleV1<'a>>,
}

#[derive(Serialize)]
struct ListV1<'a> {
    schema: &'static str,
    worktrees: Vec<WorktreeV1<'a>>,
}

#[derive(Serialize)]
struct WorktreeV1<'a> {
    #[serde(flatten)]
    directory: Bytes<'a>,
    kind: &'static str,
    #[serde(flatten)]
    branch: OptionalBytes<'a>,
    head: Option<Hex>,
    initialised: Option<usize>,
    services: Option<usize>,
}

impl<'a> From<&'a FleetWorktree> for WorktreeV1<'a> {
    fn from(one: &'a FleetWorktree) -> Self {
        Self {
            directory: shown(&one.directory),
            kind: one.kind.name(),
            branch: OptionalBytes("branch", one.branch.as_ref().map(AsRef::as_ref)),
            head: one.head.map(Hex),
            initialised: one.services.map(|(here, _)| here),
            services: one.services.map(|(_, all)| all),
        }
    }
}

#[derive(Serialize)]
struct RemovedV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    directory: Bytes<'a>,
    removed: bool,
    obstacles: Vec<ObstacleV1<'a>>,
}

#[derive(Serialize)]
struct ObstacleV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    error: String,
}

impl<'a> From<&'a Obstacle> for ObstacleV1<'a> {
    fn from(one: &'a Obstacle) -> Self {
        Self {
            path: Bytes("path", one.path.as_ref()),
            error: one.error.to_string(),
        }
    }
}
