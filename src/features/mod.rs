//! Floor 3: the work of each command. Features return values and emit events; they never print.

pub(crate) mod build;
pub(crate) mod bump;
pub(crate) mod cache;
pub(crate) mod changed;
pub(crate) mod check;
pub(crate) mod ci;
pub(crate) mod clone;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod foreach;
pub(crate) mod help;
pub(crate) mod init;
pub(crate) mod man;
pub(crate) mod new;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod resolve;
pub(crate) mod status;
pub(crate) mod switch;
pub(crate) mod sync;
pub(crate) mod template;
pub(crate) mod templates;
pub(crate) mod update;
