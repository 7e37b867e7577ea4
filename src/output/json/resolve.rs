//! `flota.resolve/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, CommitsV1},
    render::render,
};
use crate::model::{
    document::{FailureV1, Hex},
    resolve::{Conflict, Verdict},
};

/// `flota.resolve/v1`
pub(crate) fn conflicts(conflicts: &[Conflict]) -> String {
    render(&ConflictsV1 {
        schema: "flota.resolve/v1",
        services: conflicts.iter().map(ConflictV1::from).collect(),
        errors: FailureV1::all(conflicts.iter().map(|it| (&it.path, it.error()))),
    })
}

#[derive(Serialize)]
struct ConflictsV1<'a> {
    schema: &'static str,
    services: Vec<ConflictV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct ConflictV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    verdict: &'static str,
    base: Option<Hex>,
    ours: Option<Hex>,
    theirs: Option<Hex>,
    pin: Option<Hex>,
    ours_alone: Option<CommitsV1<'a>>,
    theirs_alone: Option<CommitsV1<'a>>,
    error: Option<String>,
}

impl<'a> From<&'a Conflict> for ConflictV1<'a> {
    fn from(conflict: &'a Conflict) -> Self {
        let (verdict, sides) = match &conflict.verdict {
            Verdict::Settled(_) => ("settled", None),
            Verdict::Diverged { ours, theirs, .. } => ("diverged", Some((ours, theirs))),
            Verdict::Open(_) => ("open", None),
        };
        Self {
            path: Bytes("path", conflict.path.as_ref()),
            verdict,
            base: conflict.base.map(Hex),
            ours: conflict.ours.map(Hex),
            theirs: conflict.theirs.map(Hex),
            pin: conflict.pin().map(Hex),
            ours_alone: sides.map(|(ours, _)| ours.into()),
            theirs_alone: sides.map(|(_, theirs)| theirs.into()),
            error: conflict.error().map(ToString::to_string),
        }
    }
}
