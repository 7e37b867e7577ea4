//! The one way to a git server: which command, which settings, what is tried again, and where the answer is kept.

pub mod clone;
pub mod fetch;
pub mod ls_remote;
pub mod reachability;
pub mod shallow;
mod upload_pack;
