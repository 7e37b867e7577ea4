//! Scratch folders where no lock stands above them: each has a lock of its own.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use tempfile::{NamedTempFile, TempDir};

use super::open::open_own;

/// The lock's name in a scratch folder.
const LOCK: &str = "lock";

/// A folder for what is not whole yet, in a folder that others use too. It goes away when it is dropped; what a killed run
/// leaves, the next one sweeps.
pub(crate) struct SharedScratch {
    folder: TempDir,
    /// Held for as long as somebody is at work in the folder, however that ends.
    _lock: File,
}

impl SharedScratch {
    /// A new one in `parent`, with a name that begins with `prefix`, once those of killed runs are gone. It holds its lock's
    /// file, and nothing else.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        sweep(parent, prefix)?;
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        // It is held before it has its name: nobody finds it free and takes the folder for a dead run's.
        let lock = NamedTempFile::new_in(folder.path())?;
        lock.as_file().lock()?;
        let lock = lock.persist(folder.path().join(LOCK))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn sweep(parent: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(parent)?.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(prefix.as_bytes()) {
            continue;
        }
        // Without a lock it is just being made.
        let Ok(lock) = open_own(&entry.path().join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            // A child that outlived its run may still write there; then it goes with the next run.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        let alive = SharedScratch::new(parent.path(), ".x-").unwrap();
        fs::create_dir(parent.path().join(".x-new")).unwrap();
        let dead = SharedScratch::new(parent.path(), ".x-").unwrap();
        // As a killed process leaves it: the folder is there, and nobody holds its lock.
        let SharedScratch { folder, _lock } = dead;
        let left = folder.keep();
        fs::write(left.join("half"), "").unwrap();
        drop(_lock);
        let other = SharedScratch::new(parent.path(), ".y-").unwrap();
        assert!(left.exists(), "another prefix is not its business");
        let next = SharedScratch::new(parent.path(), ".x-").unwrap();
        assert!(!left.exists());
        assert!(alive.path().exists() && parent.path().join(".x-new").exists());
        let gone = next.path().to_owned();
        drop(next);
        assert!(!gone.exists() && other.path().exists());
    }
}
