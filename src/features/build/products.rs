//! The folder that a build's products go to: `images/` (an OCI image layout), `charts/`, `logs/`, `build.json`.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::model::{
    error::{Error, Result},
    report::Status,
};

/// How much of a log's end is shown with a failure.
const LOG_SHOWN: u64 = 1 << 20;

/// The names of what is unfinished, and where it lies: a run that was killed leaves it behind.
const UNFINISHED: [(&str, &str); 4] = [
    ("", SCRATCH),
    ("", UNFINISHED_REPORT),
    ("images", ".flota-"),
    ("images/blobs/sha256", ".flota-"),
];
const SCRATCH: &str = "scratch-";
const UNFINISHED_REPORT: &str = ".build-";

/// The folder, held by this run alone.
pub struct Products {
    root: PathBuf,
    scratch: tempfile::TempDir,
    /// Held until the run ends, however it ends.
    _lock: Option<File>,
}

impl Products {
    /// Makes the folder if it is not there, takes its lock (two builds would overwrite each other's logs and report), and
    /// clears away what a killed run left unfinished.
    ///
    /// # Errors
    /// Unavailable: the folder cannot be written, or another build is at work in it.
    pub fn open(root: &Path) -> Result<Self> {
        let cannot = |err| cannot_write(root, err);
        fs::create_dir_all(root).map_err(cannot)?;
        let lock = take_lock(root)?;
        // Nobody commits products by accident.
        fs::write(root.join(".gitignore"), "*\n").map_err(cannot)?;
        for folder in ["images", "charts", "logs"] {
            fs::create_dir_all(root.join(folder)).map_err(cannot)?;
        }
        sweep(root).map_err(cannot)?;
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(root)
            .map_err(cannot)?;
        Ok(Self {
            root: root.to_owned(),
            scratch,
            _lock: Some(lock),
        })
    }

    /// For a run that makes nothing: what is in the folder can be looked at, and nothing in it changes.
    ///
    /// # Errors
    /// Unavailable: there is no room for temporary files.
    pub fn look(root: &Path) -> Result<Self> {
        let scratch = tempfile::tempdir()
            .map_err(|err| Error::unavailable("cannot make a temporary folder").because(err))?;
        Ok(Self {
            root: root.to_owned(),
            scratch,
            _lock: None,
        })
    }

    /// The OCI image layout of the embedded builder.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Moves a package from scratch to its place, unless the same is there.
    pub(super) fn keep_chart(&self, package: &Path) -> Result<(PathBuf, Status)> {
        let place = self
            .root
            .join("charts")
            .join(package.file_name().unwrap_or_default());
        let is_same =
            matches!((fs::read(package), fs::read(&place)), (Ok(new), Ok(old)) if new == old);
        if is_same {
            return Ok((place, Status::Reused));
        }
        fs::rename(package, &place).map_err(|err| cannot_write(&place, err))?;
        Ok((place, Status::Built))
    }

    /// Where a service's log goes.
    pub(super) fn log(&self, file_name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{file_name}.log"))
    }

    /// A new, empty folder that goes away with the run.
    pub(super) fn scratch(&self) -> Result<PathBuf> {
        let folder = tempfile::Builder::new()
            .prefix("service-")
            .tempdir_in(self.scratch.path());
        folder
            .map(tempfile::TempDir::keep)
            .map_err(|err| cannot_write(self.scratch.path(), err))
    }

    /// Puts the report in place, whole.
    ///
    /// # Errors
    /// Unavailable: it cannot be written.
    pub fn write_report(&self, json: &str) -> Result<()> {
        let target = self.root.join("build.json");
        let mut unfinished = tempfile::Builder::new();
        unfinished.prefix(UNFINISHED_REPORT);
        // A temporary file's own default is its owner alone; the umask has its say here.
        #[cfg(unix)]
        unfinished.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let write = || -> std::io::Result<()> {
            let mut file = unfinished.tempfile_in(&self.root)?;
            file.write_all(json.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&target)?;
            Ok(())
        };
        write().map_err(|err| cannot_write(&target, err))
    }
}

fn cannot_write(path: &Path, err: std::io::Error) -> Error {
    Error::unavailable(format!("cannot write `{}`", path.display()))
        .because(err)
        .hint("choose another folder: flota build --out DIR")
}

/// Removes what is unfinished. The lock is held: nobody is still at work on it.
fn sweep(root: &Path) -> std::io::Result<()> {
    for (folder, prefix) in UNFINISHED {
        let entries = match fs::read_dir(root.join(folder)) {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if !entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes())
            {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// The lock is the system's: it ends with the process that holds it, whatever happens to it.
fn take_lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let cannot = |err| cannot_write(&path, err);
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {
            let _ = file
                .set_len(0)
                .and_then(|()| write!(file, "{}", std::process::id()));
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let owner = fs::read_to_string(&path).unwrap_or_default();
            Err(Error::unavailable(format!(
                "another build is at work in `{}` (process {})",
                root.display(),
                owner.trim()
            ))
            .hint("wait for it, or choose another folder: flota build --out DIR"))
        }
        Err(TryLockError::Error(err)) => Err(cannot(err)),
    }
}

/// Removes what an earlier run logged.
pub(super) fn clear_log(log: &Path) -> Result<()> {
    match fs::remove_file(log) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(cannot_write(log, err)),
        _ => Ok(()),
    }
}

/// A log to be shown: whole, or its end where it is very long; none when it cannot be read.
pub(super) fn read_log(log: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    let left_out = length.saturating_sub(LOG_SHOWN);
    let mut text = Vec::new();
    if left_out > 0 {
        text = format!("[… {left_out} bytes left out …]\n").into_bytes();
    }
    file.seek(SeekFrom::Start(left_out)).ok()?;
    file.take(LOG_SHOWN).read_to_end(&mut text).ok()?;
    Some(text)
}
