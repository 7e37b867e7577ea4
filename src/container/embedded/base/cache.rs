//! Base images kept for the next build on this machine: `flota/bases` in the user's cache directory (XDG base directory
//! specification).
//!
//! `blobs/sha256` holds manifests, configurations and layers by their digests, as an image layout does; `listings` holds what the
//! headers of each layer's archive say. Nothing of it is believed: each blob is checked against its digest, once in a run, before it
//! is used.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest as _, Sha256};

use crate::{
    files,
    model::{
        digest::hex,
        error::{Error, Result},
    },
};

const BLOBS: &str = "blobs/sha256";
const LISTINGS: &str = "listings";

/// What no build has used for so long is removed.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The folder in which base images are kept.
#[derive(Clone, Debug)]
pub struct BaseCache {
    root: PathBuf,
}

/// What the cache takes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BaseUsage {
    /// How many manifests, configurations and layers there are.
    pub blobs: usize,
    /// What they take on disk, in bytes. What an image layout has too takes no room of its own.
    pub bytes: u64,
}

impl BaseCache {
    /// The cache of this user; None where nobody says which folder it is.
    pub fn of_user() -> Option<Self> {
        files::user_cache("bases").map(Self::at)
    }

    /// The cache in the folder `root`, which need not exist.
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// What it takes up.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn usage(&self) -> Result<BaseUsage> {
        let mut usage = BaseUsage::default();
        for folder in [BLOBS, LISTINGS] {
            for (_, found) in self.files(folder)? {
                usage.blobs += usize::from(folder == BLOBS);
                let own = if found.nlink() == 1 {
                    found.blocks() * 512
                } else {
                    0
                };
                usage.bytes += own;
            }
        }
        Ok(usage)
    }

    /// Removes it all. Images that were built with it stay whole.
    ///
    /// # Errors
    /// Unavailable: something cannot be removed.
    pub fn clear(&self) -> Result<()> {
        self.remove(|_| true)
    }

    /// Removes what was not used for long.
    pub(super) fn expire(&self) -> Result<()> {
        self.remove(|found| {
            let used = found
                .modified()
                .map(|used| SystemTime::now().duration_since(used));
            matches!(used, Ok(Ok(age)) if age > KEPT_FOR)
        })
    }

    /// Where the blob with these hexadecimal digits is, or is to be.
    pub(super) fn blob(&self, hex: &str) -> PathBuf {
        self.root.join(BLOBS).join(hex)
    }

    /// Where the listing of a layer is, or is to be.
    pub(super) fn listing(&self, hex: &str) -> PathBuf {
        self.root.join(LISTINGS).join(hex)
    }

    /// Makes the folders.
    pub(super) fn create(&self) -> Result<()> {
        for folder in [BLOBS, LISTINGS] {
            let folder = self.root.join(folder);
            fs::create_dir_all(&folder).map_err(|cause| files::cannot("write", &folder, cause))?;
        }
        Ok(())
    }

    fn remove(&self, is_old: impl Fn(&fs::Metadata) -> bool) -> Result<()> {
        for folder in [BLOBS, LISTINGS] {
            for (path, _) in self
                .files(folder)?
                .into_iter()
                .filter(|(_, found)| is_old(found))
            {
                match fs::remove_file(&path) {
                    Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                        return Err(files::cannot("remove", &path, cause));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn files(&self, folder: &str) -> Result<Vec<(PathBuf, fs::Metadata)>> {
        let folder = self.root.join(folder);
        let found = match fs::read_dir(&folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            found => found.map_err(|cause| files::cannot("read", &folder, cause))?,
        };
        let files = found.flatten().filter_map(|entry| {
            let found = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((entry.path(), found))
        });
        Ok(files.collect())
    }
}

/// Whether the file at `path` has these bytes; it counts as used now.
pub(super) fn is_intact(path: &Path, digest: &str, size: u64) -> bool {
    let Ok(file) = files::open_own(path) else {
        return false;
    };
    if !file
        .metadata()
        .is_ok_and(|found| found.is_file() && found.len() == size)
    {
        return false;
    }
    // Who may only read it uses it all the same.
    let _ = file.set_modified(SystemTime::now());
    hash(file).is_ok_and(|found| found == digest)
}

fn hash(mut file: File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("sha256:{}", hex(&hash.finalize()))),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// The hexadecimal digits of a SHA-256 digest as OCI writes it.
///
/// # Errors
/// Work: it is another algorithm's, or none.
pub(super) fn digits(digest: &str) -> Result<&str> {
    let digits = digest.strip_prefix("sha256:").filter(|digits| {
        let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        digits.len() == 64 && digits.bytes().all(plain)
    });
    digits.ok_or_else(|| Error::work(format!("`{digest}` is not a SHA-256 digest")))
}
