//! `flota.cache/v1`

use std::os::unix::ffi::OsStrExt;

use bstr::ByteSlice;
use serde::Serialize;

use super::{parts::Bytes, render::render};
use crate::model::cache::{Cache, CacheKind};

/// `flota.cache/v1`
pub(crate) fn caches(caches: &[Cache]) -> String {
    render(&CachesV1 {
        schema: "flota.cache/v1",
        caches: caches.iter().map(CacheV1::from).collect(),
    })
}

#[derive(Serialize)]
struct CachesV1<'a> {
    schema: &'static str,
    caches: Vec<CacheV1<'a>>,
}

#[derive(Serialize)]
struct CacheV1<'a> {
    kind: CacheKind,
    #[serde(flatten)]
    path: Bytes<'a>,
    entries: usize,
    bytes: u64,
}

impl<'a> From<&'a Cache> for CacheV1<'a> {
    fn from(cache: &'a Cache) -> Self {
        Self {
            kind: cache.kind,
            path: Bytes("path", cache.path.as_os_str().as_bytes().as_bstr()),
            entries: cache.entries,
            bytes: cache.bytes,
        }
    }
}
