//! The fleet's lock: one run at a time changes worktrees, pins and links.

use std::path::PathBuf;

use crate::{
    files::{self, Lock},
    git::{repository::Repository, sharing},
    model::error::{Error, Result},
};

/// What new repositories are called until they are whole.
const SCRATCH: &str = "new-";

/// Held for as long as the run lasts; goes with the process, however that ends.
pub(crate) struct FleetLock {
    lock: Lock,
    /// flota's own folder in the fleet's git directory.
    folder: PathBuf,
}

impl FleetLock {
    /// Takes it.
    ///
    /// # Errors
    /// Unavailable: another run has it, or the git directory cannot be written. Repository: flota runs in a hook that decides about
    /// a push.
    pub(crate) fn take(fleet: &Repository) -> Result<Self> {
        fleet.check_writable()?;
        let folder = fleet.common_dir().join("flota");
        let path = folder.join("update.lock");
        let sharing = sharing::of(&fleet.to_local()?);
        sharing
            .create_parent(&path, 1)
            .map_err(|err| files::cannot("write", &path, err))?;
        let lock = Lock::take(&path, |holder| {
            Error::unavailable(format!(
                "another run of flota ({holder}) is updating this fleet"
            ))
            .hint("wait for it, and run this again")
        })?;
        sharing
            .apply(&path)
            .map_err(|err| files::cannot("write", &path, err))?;
        Ok(Self { lock, folder })
    }

    /// A folder for what is not whole yet, in the fleet's git directory, so that a rename puts it in its place. What killed runs
    /// left there is swept away: nobody else has the lock.
    ///
    /// # Errors
    /// Unavailable: the git directory cannot be written.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir> {
        let cannot = |err| files::cannot("write into", &self.folder, err);
        let folder = self.folder.canonicalize().map_err(cannot)?;
        self.lock.scratch(&folder, SCRATCH).map_err(cannot)
    }
}
