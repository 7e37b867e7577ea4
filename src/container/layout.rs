//! An OCI image layout: a directory of images by digest, with an index of their names.
//!
//! Source: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use oci_spec::image::{
    ANNOTATION_REF_NAME, Descriptor, Digest, ImageIndex, ImageIndexBuilder, ImageManifest,
    MediaType,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{
    files::{self, Lock, NewFile},
    model::{
        digest,
        error::{Error, Result},
    },
};

/// Where containerd looks for an image's name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// What a layout's `oci-layout` file says.
const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Documents beyond this many bytes are not read.
const DOCUMENT: u64 = 16 * 1024 * 1024;

/// Held while the index changes, so that concurrent builds keep each other's names.
const LOCK: &str = "index.lock";

/// How long another build may change the index: much longer than it takes.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// A layout on disk.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

/// Bytes that a layout holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// In bytes.
    pub size: u64,
}

impl Layout {
    /// The layout at `root`, made if it is missing. A folder with anything else in it is misuse: it stays as it is.
    pub fn create(root: &Path) -> Result<Self> {
        let layout = Self {
            root: root.to_owned(),
        };
        if layout.exists() {
            return Ok(layout);
        }
        let failed = |cause: io::Error| layout.cannot_write(cause);
        if let Ok(mut found) = fs::read_dir(root)
            && found.any(|entry| entry.is_ok_and(|entry| !is_own(&entry.file_name())))
        {
            let message = format!(
                "{} is neither empty nor an OCI image layout",
                root.display()
            );
            return Err(Error::misuse(message).hint("name a separate directory for the images"));
        }
        fs::create_dir_all(layout.blobs()).map_err(failed)?;
        layout.replace("oci-layout", VERSION)?;
        Ok(layout)
    }

    /// The layout at `root`, if there is one.
    pub fn open(root: &Path) -> Option<Self> {
        let layout = Self {
            root: root.to_owned(),
        };
        Some(layout).filter(Self::exists)
    }

    /// Starts a blob whose digest is known only once it is written.
    pub fn blob(&self) -> Result<BlobWriter> {
        let file = NewFile::in_folder(&self.blobs()).map_err(|cause| self.cannot_write(cause))?;
        Ok(BlobWriter {
            layout: self.clone(),
            file: BufWriter::new(file),
            hash: Sha256::new(),
            size: 0,
        })
    }

    /// A folder for what a build needs for a while. Beside the images is space for them, and it can be written; the system's own
    /// temporary directory may be small, or missing in a container.
    pub fn temporary_folder(&self) -> Result<TempDir> {
        files::temporary_folder_in(&self.blobs())
    }

    /// Adds `bytes` as a blob.
    pub fn add(&self, bytes: &[u8]) -> Result<Blob> {
        let mut blob = self.blob()?;
        blob.write_all(bytes)
            .map_err(|cause| self.cannot_write(cause))?;
        blob.finish()
    }

    /// Moves a blob here that lies in another layout of this file system, under the same name.
    pub fn take(&self, blob: &Path) -> Result<()> {
        let name = blob.file_name().unwrap_or_default();
        fs::rename(blob, self.blobs().join(name)).map_err(|cause| self.cannot_write(cause))
    }

    /// Makes the file at `from` the blob `digest`, which it was checked to be: a further name of the same file where the file system
    /// has such, else a copy.
    pub fn link(&self, from: &Path, digest: &str, size: u64) -> Result<()> {
        let Some(to) = self.blob_path(digest).filter(|_| !self.has(digest, size)) else {
            return Ok(());
        };
        // What is there has another size: a damaged file, or a part of one.
        let _ = fs::remove_file(&to);
        match fs::hard_link(from, &to) {
            Ok(()) => Ok(()),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => files::copy(from, &to).map_err(|cause| self.cannot_write(cause)),
        }
    }

