//! Results as versioned JSON: a view type for each schema, so that the model may change without breaking readers.

mod build;
mod bump;
mod cache;
mod changed;
mod ci;
mod explain;
mod foreach;
mod init;
mod new;
mod parts;
mod plan;
mod record;
mod render;
mod resolve;
mod status;
mod switch;
mod template;
mod templates;
mod update;

pub use build::build;
pub use bump::bumps;
pub use cache::caches;
pub use changed::changed;
pub use ci::pipelines;
pub use explain::explanation;
pub use foreach::foreach;
pub use init::initialised;
pub use new::new;
pub use plan::plan;
pub use record::recorded;
pub use resolve::conflicts;
pub use status::status;
pub use switch::switched;
pub use template::{drift, template_updated};
pub use templates::templates;
pub use update::{cloned, followed, updated};
