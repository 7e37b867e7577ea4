//! Patches inside services, between two commits of the fleet.

use super::change::ServiceChange;

/// What differs inside one service.
#[derive(Debug)]
pub struct ServiceDiff {
    /// Which service.
    pub service: ServiceChange,
    /// The files, and how many lines of them differ.
    pub numbers: DiffNumbers,
    /// The patch as git writes it, its paths from the fleet's root.
    pub patch: Vec<u8>,
}

/// How much differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffNumbers {
    /// How many files.
    pub files: usize,
    /// How many lines are new; none of those of binary files.
    pub added: usize,
    /// How many lines are gone.
    pub removed: usize,
}
