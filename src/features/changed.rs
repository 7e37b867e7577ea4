//! `flota changed`: what changed inside the services between two commits.

pub use crate::fleet::changed::{ChangedOptions, changed};
