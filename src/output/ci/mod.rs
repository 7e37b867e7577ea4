//! What CI systems read: plans in each one's own form.
//!
//! Names and paths come from repositories. Here they are spelled as [`inert`](crate::model::step_id::inert) spells them, letters, digits and `._/-%`, so that
//! nothing in them is an expression, a command, an option or markup to any system or shell; `flota build --step` reads them back.

pub(crate) mod azure;
pub(crate) mod buildkite;
mod division;
pub(crate) mod github;
pub(crate) mod gitlab;
pub(crate) mod jenkins;
pub(crate) mod log_commands;
mod matrix;
pub(crate) mod summary;
#[cfg(test)]
mod tests;

pub(crate) use division::Division;
