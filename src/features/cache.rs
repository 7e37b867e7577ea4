//! What earlier runs left for later ones: to be seen, and to be cleared.

use crate::{
    git::{fetch::kept, repository::Repository},
    model::{
        cache::{Cache, CacheKind},
        error::Result,
    },
};

/// The caches of a fleet, and what they take up.
pub fn caches(repository: &Repository) -> Result<[Cache; 2]> {
    let identities = repository.identities().usage()?;
    let fetched = kept::usage(repository)?;
    Ok([
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
    ])
}

/// Empties them.
///
/// # Errors
/// Something cannot be removed, or another run of flota is just fetching: what it writes to stays.
pub fn clear(repository: &Repository) -> Result<()> {
    repository.identities().clear()?;
    kept::clear(repository)
}
