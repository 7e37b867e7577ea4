//! `flota.ci/v1`

use std::os::unix::ffi::OsStrExt;

use bstr::ByteSlice;
use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::pipeline::{Found, PipelineFile};

/// `flota.ci/v1`
pub(crate) fn pipelines(files: &[PipelineFile], written: bool) -> String {
    render(&PipelinesV1 {
        schema: "flota.ci/v1",
        up_to_date: written || files.iter().all(|file| file.found == Found::Same),
        files: files
            .iter()
            .map(|file| PipelineFileV1::of(file, written))
            .collect(),
    })
}

#[derive(Serialize)]
struct PipelinesV1<'a> {
    schema: &'static str,
    /// After the run.
    up_to_date: bool,
    files: Vec<PipelineFileV1<'a>>,
}

#[derive(Serialize)]
struct PipelineFileV1<'a> {
    #[serde(flatten)]
    path: Bytes<'a>,
    /// Before the run.
    found: Found,
    written: bool,
}

impl<'a> PipelineFileV1<'a> {
    fn of(file: &'a PipelineFile, written: bool) -> Self {
        Self {
            path: Bytes("path", file.path.as_os_str().as_bytes().as_bstr()),
            found: file.found,
            written: written && file.found != Found::Same,
        }
    }
}
