//! `flota.error/v1`

use serde::Serialize;

use super::render::render;
use crate::model::error::Error;

/// `flota.error/v1`: the answer of a run that failed as a whole.
pub(crate) fn error(error: &Error) -> String {
    render(&ErrorV1 {
        schema: "flota.error/v1",
        message: error.to_string(),
        causes: error.causes(),
        hints: error.hints(),
        exit_code: error.exit() as u8,
    })
}

#[derive(Serialize)]
struct ErrorV1<'a> {
    schema: &'static str,
    message: String,
    causes: Vec<String>,
    hints: &'a [String],
    exit_code: u8,
}
