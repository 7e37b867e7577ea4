//! One image, alone in a layout or in an archive: what programs that look into images are given.

use std::{
    fs::{self, File},
    path::Path,
};

use oci_spec::image::{Descriptor, ImageIndex};
use serde::Deserialize;

use super::layout::{Layout, canonical, incomplete};
use crate::{
    files,
    model::{
        error::{Error, Result},
        reference::Reference,
    },
    registry::Registry,
};

/// How deep an index may lie in indexes.
const NESTING_LIMIT: usize = 4;

/// What manifests and indexes have in common.
#[derive(Deserialize)]
struct Parts {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

impl Parts {
    fn read(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes)
            .map_err(|cause| Error::work("an image has a manifest that is none").because(cause))
    }

    fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers)
    }
}

/// Makes the folder `into` a layout with the image `digest` of the layout `images` alone, called `reference`.
///
/// # Errors
/// Work: there is no such image. Unavailable: `into` cannot be written.
pub fn take(images: &Path, digest: &str, reference: &str, into: &Path) -> Result<()> {
    let missing = || Error::work(format!("{} has no image {digest}", images.display()));
    let from = Layout::open(images).ok_or_else(missing)?;
    let image = from.find(digest)?.ok_or_else(missing)?;
    let to = Layout::create(into)?;
    let link = |part: &Descriptor| {
        let digest = part.digest().as_ref();
        let path = from.blob_path(digest).ok_or_else(missing)?;
        to.link(&path, digest, part.size())?;
        Ok(path)
    };
    let mut documents = vec![(image.clone(), 0)];
    while let Some((document, depth)) = documents.pop() {
        let path = link(&document)?;
        let bytes = fs::read(&path).map_err(|cause| files::cannot("read", &path, cause))?;
        let parts = Parts::read(&bytes)?;
        parts.blobs().try_for_each(|blob| link(blob).map(drop))?;
        documents.extend(below(parts.manifests, depth)?);
    }
    to.tag(&image, &[reference.to_owned()])
}

/// The same of an image in its registry: `image` names it by its digest.
///
/// # Errors
/// Work: the registry has no such image. Unavailable: it cannot be reached, or `into` cannot be written.
pub fn pull(registry: &Registry, image: &Reference, name: &str, into: &Path) -> Result<()> {
    let to = Layout::create(into)?;
    let mut named = None;
    let mut documents = vec![(image.clone(), 0)];
    while let Some((reference, depth)) = documents.pop() {
        let (media_type, bytes) = registry
            .manifest(&reference)?
            .ok_or_else(|| Error::work(format!("{reference} is not in the registry")))?;
        let descriptor = to.add(&bytes)?.descriptor(media_type.as_str().into())?;
        named.get_or_insert(descriptor);
        let parts = Parts::read(&bytes)?;
        for blob in parts.blobs() {
            let digest = blob.digest().as_ref();
            let written = registry.blob(&reference, digest, blob.size(), || to.blob())?;
            written.finish()?;
        }
        for (document, depth) in below(parts.manifests, depth)? {
            documents.push((image.with_digest(document.digest().as_ref())?, depth));
        }
    }
    named.map_or(Ok(()), |named| to.tag(&named, &[name.to_owned()]))
}

fn below(manifests: Vec<Descriptor>, depth: usize) -> Result<Vec<(Descriptor, usize)>> {
    match depth < NESTING_LIMIT || manifests.is_empty() {
        true => Ok(manifests.into_iter().map(|one| (one, depth + 1)).collect()),
        false => Err(Error::work("an image has indexes in too many indexes")),
    }
}

/// The images in the layout `single`, each for a platform: one, or those of an index. What describes another (an attestation) runs on no
/// platform, and is none of them.
///
/// # Errors
/// Unavailable: the layout cannot be read.
pub fn platforms(single: &Path) -> Result<Vec<Descriptor>> {
    let read = |path: &Path| fs::read(path).map_err(|cause| files::cannot("read", path, cause));
    let layout = Layout::open(single)
        .ok_or_else(|| Error::unavailable(format!("{} is no image layout", single.display())))?;
    let index: ImageIndex =
        serde_json::from_slice(&read(&single.join("index.json"))?).map_err(incomplete)?;
    let mut images = Vec::new();
    let mut documents: Vec<_> = index
        .manifests()
        .iter()
        .cloned()
        .map(|it| (it, 0))
        .collect();
    while let Some((document, depth)) = documents.pop() {
        let path = layout.blob_path(document.digest().as_ref());
        let parts = Parts::read(&read(&path.unwrap_or_default())?)?;
        let os = document.platform().as_ref().map(|it| it.os().to_string());
        if parts.config.is_some() && os.as_deref() != Some("unknown") {
            images.push(document);
        }
        documents.extend(below(parts.manifests, depth)?.into_iter().rev());
    }
    Ok(images)
}

/// What `docker save` calls the list of the images in an archive.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes the image `image` of the layout `single` to `file`, as `docker save` does: `manifest.json`, and the blobs that it names.
///
/// # Errors
/// Unavailable: the layout cannot be read, or the file not be written.
pub fn archive(single: &Path, image: &Descriptor, name: &str, file: &Path) -> Result<()> {
    let cannot = |cause| files::cannot("write", file, cause);
    let layout = Layout::open(single)
        .ok_or_else(|| Error::unavailable(format!("{} is no image layout", single.display())))?;
    let path = |digest: &str| layout.blob_path(digest).unwrap_or_default();
    let manifest = path(image.digest().as_ref());
    let bytes = fs::read(&manifest).map_err(|cause| files::cannot("read", &manifest, cause))?;
    let parts = Parts::read(&bytes)?;
    let named = |part: &Descriptor| {
        let digest = part.digest().to_string();
        format!("blobs/sha256/{}", digest.trim_start_matches("sha256:"))
    };
    let list = canonical([SavedImage {
        config: parts.config.as_ref().map(named).unwrap_or_default(),
        repo_tags: vec![name.to_owned()],
        layers: parts.layers.iter().map(named).collect(),
    }])?;
    let mut tar = tar::Builder::new(File::create(file).map_err(cannot)?);
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(list.len() as u64);
    tar.append_data(&mut header, "manifest.json", list.as_slice())
        .map_err(cannot)?;
    // An image may have one layer twice, an archive has it once.
    let mut written = Vec::new();
    for blob in parts.blobs() {
        let name = named(blob);
        if !written.contains(&name) {
            tar.append_path_with_name(path(blob.digest().as_ref()), &name)
                .map_err(cannot)?;
            written.push(name);
        }
    }
    tar.into_inner().map(drop).map_err(cannot)
}

#[cfg(test)]
mod tests;
