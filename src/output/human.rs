//! Results as tables that a person reads at a glance.

mod build;
mod bump;
mod cache;
mod changed;
mod ci;
mod explain;
mod foreach;
mod init;
mod new;
mod plan;
mod record;
mod resolve;
mod status;
mod switch;
mod table;
mod template;
mod templates;
mod update;
mod words;

pub use build::{build, outcome, status_word};
pub use bump::bumps;
pub use cache::caches;
pub use changed::{changed, names};
pub use ci::pipelines;
pub use explain::explanation;
pub use foreach::{foreach, ran};
pub use init::{after_init, initialised};
pub use new::{after_new, new};
pub use plan::plan;
pub use record::recorded;
pub use resolve::conflicts;
pub use status::status;
pub use switch::switched;
pub use template::{drift, template_updated};
pub use templates::templates;
pub use update::{cloned, followed, updated};
