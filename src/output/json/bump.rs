//! `flota.bump/v1`

use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::{bump::Bump, document::Hex, status::Standing};

/// `flota.bump/v1`
pub(crate) fn bumps(bumps: &[Bump]) -> String {
    render(&BumpsV1 {
        schema: "flota.bump/v1",
        services: bumps.iter().map(BumpV1::from).collect(),
    })
}

#[derive(Serialize)]
struct BumpsV1<'a> {
    schema: &'static str,
    services: Vec<BumpV1<'a>>,
}

#[derive(Serialize)]
struct BumpV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    from: Option<Hex>,
    to: Hex,
    standing: Standing,
    dirty: bool,
}

impl<'a> From<&'a Bump> for BumpV1<'a> {
    fn from(bump: &'a Bump) -> Self {
        Self {
            path: Bytes("path", bump.path.as_ref()),
            from: bump.from.map(Hex),
            to: Hex(bump.to),
            standing: bump.standing,
            dirty: bump.is_dirty,
        }
    }
}
