//! The one way to a git server: which command, by whose configuration, what is tried again, and where the answer is kept.
//!
//! Whoever asks a server starts with a [`command`], which all precautions are part of, and adds what is to be asked for.

pub mod clone;
pub(in crate::git) mod command;
mod configuration;
mod fault;
pub mod fetch;
pub mod ls_remote;
pub mod push;
pub mod reachability;
mod redirect;
mod retry;
pub mod shallow;
pub mod store;
mod trace;
mod upload_pack;

pub use fault::ServerFault;
