//! `flota worktree`: more than one worktree of the fleet, each with services of its own.

mod add;
mod list;
mod remove;

pub(crate) use add::{AddOptions, add};
pub(crate) use list::list;
pub(crate) use remove::remove;
