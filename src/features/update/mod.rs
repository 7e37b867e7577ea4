//! `flota update`: every worktree at its pin, or every pin at the tip of its branch.

use crate::{
    fleet::{
        lock::FleetLock,
        select::Selector,
        sync::{SyncOptions, sync},
    },
    git::{index, repository::Repository},
    model::{error::Result, sync::Synced},
};

mod commit_message;
mod prune;
mod remote;

pub(crate) use prune::prune;
pub(crate) use remote::{Extent, follow};

/// Brings the selected submodules of `fleet`, and all of theirs, to their pins. Sorted by path.
///
/// # Errors
/// Before anything is touched: a submodule is refused by its name, path or URL; another run is in progress. What befalls single
/// submodules later is in their [`SyncOutcome`](crate::model::sync::SyncOutcome).
pub(crate) fn update(
    fleet: &Repository,
    selector: &Selector,
    options: SyncOptions<'_>,
) -> Result<Vec<Synced>> {
    let pins = selector.active_among(fleet, index::of_index(fleet)?)?;
    let lock = FleetLock::take(fleet)?;
    sync(fleet, &lock, pins, options)
}
