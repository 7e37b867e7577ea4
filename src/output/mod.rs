//! Floor 4: the only place that prints. Results go to stdout, everything else to stderr.

pub(crate) mod ci;
pub(crate) mod diagram;
pub(crate) mod error;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod markdown;
pub(crate) mod pager;
pub(crate) mod progress;
pub(crate) mod prompt;
pub(crate) mod report;
mod service_names;
mod streams;
pub(crate) mod text;
pub(crate) mod theme;

pub(crate) use streams::{Output, write};
