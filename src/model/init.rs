//! What `flota init` did to a repository.

use std::path::PathBuf;

use serde::Serialize;

/// A repository that is a fleet now.
#[derive(Debug)]
pub struct Initialised {
    /// Its worktree's root.
    pub root: PathBuf,
    /// Whether the repository itself is new.
    pub is_new: bool,
    /// How many submodules it has.
    pub submodules: usize,
    /// What belongs to a fleet.
    pub parts: Vec<FleetPart>,
}

/// A file, relative to the root, and what became of it.
#[derive(Debug)]
pub struct FleetPart {
    /// Its path.
    pub path: String,
    /// What was done.
    pub outcome: InitOutcome,
}

/// What was done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitOutcome {
    /// It is new.
    Made,
    /// A section was added at its end.
    Extended,
    /// It was there, and is as it was.
    Kept,
}
