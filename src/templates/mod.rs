//! The templates of new services: those embedded in the binary and users' own, rendered in memory.
//!
//! A template is a directory with a `template.toml`, which says what it asks for, and the files of the service's repository. A
//! file ending in `.jinja` is rendered and loses the ending; every other file is taken as it is; names of files and folders
//! are rendered too. Variables are written in `[[ ]]` and statements in `[% %]`, so that Helm's own `{{ }}` stays what it is.

mod embedded;
mod folder;
mod pipelines;
mod record;
mod render;
mod repository;
mod service;
mod source;
mod template;

pub use embedded::{all, help_page, named};
pub use pipelines::pipelines;
pub use record::{FILE as RECORD, read as read_record};
pub use source::{WantedTemplate, load};
pub use template::{File, Template};

/// The trailer of a commit that holds what a template rendered and nothing else: its tree, which tells such a commit from one
/// that merely has its message (a rebase, a squash).
pub const RENDERING: &str = "Flota-Rendering";

#[cfg(test)]
mod tests;
