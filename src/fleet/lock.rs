//! The fleet's lock: one run at a time changes worktrees, pins and links.

use std::{
    fs::{self, File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::PathBuf,
};

use crate::{
    git::repository::Repository,
    model::error::{Error, Result},
};

/// What new repositories are called until they are whole.
const SCRATCH: &str = "new-";

/// Held for as long as the run lasts; goes with the process, however that ends.
pub(crate) struct FleetLock {
    _file: File,
    /// flota's own folder in the fleet's git directory.
    folder: PathBuf,
}

impl FleetLock {
    /// Takes it.
    ///
    /// # Errors
    /// Unavailable: another run has it, or the git directory cannot be written.
    pub(crate) fn take(fleet: &Repository) -> Result<Self> {
        let folder = fleet.common_dir().join("flota");
        let path = folder.join("update.lock");
        let cannot =
            |err| Error::unavailable(format!("cannot write `{}`", path.display())).because(err);
        fs::create_dir_all(&folder).map_err(cannot)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Who it is helps, and is no more than that.
                let _ = file.read_to_string(&mut owner);
                return Err(Error::unavailable(format!(
                    "another run of flota (process {}) is updating this fleet",
                    owner.trim()
                ))
                .hint("wait for it, and run this again"));
            }
            Err(TryLockError::Error(err)) => return Err(cannot(err)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()))
            .map_err(cannot)?;
        Ok(Self {
            _file: file,
            folder,
        })
    }

    /// A folder for what is not whole yet, in the fleet's git directory, so that a rename puts it in its place. What killed runs
    /// left there is swept away: nobody else has the lock.
    ///
    /// # Errors
    /// Unavailable: the git directory cannot be written.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir> {
        let cannot = |err| {
            Error::unavailable(format!("cannot write into `{}`", self.folder.display()))
                .because(err)
        };
        let folder = self.folder.canonicalize().map_err(cannot)?;
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(SCRATCH.as_bytes()) {
                // A git that outlived its flota may still write there; then it goes with the next run.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(&folder)
            .map_err(cannot)
    }
}
