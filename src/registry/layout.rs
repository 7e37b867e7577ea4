//! An OCI image layout in a directory (image specification, "Image Layout"): its blobs, checked before anything is sent.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use oci_spec::image::{ANNOTATION_BASE_IMAGE_NAME, Descriptor, Digest, DigestAlgorithm};
use serde::Deserialize;

use crate::model::{
    digest::oci_digest,
    error::{Error, Result},
    reference::Reference,
};

/// The largest manifest that is read or sent, in bytes: registries need not accept a larger one (distribution specification,
/// "Pushing Manifests").
pub(super) const MANIFEST_LIMIT: u64 = 4 << 20;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A folder that holds an image layout.
pub(super) struct ImageLayout<'a>(pub(super) &'a Path);

/// A manifest as it lies there, with what it needs to be in the registry first.
pub(super) struct LayoutManifest {
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
    /// The manifests of an index.
    pub(super) children: Vec<Descriptor>,
    /// The configuration and the layers of an image.
    pub(super) blobs: Vec<Descriptor>,
    /// The image that it was built on, where it says so.
    pub(super) base: Option<Reference>,
}

/// What manifests and indexes, OCI's and Docker's, have in common.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestFields {
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    manifests: Option<Vec<Descriptor>>,
    #[serde(default)]
    annotations: HashMap<String, String>,
}

impl ImageLayout<'_> {
    /// The manifest or index called `digest`; its bytes are what the digest says.
    pub(super) fn manifest(&self, digest: &Digest) -> Result<LayoutManifest> {
        let path = self.path(digest)?;
        let broken = |reason: &str| Error::work(format!("{} is {reason}", path.display()));
        let bytes = read_at_most(&path, MANIFEST_LIMIT)?;
        if oci_digest(&bytes) != digest.to_string() {
            return Err(broken("damaged: its digest does not match its name"));
        }
        let document: ManifestFields = serde_json::from_slice(&bytes)
            .map_err(|cause| broken("not an image manifest").because(cause))?;
        let base = document.annotations.get(ANNOTATION_BASE_IMAGE_NAME);
        // Only OCI's documents may leave their media type out.
        let implied = if document.manifests.is_some() {
            INDEX
        } else {
            MANIFEST
        };
        Ok(LayoutManifest {
            media_type: document.media_type.unwrap_or_else(|| implied.to_owned()),
            bytes,
            base: base.and_then(|name| Reference::parse(name).ok()),
            children: document.manifests.unwrap_or_default(),
            blobs: document.config.into_iter().chain(document.layers).collect(),
        })
    }

    /// Where the blob lies that `descriptor` names, which has the size it says.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> Result<PathBuf> {
        let path = self.path(descriptor.digest())?;
        let found = fs::symlink_metadata(&path).map_err(|cause| {
            Error::work(format!("the image lacks {}", path.display())).because(cause)
        })?;
        if found.is_file() && found.len() == descriptor.size() {
            return Ok(path);
        }
        Err(Error::work(format!(
            "{} is not a file of the {} bytes its manifest says",
            path.display(),
            descriptor.size()
        )))
    }

    fn path(&self, digest: &Digest) -> Result<PathBuf> {
        match digest.algorithm() {
            DigestAlgorithm::Sha256 => Ok(self.0.join("blobs/sha256").join(digest.digest())),
            other => Err(
                Error::work(format!("digests of the kind {other} are not supported"))
                    .hint("build the image with sha256 digests"),
            ),
        }
    }
}

/// The content of a regular file of at most `limit` bytes.
pub(super) fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let unreadable = |cause| Error::work(format!("cannot read {}", path.display())).because(cause);
    let found = fs::symlink_metadata(path).map_err(unreadable)?;
    if !found.is_file() || found.len() > limit {
        return Err(Error::work(format!(
            "{} is not a file of at most {limit} bytes",
            path.display()
        )));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout_with(bytes: &[u8]) -> (tempfile::TempDir, Digest) {
        let folder = tempfile::tempdir().unwrap();
        let name: Digest = oci_digest(bytes).parse().unwrap();
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(
            folder.path().join("blobs/sha256").join(name.digest()),
            bytes,
        )
        .unwrap();
        (folder, name)
    }

    #[test]
    fn the_kind_of_a_document_is_told_by_its_fields_where_it_does_not_say() {
        for (text, media_type) in [
            (r#"{"schemaVersion":2,"manifests":[]}"#, INDEX),
            (r#"{"schemaVersion":2,"layers":[]}"#, MANIFEST),
            (
                r#"{"mediaType":"application/x","layers":[]}"#,
                "application/x",
            ),
        ] {
            let (folder, name) = layout_with(text.as_bytes());
            let manifest = ImageLayout(folder.path()).manifest(&name).unwrap();
            assert_eq!(manifest.media_type, media_type);
            assert_eq!(manifest.bytes, text.as_bytes());
        }
    }

    #[test]
    fn a_damaged_manifest_is_refused() {
        let (folder, name) = layout_with(b"{}");
        let path = folder.path().join("blobs/sha256").join(name.digest());
        fs::write(path, b"{ }").unwrap();
        let error = ImageLayout(folder.path()).manifest(&name).err().unwrap();
        assert!(error.to_string().contains("damaged"), "{error}");
    }

    #[test]
    fn a_digest_in_a_document_is_no_way_out_of_the_folder() {
        let text =
            r#"{"layers":[{"mediaType":"x","size":1,"digest":"sha256:../../../../etc/passwd"}]}"#;
        let (folder, name) = layout_with(text.as_bytes());
        assert!(ImageLayout(folder.path()).manifest(&name).is_err());
    }

    #[test]
    fn a_blob_is_a_file_of_the_size_in_its_descriptor() {
        let (folder, name) = layout_with(b"four");
        let layout = ImageLayout(folder.path());
        let blob = |size| Descriptor::new("x".into(), size, name.clone());
        assert!(layout.blob(&blob(4)).is_ok());
        assert!(layout.blob(&blob(5)).is_err());
        fs::remove_file(layout.path(&name).unwrap()).unwrap();
        assert!(layout.blob(&blob(4)).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc/hostname", layout.path(&name).unwrap()).unwrap();
            assert!(layout.blob(&blob(4)).is_err());
        }
    }
}
