//! `flota template`: services and the templates they were created from.

mod drift;
mod update;

pub(crate) use drift::drift;
pub(crate) use update::{UpdateRequest, update};
