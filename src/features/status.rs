//! `flota status`: where every worktree stands. `flota bump` asks the same, so that the answer is the floor's below.

pub(crate) use crate::fleet::status::status;
