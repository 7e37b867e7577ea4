//! The submodules of a worktree's repository.

use gix::index::{
    State,
    entry::{Mode, Stage},
};

use crate::model::fleet::Gitlink;

/// The submodules that an index records; those in conflict are told as changes.
pub(super) fn of(index: &State) -> Vec<Gitlink> {
    let entries = index.entries().iter();
    let links =
        entries.filter(|entry| entry.mode == Mode::COMMIT && entry.stage() == Stage::Unconflicted);
    let links = links.map(|entry| Gitlink {
        path: entry.path(index).to_owned(),
        pin: entry.id,
    });
    links.collect()
}
