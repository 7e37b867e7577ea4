//! The files of a pipeline, against what lies in the repository.

use std::path::PathBuf;

use serde::Serialize;

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
