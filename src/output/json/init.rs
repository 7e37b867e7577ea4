//! `flota.init/v1`

use serde::Serialize;

use super::render::render;
use crate::model::init::{InitOutcome, Initialised};

/// `flota.init/v1`
pub(crate) fn initialised(initialised: &Initialised) -> String {
    let files = initialised.parts.iter().map(|part| InitFileV1 {
        path: &part.path,
        outcome: part.outcome,
    });
    render(&InitV1 {
        schema: "flota.init/v1",
        new_repository: initialised.is_new,
        submodules: initialised.submodules,
        files: files.collect(),
    })
}

#[derive(Serialize)]
struct InitV1<'a> {
    schema: &'static str,
    new_repository: bool,
    submodules: usize,
    files: Vec<InitFileV1<'a>>,
}

#[derive(Serialize)]
struct InitFileV1<'a> {
    path: &'a str,
    outcome: InitOutcome,
}
