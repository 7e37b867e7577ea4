//! Floor 1: pure data and rules, no IO.

pub mod error;
pub mod exit;
pub mod reference;
