//! Floor 2: Git. Reads go through gix, in process; what gix lacks goes through `git` itself ([`command`]).

pub mod access;
pub mod command;
pub mod config_file;
pub mod content_id;
mod conversion;
pub mod export;
pub mod gitmodules;
pub mod history;
pub mod identity_cache;
pub mod index;
pub mod lock;
pub mod network;
mod objects;
mod older_urls;
mod pack;
pub mod path;
#[cfg(test)]
mod random;
pub mod remote;
pub mod repository;
pub mod status;
pub mod submodule;
pub mod success;
pub mod switch;
pub mod tree;
pub mod tree_builder;
pub(crate) mod unreadable;
pub mod update_index;
pub mod url;
mod version;
pub mod vet;
pub mod worktree;

pub use objects::Objects;
