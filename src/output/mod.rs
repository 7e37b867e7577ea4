//! Floor 4: the only place that prints. Results go to stdout, everything else to stderr.

pub mod ci;
pub mod error;
pub mod human;
pub mod json;
pub mod log;
pub mod pager;
pub mod progress;
pub mod prompt;
mod service_names;
mod streams;
pub mod text;
pub mod theme;

pub use streams::Output;
