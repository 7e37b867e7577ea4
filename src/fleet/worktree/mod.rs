//! A service's worktree, and what flota may do to it: the one way for every command that changes it.

mod bring;
mod location;
mod loss;

pub(super) use bring::{Worktrees, settle};
pub(crate) use location::{initialised, of};
pub(crate) use loss::{of_switch, unreachable_commits};
