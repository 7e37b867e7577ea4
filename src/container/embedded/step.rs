//! What one instruction does to the file system of its stage.

use std::path::PathBuf;

use super::{copy::Copy, dockerfile::InstructionPlace, users::OwnerName};

/// One instruction.
#[derive(Debug)]
pub(super) struct Step {
    /// Where it stands.
    pub place: InstructionPlace,
    /// What it does to the file system.
    pub action: Action,
}

/// What an instruction does to the file system.
#[derive(Debug)]
pub(super) enum Action {
    /// Nothing: it is about the configuration alone.
    Describe,
    /// Makes a directory, unless it is there.
    MakeDirectory(PathBuf, OwnerName),
    /// Copies files.
    Copy(Copy),
}
