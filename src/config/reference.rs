//! The file that has every key and explains each.

/// What the tests read, `flota help configuration` shows, a new fleet gets, and the schema takes its words from.
pub(super) const REFERENCE: &str = include_str!("../../fixtures/config/valid/reference.toml");
