//! Fetching from a repository on this machine, where `git fetch` would take five processes.

use std::{path::Path, time::Duration};

use gix::ObjectId;

use super::{Depth, attempt::Fault, scratch::Locked};
use crate::git::upload_pack::{self, Local, Request};

/// More than the trees of any service; beyond it `git fetch` does better, which keeps nothing in memory.
const ANSWER_LIMIT: usize = 128 << 20;

/// Brings `objects` from the repository in the folder `from`.
pub(super) fn fetch(
    scratch: &Locked<'_>,
    from: &Path,
    objects: &[ObjectId],
    depth: Depth,
    patience: Duration,
) -> Result<(), Fault> {
    let local = Local {
        from,
        dir: scratch.dir(),
        limit: ANSWER_LIMIT,
        patience,
    };
    let request = Request {
        wants: objects,
        filter: Some(depth.filter()),
        depth: Some(1),
        ..Request::default()
    };
    upload_pack::ask(&local, &request, |pack, shallow| {
        scratch.adopt(pack, shallow)
    })
}