    /// Makes each of `references` a name of `image`, a manifest. A name that meant another image means this one from now on.
    pub fn tag(&self, image: &Descriptor, references: &[String]) -> Result<()> {
        references
            .iter()
            .try_for_each(|reference| check_reference(reference))?;
        let is_unnamed = |it: &Descriptor| name(it).is_none() && it.digest() == image.digest();
        self.change(|manifests| {
            for reference in references {
                let named = named(image, reference);
                let mut all = manifests.iter();
                let place = all.position(|known| name(known) == Some(reference));
                match place.or_else(|| manifests.iter().position(is_unnamed)) {
                    Some(place) => manifests[place] = named,
                    None => manifests.push(named),
                }
            }
        })
    }

    /// Lists `image`, a manifest, without a name, so that it is found by its digest.
    pub fn keep(&self, image: &Descriptor) -> Result<()> {
        self.change(|manifests| {
            if !manifests
                .iter()
                .any(|known| known.digest() == image.digest())
            {
                manifests.push(image.clone());
            }
        })
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Descriptor>)) -> Result<()> {
        let _lock = self.lock()?;
        let mut index = self.index()?;
        let before = index.manifests().clone();
        let mut manifests = before.clone();
        change(&mut manifests);
        if manifests == before {
            return Ok(());
        }
        index.set_manifests(manifests);
        self.replace("index.json", &canonical(index)?)
    }

    /// The manifest that `reference` names, if it and all that it is made of are here.
    pub fn resolve(&self, reference: &str) -> Result<Option<Descriptor>> {
        let index = self.index()?;
        let named = index
            .manifests()
            .iter()
            .find(|known| name(known).is_some_and(|name| name == reference));
        Ok(named.filter(|image| self.is_whole(image)).cloned())
    }

    /// The manifest with this digest, by any name or none.
    pub fn find(&self, digest: &str) -> Result<Option<Descriptor>> {
        let index = self.index()?;
        let found = index
            .manifests()
            .iter()
            .find(|known| known.digest().as_ref() == digest);
        Ok(found.cloned())
    }

    fn exists(&self) -> bool {
        self.root.join("oci-layout").is_file()
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }

    /// Where the blob of this digest has its place, if it is one; nobody has looked whether it is there.
    pub(super) fn blob_path(&self, digest: &str) -> Option<PathBuf> {
        let hex = digest.strip_prefix("sha256:")?;
        let valid = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        valid.then(|| self.blobs().join(hex))
    }

    fn has(&self, digest: &str, size: u64) -> bool {
        let found = self
            .blob_path(digest)
            .and_then(|path| fs::metadata(path).ok());
        found.is_some_and(|found| found.is_file() && found.len() == size)
    }

    /// Whether a manifest, its configuration and its layers are here, or all the manifests of an index: someone may have cleaned up
    /// by hand.
    fn is_whole(&self, image: &Descriptor) -> bool {
        let manifest = self
            .blob_path(image.digest().as_ref())
            .and_then(|path| read(&path).ok());
        let Some(manifest) = manifest.filter(|bytes| bytes.len() as u64 == image.size()) else {
            return false;
        };
        if *image.media_type() == MediaType::ImageIndex {
            let index = serde_json::from_slice::<ImageIndex>(&manifest);
            return index.is_ok_and(|index| index.manifests().iter().all(|it| self.is_whole(it)));
        }
        let Ok(manifest) = serde_json::from_slice::<ImageManifest>(&manifest) else {
            return false;
        };
        let mut parts = std::iter::once(manifest.config()).chain(manifest.layers());
        parts.all(|part| self.has(part.digest().as_ref(), part.size()))
    }

    fn index(&self) -> Result<ImageIndex> {
        let path = self.root.join("index.json");
        let bytes = match read(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return empty_index(),
            Err(cause) => return Err(self.damaged(&path, cause)),
            Ok(bytes) => bytes,
        };
        serde_json::from_slice(&bytes).map_err(|cause| self.damaged(&path, cause))
    }

    fn lock(&self) -> Result<Lock> {
        Lock::wait(&self.root.join(LOCK), LOCK_PATIENCE)
    }

    /// Writes a file that is there whole or not at all.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        files::write(&self.root.join(name), bytes).map_err(|cause| self.cannot_write(cause))
    }

    /// The layout's folder does not take what it is given: it is full, or read-only.
    pub fn cannot_write(&self, cause: io::Error) -> Error {
        files::cannot("write the image layout", &self.root, cause)
    }

    fn damaged(
        &self,
        path: &Path,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::unavailable(format!("cannot read {}", path.display()))
            .because(cause)
            .hint(format!("remove {} and build again", self.root.display()))
    }
}

