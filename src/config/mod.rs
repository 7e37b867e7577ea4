//! `flota.toml`: from the file's bytes to [`Settings`](crate::model::settings::Settings).

mod gate;
mod load;
mod parse;
mod reader;
mod reference;
mod schema;
mod starter;
mod template;
#[cfg(test)]
mod tests;

pub use self::{
    load::load,
    parse::parse,
    schema::{SCHEMA_FILE, schema},
    starter::Starter,
    template::{parse_manifest, parse_record, write_record},
};
