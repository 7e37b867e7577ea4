//! One run at a time: a lock of the system's (flock(2)) on a file that says who holds it.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{cannot::cannot, open::open_or_create};
use crate::{
    interrupt,
    model::error::{Error, Result},
};

/// How long to wait between two looks at a lock.
const TICK: Duration = Duration::from_millis(20);

/// A lock, held until it is dropped or the process ends, however that ends. Its file stays: another run may be about to take
/// it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Who holds a lock: `process 1234`, or `another process`.
pub(crate) struct Holder(Option<u32>);

impl Lock {
    /// Takes the lock at `path`, whose folder is made if it is missing; `held` is what to say when another run has it.
    ///
    /// # Errors
    /// What `held` says. Unavailable: the lock's file cannot be written.
    pub(crate) fn take(path: &Path, held: impl FnOnce(Holder) -> Error) -> Result<Self> {
        Self::attempt(path)
            .map_err(|err| cannot("write", path, err))?
            .map_err(held)
    }

    /// Waits until no other run has the lock at `path`, at most for `patience`.
    ///
    /// # Errors
    /// Unavailable: the lock's file cannot be written, or another run holds it for too long. The code of the signal, when flota
    /// is interrupted.
    pub(crate) fn wait(path: &Path, patience: Duration) -> Result<Self> {
        let started = Instant::now();
        loop {
            let holder = match Self::attempt(path).map_err(|err| cannot("write", path, err))? {
                Ok(lock) => return Ok(lock),
                Err(holder) => holder,
            };
            if let Some(exit) = interrupt::pending() {
                let message = format!("interrupted while waiting for another run ({holder})");
                return Err(Error::new(exit, message));
            }
            if started.elapsed() > patience {
                let path = path.display();
                return Err(Error::unavailable(format!(
                    "another run ({holder}) has held the lock `{path}` for too long"
                )));
            }
            thread::sleep(TICK);
        }
    }

    /// Takes the lock at `path`; none when another run has it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        Self::attempt(path).map(Result::ok)
    }

    /// The lock at `path`, or who holds it.
    fn attempt(path: &Path) -> io::Result<Result<Self, Holder>> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = open_or_create(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Who it is helps, and is no more than that.
                let _ = file.read_to_string(&mut owner);
                return Ok(Err(Holder(owner.trim().parse().ok())));
            }
            Err(TryLockError::Error(err)) => return Err(err),
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        Ok(Ok(Self { _file: file }))
    }

    /// Removes what killed runs left in `folder`: whatever has a name that begins with `prefix`. The lock is held, so that
    /// nobody is still at work on it.
    ///
    /// # Errors
    /// What the system says. A folder that is not there has nothing in it.
    pub(crate) fn sweep(&self, folder: &Path, prefix: &str) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if !name.as_encoded_bytes().starts_with(prefix.as_bytes()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                // A child that outlived its run may still write there; then it goes with the next run.
                let _ = fs::remove_dir_all(entry.path());
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// A new folder in `folder` for what is not whole yet, once what killed runs left there under `prefix` is gone.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn scratch(&self, folder: &Path, prefix: &str) -> io::Result<TempDir> {
        self.sweep(folder, prefix)?;
        tempfile::Builder::new().prefix(prefix).tempdir_in(folder)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, "process {process}"),
            None => f.write_str("another process"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_taken_once_and_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/lock");
        let say = |holder: Holder| Error::unavailable(holder.to_string());
        let lock = Lock::take(&path, say).unwrap();
        let error = Lock::take(&path, say).unwrap_err();
        assert_eq!(error.to_string(), format!("process {}", std::process::id()));
        let error = Lock::wait(&path, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("for too long"), "{error}");
        drop(lock);
        Lock::wait(&path, Duration::ZERO).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            std::process::id().to_string()
        );
    }

    #[test]
    fn a_longer_number_leaves_nothing_behind_a_shorter_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "99999999999999").unwrap();
        let _lock = Lock::take(&path, |_| unreachable!()).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            std::process::id().to_string()
        );
    }

    #[test]
    fn only_what_killed_runs_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("new-1/full")).unwrap();
        fs::write(at("new-2"), "").unwrap();
        fs::write(at("news"), "").unwrap();
        let lock = Lock::take(&at("lock"), |_| unreachable!()).unwrap();
        let scratch = lock.scratch(folder.path(), "new-").unwrap();
        assert!(!at("new-1").exists() && !at("new-2").exists());
        assert!(at("news").exists() && scratch.path().exists());
        lock.sweep(&at("missing"), "new-").unwrap();
    }
}
