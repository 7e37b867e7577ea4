//! What several commands share: which services are meant, which commits are compared, what changed between them, and what may be
//! done to a worktree. It returns values and emits events, as the features above it do, and knows none of them.

mod activate;
pub mod changed;
pub(crate) mod choices;
pub(crate) mod fact_file;
pub(crate) mod image_edges;
pub(crate) mod inside;
pub(crate) mod leftover;
pub(crate) mod lineage;
pub(crate) mod lock;
pub(crate) mod nested_pins;
pub(crate) mod parent;
pub(crate) mod pins;
pub(crate) mod published;
pub mod range;
pub mod scaffold;
pub mod select;
pub(crate) mod source_url;
pub mod status;
pub(crate) mod superproject;
pub mod sync;
pub(crate) mod worktree;
