//! Paths, which are bytes, as text in JSON: what is not printable ASCII is written as `%XX`.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use serde::{Deserialize, Deserializer, Serializer};

const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&percent_encode(path.as_os_str().as_bytes(), ENCODED))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<PathBuf, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(source)?;
    let bytes = percent_decode_str(&text).collect();
    Ok(OsString::from_vec(bytes).into())
}
