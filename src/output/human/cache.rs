//! `flota cache`

use super::{table::table, words::kebab};
use crate::{
    model::cache::{Cache, CacheKind},
    output::text,
};

/// What flota keeps for later runs.
pub(crate) fn caches(caches: &[Cache]) -> String {
    let rows = caches.iter().map(|cache| {
        let held = match cache.kind {
            CacheKind::Identities
            | CacheKind::Indexes
            | CacheKind::Images
            | CacheKind::Durations => text::plural(cache.entries, "fact"),
            CacheKind::Fetched | CacheKind::Histories | CacheKind::Objects => {
                text::plural(cache.entries, "store")
            }
            CacheKind::Bases => text::plural(cache.entries, "blob"),
        };
        let path = text::line(&cache.path.to_string_lossy());
        vec![kebab(&cache.kind), held, text::size(cache.bytes), path]
    });
    table(&["CACHE", "HOLDS", "SIZE", "PATH"], rows)
}
