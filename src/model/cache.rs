//! What flota keeps for later runs.

use std::path::PathBuf;

/// One of the caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Which one.
    pub kind: CacheKind,
    /// Where it is; it need not exist.
    pub path: PathBuf,
    /// How many facts, or repositories, it holds.
    pub entries: usize,
    /// What it takes on disk, in bytes.
    pub bytes: u64,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheKind {
    /// What was learned of submodules' commits: immutable facts.
    Identities,
    /// Commits and trees that were fetched, a bare repository for each URL.
    Fetched,
    /// Commits alone, of all branches of submodules' remotes, a bare repository for each URL.
    Histories,
    /// What was learned of worktrees' indexes: immutable facts.
    Indexes,
    /// Which images the Dockerfiles at pins name: immutable facts.
    Images,
    /// How long services took to build.
    Durations,
    /// Packs of cloned repositories, a folder for each URL, shared by all clones of this user.
    Objects,
    /// Images that the embedded builder built on, for all fleets of this user.
    Bases,
}
