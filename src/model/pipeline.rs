//! The files of a pipeline, compared with those in the repository.

use std::path::PathBuf;

use serde::Serialize;

/// The matrices that a pipeline of Azure's reads of one plan, `matrix_0` and so on: each needs a job of its own in it, which
/// shows as skipped when there are fewer. With the 120 kB that one may have, they are enough for some 7,000 builds.
pub const AZURE_MATRICES: usize = 6;

/// One file of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineFile {
    /// From the repository's root.
    pub path: PathBuf,
    /// What was there.
    pub found: Found,
}

/// What lies where a file of a pipeline belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// The file as it would be written.
    Same,
    /// One that flota wrote, with other content.
    Outdated,
    /// One that flota did not write.
    Foreign,
    /// Nothing.
    Missing,
}
