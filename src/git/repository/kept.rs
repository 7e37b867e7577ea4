//! What flota keeps of a repository for later runs: where, and with which modes.

use std::path::Path;

use super::{Quarantine, Repository};
use crate::{
    files::Sharing,
    git::{identity_cache::IdentityCache, sharing},
};

impl Repository {
    /// What earlier runs learned of its submodules' commits.
    pub fn identities(&self) -> &IdentityCache {
        self.identities
            .get_or_init(|| IdentityCache::open(self.caches()))
    }

    /// What flota keeps of the repository for later runs is in the folder `flota` below this one: in the git directory; in a hook that
    /// decides about a push, nothing is kept.
    pub fn caches(&self) -> &Path {
        let quarantine = self.quarantine.as_ref();
        quarantine.map_or(self.common_dir(), Quarantine::caches)
    }

    /// The modes that what is kept for later runs gets; of a repository that says nothing readable, as the umask has it. All of the
    /// configuration is read for it: to be asked when something is written, and not before.
    pub(crate) fn sharing(&self) -> Sharing {
        self.to_local()
            .map_or(Sharing::Umask, |repo| sharing::of(&repo))
    }
}
