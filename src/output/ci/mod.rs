//! What CI systems read: plans in each one's own form.
//!
//! Names and paths come from repositories. Here they are spelled as [`inert`](crate::model::step_id::inert) spells them, letters, digits and `._/-%`, so that
//! nothing in them is an expression, a command, an option or markup to any system or shell; `flota build --step` reads them back.

pub mod azure;
pub mod buildkite;
mod division;
pub mod github;
pub mod gitlab;
pub mod jenkins;
pub mod log_commands;
mod matrix;
pub mod summary;
#[cfg(test)]
mod tests;

pub use division::Division;
