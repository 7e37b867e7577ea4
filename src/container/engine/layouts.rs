//! Takes over the image that BuildKit wrote into an OCI layout of its own.

use std::{fs, path::Path};

use oci_spec::image::{Descriptor, ImageIndex};

use crate::{
    container::layout::Layout,
    model::error::{Error, Result},
};

/// Moves the image called `digest` from the layout `from` into the layout `into` (made if missing), where it has no name yet.
///
/// # Errors
/// Work: `from` lacks the image. Unavailable: `into` cannot be written.
pub(super) fn adopt(from: &Path, digest: &str, into: &Path) -> Result<()> {
    let lacks = || {
        Error::work(format!(
            "buildx did not write {digest} where it was told to"
        ))
    };
    let unreadable = |cause: std::io::Error| lacks().because(cause);
    let index = fs::read(from.join("index.json")).map_err(unreadable)?;
    let index: ImageIndex =
        serde_json::from_slice(&index).map_err(|cause| lacks().because(cause))?;
    let mut found = index.manifests().iter();
    let image = found.find(|image| image.digest().as_ref() == digest);
    let image = image.cloned().ok_or_else(lacks)?;
    let layout = Layout::create(into)?;
    let blobs = from.join("blobs").join("sha256");
    for blob in fs::read_dir(&blobs).map_err(unreadable)? {
        let blob = blob.map_err(unreadable)?.path();
        layout.take(&blob)?;
    }
    layout.keep(&plain(&image))
}

/// The descriptor without BuildKit's own annotations, which hold the time.
fn plain(image: &Descriptor) -> Descriptor {
    let mut image = image.clone();
    image.set_annotations(None);
    image
}
