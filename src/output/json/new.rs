//! `flota.new/v1`

use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::{
    document::Hex,
    new::{NewService, RemoteKind},
};

/// `flota.new/v1`
pub(crate) fn new(service: &NewService) -> String {
    render(&NewV1 {
        schema: "flota.new/v1",
        path: Bytes("path", service.path.as_ref()),
        template: &service.template,
        branch: &service.branch,
        commit: Hex(service.commit),
        url: Bytes("url", service.url.as_ref()),
        remote: Bytes("remote", service.remote.as_ref()),
        made_remote: service.kind != RemoteKind::Existing,
        committed: service.is_committed,
    })
}

#[derive(Serialize)]
struct NewV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    path: Bytes<'a>,
    template: &'a str,
    branch: &'a str,
    commit: Hex,
    #[serde(flatten)]
    url: Bytes<'a>,
    #[serde(flatten)]
    remote: Bytes<'a>,
    made_remote: bool,
    committed: bool,
}
