//! `flota status`: where every worktree stands.

pub use crate::fleet::status::status;
