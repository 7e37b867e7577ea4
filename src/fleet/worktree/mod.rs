//! A service's worktree, and what flota may do to it: the one way for every command that changes it.

mod advance;
mod bring;
mod location;
mod loss;
mod relocate;
mod strategy;
mod worktrees;

pub(super) use bring::settle;
pub(crate) use location::{initialised, of};
pub(super) use loss::unpushed_commits;
pub(crate) use loss::{of_switch, unreachable_commits};
pub(super) use relocate::claimed;
pub(crate) use strategy::Strategy;
pub(super) use worktrees::Worktrees;
