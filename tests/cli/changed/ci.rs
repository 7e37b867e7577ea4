//! In CI.
