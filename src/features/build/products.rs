//! The folder that a build's products go to: `images/` (an OCI image layout), `charts/`, `logs/`, `build.json`.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::model::error::{Error, Result};

/// How much of a log's end is shown with a failure.
const LOG_SHOWN: u64 = 1 << 20;

/// The folder, held by this run alone.
pub struct Products {
    root: PathBuf,
    scratch: tempfile::TempDir,
    /// Held until the run ends, however it ends.
    _lock: File,
}

impl Products {
    /// Makes the folder if it is not there, and takes its lock: two builds would overwrite each other's logs and report.
    pub fn open(root: &Path) -> Result<Self> {
        let cannot = |err| {
            Error::environment(format!("cannot write into `{}`", root.display()))
                .because(err)
                .hint("choose another folder: flota build --out DIR")
        };
        fs::create_dir_all(root).map_err(cannot)?;
        let lock = take_lock(root)?;
        // Nobody commits products by accident.
        fs::write(root.join(".gitignore"), "*\n").map_err(cannot)?;
        for folder in ["images", "charts", "logs"] {
            fs::create_dir_all(root.join(folder)).map_err(cannot)?;
        }
        let scratch = tempfile::Builder::new()
            .prefix("scratch-")
            .tempdir_in(root)
            .map_err(cannot)?;
        Ok(Self {
            root: root.to_owned(),
            scratch,
            _lock: lock,
        })
    }

    /// The OCI image layout of the embedded builder.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Where packaged charts go.
    pub fn charts(&self) -> PathBuf {
        self.root.join("charts")
    }

    /// A fresh, empty log for a service.
    pub fn log(&self, file_name: &str) -> Result<PathBuf> {
        let log = self.root.join("logs").join(format!("{file_name}.log"));
        match fs::remove_file(&log) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::environment(format!("cannot replace `{}`", log.display())).because(err))
            }
            _ => Ok(log),
        }
    }

    /// A new, empty folder that goes away with the run.
    pub fn scratch(&self) -> Result<PathBuf> {
        let folder = tempfile::Builder::new()
            .prefix("service-")
            .tempdir_in(self.scratch.path());
        folder.map(tempfile::TempDir::keep).map_err(|err| {
            Error::environment(format!("cannot write into `{}`", self.root.display())).because(err)
        })
    }

    /// Puts the report in place, whole.
    pub fn write_report(root: &Path, json: &str) -> Result<PathBuf> {
        let target = root.join("build.json");
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(root)?;
            file.write_all(json.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&target)?;
            Ok(())
        };
        write().map_err(|err| {
            Error::environment(format!("cannot write `{}`", target.display())).because(err)
        })?;
        Ok(target)
    }
}

/// The lock is the system's: it ends with the process that holds it, whatever happens to it.
fn take_lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let cannot = |err| Error::environment(format!("cannot lock `{}`", path.display())).because(err);
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
            Err(Error::environment(format!(
                "another build is at work in `{}` (process {})",
                root.display(),
                owner.trim()
            ))
            .hint("wait for it, or choose another folder: flota build --out DIR"))
        }
        Err(TryLockError::Error(err)) => Err(cannot(err)),
    }
}

/// The end of a log; none when it cannot be read.
pub(super) fn read_log(log: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_SHOWN)))
        .ok()?;
    let mut text = Vec::new();
    file.take(LOG_SHOWN).read_to_end(&mut text).ok()?;
    Some(text)
}
