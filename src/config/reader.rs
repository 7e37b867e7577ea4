//! TOML values that know their line and column, read key by key.
//!
//! serde's derive is not used: it loses the place of an unknown key and the names beside it, and knows no hints.

mod document;
mod read;
mod shape;
mod value;

pub(super) use self::{
    document::TomlDocument,
    read::{list, map, one_of, tables, text},
    shape::{Form, Recorder},
    value::{Keys, Value},
};
