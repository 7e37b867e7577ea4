//! `flota ci`

use super::table::table;
use crate::{
    model::pipeline::{Found, PipelineFile},
    output::text,
};

/// The files of a pipeline, `written` or only compared.
pub(crate) fn pipelines(files: &[PipelineFile], written: bool) -> String {
    let rows = files.iter().map(|file| {
        let state = match (file.found, written) {
            (Found::Same, _) => "up to date",
            (Found::Missing, true) => "written",
            (Found::Outdated | Found::Foreign, true) => "rewritten",
            (Found::Missing, false) => "missing",
            (Found::Outdated, false) => "out of date",
            (Found::Foreign, false) => "not written by flota",
        };
        vec![text::line(&file.path.to_string_lossy()), state.to_owned()]
    });
    table(&["FILE", "STATE"], rows)
}
