//! `flota status`: the state of every worktree. `flota bump` asks the same question, so the answer is in the floor below.

pub(crate) use crate::fleet::status::status;
