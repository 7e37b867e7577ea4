//! Floor 3: the work of each command. Features return values and emit events; they never print.

pub mod build;
pub mod bump;
pub mod cache;
pub mod changed;
pub mod check;
pub mod ci;
pub mod clone;
pub mod completions;
pub mod demo;
pub mod explain;
pub mod foreach;
pub mod help;
pub mod init;
pub mod man;
pub mod new;
pub mod plan;
pub mod record;
pub mod resolve;
pub mod status;
pub mod switch;
pub mod template;
pub mod templates;
pub mod update;
