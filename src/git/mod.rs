//! Floor 2: Git. Reads go through gix, in process; what gix lacks goes through `git` itself ([`command`]).

pub mod access;
pub mod branch;
pub mod command;
pub mod commit;
pub mod commit_log;
pub mod config_file;
pub mod content_id;
mod conversion;
pub mod export;
pub mod format;
pub mod gitmodules;
mod grafts;
pub mod head;
pub mod history;
pub mod identity_cache;
pub mod index;
pub mod lineage;
pub mod lock;
pub mod network;
mod objects;
mod older_urls;
pub mod only_here;
pub mod operation;
pub mod outgoing;
pub mod owner;
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
pub mod untracked;
pub mod update_index;
pub mod upstream;
pub mod url;
mod version;
pub mod vet;
pub mod worktree;

pub use objects::{Database, Objects};
