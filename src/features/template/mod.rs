//! `flota template`: services and the templates they were made from.

mod drift;
mod update;

pub use drift::drift;
pub use update::{UpdateRequest, update};
