//! `flota.clone/v1`

use std::{os::unix::ffi::OsStrExt, path::Path};

use bstr::ByteSlice;
use serde::Serialize;

use super::{
    parts::{Bytes, SubmoduleV1, unsynced},
    render::render,
};
use crate::model::{document::FailureV1, sync::Synced};

/// `flota.clone/v1`
pub(crate) fn cloned(directory: &Path, synced: &[Synced]) -> String {
    render(&ClonedV1 {
        schema: "flota.clone/v1",
        directory: Bytes("directory", directory.as_os_str().as_bytes().as_bstr()),
        submodules: synced.iter().map(SubmoduleV1::from).collect(),
        errors: unsynced(synced),
    })
}

#[derive(Serialize)]
struct ClonedV1<'a> {
    schema: &'static str,
    #[serde(flatten)]
    directory: Bytes<'a>,
    submodules: Vec<SubmoduleV1<'a>>,
    errors: Vec<FailureV1<'a>>,
}
