//! The output directory of a build: `images/` (an OCI image layout), `charts/`, `checks/`, `evidence/`, `logs/`, and what reports the
//! build: `build.json`, `report.html`, `junit.xml`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    files::{self, Lock},
    model::{
        error::{Error, Result},
        report::Status,
    },
};

/// How much of a log's end is shown with a failure.
const LOG_SHOWN: u64 = 1 << 20;

/// Where what is unfinished lies beside its place: a run that was killed leaves it behind.
const UNFINISHED: [&str; 3] = ["", "images", "images/blobs/sha256"];

/// How the names of scratch folders begin.
const SCRATCH: &str = "scratch-";

/// Holds the folder for one run.
const LOCK: &str = "lock";

/// The folder, held by this run alone.
pub(crate) struct Products {
    root: PathBuf,
    scratch: tempfile::TempDir,
    /// Held until the run ends, however it ends.
    _lock: Option<Lock>,
}

impl Products {
    /// Makes the folder if it is not there, takes its lock (two builds would overwrite each other's logs and report), and
    /// clears away what a killed run left unfinished.
    ///
    /// # Errors
    /// Unavailable: the folder cannot be written, or another build is running in it.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let cannot = |err| cannot_write(root, err);
        fs::create_dir_all(root).map_err(cannot)?;
        let lock = Lock::take(&root.join(LOCK), |holder| {
            Error::unavailable(format!(
                "another build is running in `{}` ({holder})",
                root.display()
            ))
            .hint("wait for it, or choose another directory: flota build --out DIR")
        })?;
        // Nobody commits products by accident.
        fs::write(root.join(".gitignore"), "*\n").map_err(cannot)?;
        for folder in ["images", "charts", "checks", "logs"] {
            fs::create_dir_all(root.join(folder)).map_err(cannot)?;
        }
        for folder in UNFINISHED {
            let folder = root.join(folder);
            lock.sweep(&folder, files::TEMPORARY).map_err(cannot)?;
        }
        let scratch = lock.scratch(root, SCRATCH).map_err(cannot)?;
        Ok(Self {
            root: root.to_owned(),
            scratch,
            _lock: Some(lock),
        })
    }

    /// For a run that makes nothing: what is in the folder can be looked at, and nothing in it changes.
    ///
    /// # Errors
    /// Unavailable: there is no space for temporary files.
    pub(crate) fn look(root: &Path) -> Result<Self> {
        let scratch = files::temporary_folder()?;
        Ok(Self {
            root: root.to_owned(),
            scratch,
            _lock: None,
        })
    }

    /// The OCI image layout of the embedded builder.
    pub(crate) fn images(&self) -> PathBuf {
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

    /// Where is kept what a look at the chart of this file name said.
    pub(super) fn check(&self, chart: &str) -> PathBuf {
        self.root.join("checks").join(format!("{chart}.json"))
    }

    /// Where the results of gates are kept, and what their programs make.
    pub(super) fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
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

    /// What lies here goes away with the run.
    pub(super) fn scratch_root(&self) -> &Path {
        self.scratch.path()
    }

    /// Puts a report in place, whole.
    ///
    /// # Errors
    /// Unavailable: it cannot be written.
    pub(crate) fn write_report(&self, file_name: &str, text: &str) -> Result<()> {
        let target = self.root.join(file_name);
        files::write(&target, text.as_bytes()).map_err(|err| cannot_write(&target, err))
    }
}

fn cannot_write(path: &Path, err: std::io::Error) -> Error {
    files::cannot("write", path, err).hint("choose another directory: flota build --out DIR")
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
    let log = files::excerpt(log, 0, LOG_SHOWN)?;
    if log.left_out == 0 {
        return Some(log.first);
    }
    let mut text = format!("[… {} bytes left out …]\n", log.left_out).into_bytes();
    text.extend(log.last);
    Some(text)
}
