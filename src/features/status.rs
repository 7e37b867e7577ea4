//! `flota status`: where every worktree stands. `flota bump` asks the same, so that the answer is the floor's below.

pub use crate::fleet::status::status;
