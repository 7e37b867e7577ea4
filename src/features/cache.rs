//! What earlier runs stored for later ones: to be listed and cleared.

use crate::{
    container::embedded::BaseCache,
    fleet::fact_file::{self, DURATIONS, IMAGES},
    git::{
        network::{
            clone::cache::ObjectCache,
            store::{self, StoreKind},
        },
        repository::Repository,
        status::Facts,
    },
    model::{
        cache::{Cache, CacheKind},
        error::Result,
    },
};

/// Those that are a file of small facts.
const FACTS: [(CacheKind, &str); 2] = [
    (CacheKind::Images, IMAGES),
    (CacheKind::Durations, DURATIONS),
];

/// The caches of a fleet and of its user, and what they take up.
pub(crate) fn caches(repository: &Repository) -> Result<Vec<Cache>> {
    let identities = repository.identities().usage()?;
    let fetched = store::usage(repository, StoreKind::Trees)?;
    let histories = store::usage(repository, StoreKind::Histories)?;
    let indexes = Facts::of(repository);
    let mut caches = vec![
        Cache {
            kind: CacheKind::Identities,
            path: identities.path,
            entries: identities.entries,
            bytes: identities.bytes,
        },
        Cache {
            kind: CacheKind::Fetched,
            path: fetched.path,
            entries: fetched.entries,
            bytes: fetched.bytes,
        },
        Cache {
            kind: CacheKind::Histories,
            path: histories.path,
            entries: histories.entries,
            bytes: histories.bytes,
        },
        Cache {
            kind: CacheKind::Indexes,
            entries: indexes.count(),
            bytes: indexes.bytes(),
            path: indexes.path(),
        },
    ];
    for (kind, name) in FACTS {
        let facts = fact_file::usage(repository, name);
        caches.push(Cache {
            kind,
            path: facts.path,
            entries: facts.entries,
            bytes: facts.bytes,
        });
    }
    if let Some(objects) = ObjectCache::of_user() {
        let objects = objects.usage()?;
        caches.push(Cache {
            kind: CacheKind::Objects,
            path: objects.path,
            entries: objects.entries,
            bytes: objects.bytes,
        });
    }
    if let Some(bases) = BaseCache::of_user() {
        let usage = bases.usage()?;
        caches.push(Cache {
            kind: CacheKind::Bases,
            path: bases.path().to_owned(),
            entries: usage.blobs,
            bytes: usage.bytes,
        });
    }
    Ok(caches)
}

/// Empties them.
///
/// # Errors
/// Something cannot be removed, or another run of flota is just fetching: what it writes to stays.
pub(crate) fn clear(repository: &Repository) -> Result<()> {
    repository.identities().clear()?;
    store::clear(repository)?;
    Facts::of(repository).clear()?;
    for (_, name) in FACTS {
        fact_file::clear(repository, name)?;
    }
    ObjectCache::of_user().map_or(Ok(()), |objects| objects.clear())?;
    BaseCache::of_user().map_or(Ok(()), |bases| bases.clear())
}
