//! `flota.pull/v1`

use serde::Serialize;

use super::{
    parts::{Bytes, SubmoduleV1},
    render::render,
};
use crate::model::{
    document::Hex,
    pull::{Pulled, PulledPin},
};

/// `flota.pull/v1`
pub(crate) fn pulled(pulled: &Pulled) -> String {
    render(&PulledV1 {
        schema: "flota.pull/v1",
        branch: Bytes("branch", pulled.branch.as_ref()),
        upstream: Bytes("upstream", pulled.upstream.as_ref()),
        from: pulled.from.map(Hex),
        to: Hex(pulled.to),
        pins: pulled.pins.iter().map(PulledPinV1::from).collect(),
        submodules: pulled.synced.iter().map(SubmoduleV1::from).collect(),
    })
}

#[derive(Serialize)]
struct PulledV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    branch: Bytes<'a>,
    #[serde(flatten)]
    upstream: Bytes<'a>,
    from: Option<Hex>,
    to: Hex,
    pins: Vec<PulledPinV1<'a>>,
    submodules: Vec<SubmoduleV1<'a>>,
}

#[derive(Serialize)]
struct PulledPinV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    from: Option<Hex>,
    to: Option<Hex>,
}

impl<'a> From<&'a PulledPin> for PulledPinV1<'a> {
    fn from(pin: &'a PulledPin) -> Self {
        Self {
            path: Bytes("path", pin.path.as_ref()),
            from: pin.from.map(Hex),
            to: pin.to.map(Hex),
        }
    }
}
