//! `flota.foreach/v1`

use bstr::{BStr, ByteSlice};
use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::{
    document::FailureV1,
    foreach::{Ran, Summary},
};

/// `flota.foreach/v1`
pub(crate) fn foreach(all: &[Ran], summary: &Summary) -> String {
    let mut services: Vec<_> = all.iter().map(RanV1::from).collect();
    for (paths, outcome) in [
        (&summary.not_begun, "not-begun"),
        (&summary.uninitialised, "uninitialised"),
    ] {
        let without = |path| RanV1 {
            path: Bytes("path", path),
            outcome,
            code: None,
            output: None,
            error: None,
        };
        services.extend(paths.iter().map(|path| without(path.as_ref())));
    }
    let errors = all.iter().map(|ran| (&ran.path, ran.failure.as_ref()));
    services.sort_by_key(|service| service.path.1);
    render(&ForeachV1 {
        schema: "flota.foreach/v1",
        services,
        errors: FailureV1::all(errors),
    })
}

#[derive(Serialize)]
struct ForeachV1<'a> {
    schema: &'static str,
    services: Vec<RanV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}

#[derive(Serialize)]
struct RanV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    outcome: &'static str,
    code: Option<i32>,
    #[serde(flatten)]
    output: Option<Bytes<'a>>,
    error: Option<String>,
}

impl<'a> From<&'a Ran> for RanV1<'a> {
    fn from(ran: &'a Ran) -> Self {
        let output: &BStr = ran.text.as_bstr();
        Self {
            path: Bytes("path", ran.path.as_ref()),
            outcome: match ran.failure {
                None => "succeeded",
                Some(_) => "failed",
            },
            code: ran.code,
            output: Some(Bytes("output", output)),
            error: ran.failure.as_ref().map(ToString::to_string),
        }
    }
}
