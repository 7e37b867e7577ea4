//! Repositories on this machine: read where they are ([`open`]), without a process and without a copy.
//!
//! What `git upload-pack` would hand out is handed out here, and nothing more:
//!
//! - It serves no repository of another user, unless `safe.directory` names it (git-config(1)).
//! - Of one that it serves, it gives any object that there is, by its id: what a client wants is "not limited to advertised
//!   objects" (gitprotocol-v2(5), `want`). So there is no `uploadpack.allowAnySHA1InWant` to ask for, and `transfer.hideRefs`
//!   hides names, not objects. Whoever may read the files needs no permission from a server that runs as themselves.
//! - Nothing that the repository's configuration or hooks name runs: neither is even read.
//!
//! Where that is not possible (another user's, a bundle, a partial clone that lacks an object, a damaged one), git is asked
//! ([`fetch`]), and the user sees its message.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use gix::{ObjectId, sec::Trust};

use super::{depth::Depth, lacking, scratch::Locked};
use crate::git::{
    network::{
        fault::ServerFault,
        upload_pack::{self, LocalRepository, PackRequest},
    },
    submodule::{Store, git_dir_of},
};

/// More than the trees of any service; beyond it `git fetch` does better, which keeps nothing in memory.
const ANSWER_LIMIT: usize = 128 << 20;

/// The objects of the repository in `folder`, if it is the user's own and holds all of `commits`, as whole as `depth` says, and of
/// `objects`.
pub(super) fn open(
    folder: &Path,
    commits: &[ObjectId],
    objects: &[ObjectId],
    depth: Depth,
    hash: gix::hash::Kind,
) -> Option<Store> {
    let git_dir = git_dir(folder).canonicalize().ok()?;
    if Trust::from_path_ownership(&git_dir).ok()? != Trust::Full {
        return None;
    }
    let store = Store::borrowed(git_dir, hash)?;
    let lacking = lacking::of(&store, commits, objects, depth)?;
    lacking.is_empty().then_some(store)
}

/// Where git looks for the objects of a repository that is said to be at `folder`.
fn git_dir(folder: &Path) -> PathBuf {
    let mut folder = folder.to_owned();
    if !folder.exists() {
        folder.as_mut_os_string().push(".git");
    }
    git_dir_of(&folder).unwrap_or(folder)
}

/// Brings `objects` from the repository in the folder `from`, where `git fetch` would take five processes.
pub(super) fn fetch(
    scratch: &Locked<'_>,
    from: &Path,
    objects: &[ObjectId],
    depth: Depth,
    patience: Duration,
) -> Result<(), ServerFault> {
    let local = LocalRepository {
        from,
        dir: scratch.dir(),
        limit: ANSWER_LIMIT,
        patience,
    };
    let request = PackRequest {
        wants: objects,
        filter: Some(depth.filter()),
        depth: Some(1),
        ..PackRequest::default()
    };
    upload_pack::ask(&local, &request, |pack, shallow| {
        scratch.adopt(pack, shallow)
    })
}
