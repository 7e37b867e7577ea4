//! The one way to a git server: which command, which configuration, what is retried, and where the answer is stored.
//!
//! Every request to a server starts with a [`command`], which has all precautions, and adds what it asks for.

mod capabilities;
pub mod clone;
pub(in crate::git) mod command;
mod configuration;
mod conversation;
mod credential;
mod fault;
pub mod fetch;
pub mod ls_remote;
pub mod own;
pub mod patch;
pub mod promised;
pub mod push;
pub mod question;
pub mod reachability;
mod redirect;
mod retry;
pub mod revision;
pub mod shallow;
pub mod store;
mod trace;
mod upload_pack;

pub use fault::ServerFault;