/// A blob in the making; it disappears if it is dropped before [`Self::finish`].
pub struct BlobWriter {
    layout: Layout,
    file: BufWriter<NewFile>,
    hash: Sha256,
    size: u64,
}

impl BlobWriter {
    /// Gives the blob its name. One that is there already is not written again.
    pub fn finish(self) -> Result<Blob> {
        let Self {
            layout,
            file,
            hash,
            size,
        } = self;
        let hex = digest::hex(&hash.finalize());
        let blob = Blob {
            digest: format!("sha256:{hex}"),
            size,
        };
        let file = file
            .into_inner()
            .map_err(|cause| layout.cannot_write(cause.into_error()))?;
        if !layout.has(&blob.digest, blob.size) {
            file.finish(&layout.blobs().join(hex))
                .map_err(|cause| layout.cannot_write(cause))?;
        }
        Ok(blob)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Blob {
    /// The blob as part of an image.
    pub fn descriptor(&self, media_type: MediaType) -> Result<Descriptor> {
        let digest: Digest = self.digest.parse().map_err(incomplete)?;
        Ok(Descriptor::new(media_type, self.size, digest))
    }
}

/// The bytes of a document that depend on its content alone: oci-spec keeps labels, ports and annotations in hash maps.
pub fn canonical(document: impl serde::Serialize) -> Result<Vec<u8>> {
    let mut document = serde_json::to_value(document).map_err(incomplete)?;
    document.sort_all_objects();
    serde_json::to_vec(&document).map_err(incomplete)
}

/// A document that the OCI crates refuse to make.
pub fn incomplete(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::work("cannot write the image's description").because(cause)
}

/// The grammar that the image specification gives for a name in an index: no spaces, no control characters.
fn check_reference(reference: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:@/+".contains(&b);
    match !reference.is_empty() && reference.bytes().all(allowed) {
        true => Ok(()),
        false => Err(
            Error::misuse(format!("`{reference}` is not an image's name"))
                .hint("write it as `registry.example.org/team/service:tag`"),
        ),
    }
}

fn name(descriptor: &Descriptor) -> Option<&String> {
    descriptor.annotations().as_ref()?.get(ANNOTATION_REF_NAME)
}

fn named(image: &Descriptor, reference: &str) -> Descriptor {
    let mut image = image.clone();
    image.set_annotations(Some(HashMap::from([
        (ANNOTATION_REF_NAME.to_owned(), reference.to_owned()),
        (CONTAINERD_NAME.to_owned(), reference.to_owned()),
    ])));
    image
}

fn empty_index() -> Result<ImageIndex> {
    let index = ImageIndexBuilder::default()
        .schema_version(oci_spec::image::SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests(Vec::new());
    index.build().map_err(incomplete)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(DOCUMENT + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > DOCUMENT {
        true => Err(io::Error::other(format!(
            "it has more than {DOCUMENT} bytes"
        ))),
        false => Ok(bytes),
    }
}

/// Whether a layout has such a file: one that another process is just making may have some of them.
fn is_own(name: &OsStr) -> bool {
    let known = ["oci-layout", "index.json", "blobs", LOCK];
    known.iter().any(|known| name == *known)
        || name
            .as_encoded_bytes()
            .starts_with(files::TEMPORARY.as_bytes())
}

#[cfg(test)]
mod tests;
