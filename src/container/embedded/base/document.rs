//! Indexes and manifests of base images, OCI's and Docker's (image specification; Docker's "Image Manifest Version 2, Schema 2").

use oci_spec::image::{Digest, DigestAlgorithm};
use serde::Deserialize;

use super::platform;
use crate::{
    container::embedded::{dockerfile::needs_engine, image::Platform},
    model::error::{Error, Result},
};

/// Layers that a base may have (what overlay file systems stack).
const LAYERS: usize = 127;

/// The largest configuration that is read, in bytes.
const CONFIGURATION: u64 = 4 << 20;

/// What `index.manifests` may list.
const IMAGES: usize = 1000;

const CONFIGURATIONS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// What a reference stands for.
pub(super) enum Document {
    /// Images of several platforms.
    Index(Vec<IndexEntry>),
    /// One image.
    Image(ImageParts),
}

/// The parts of one image.
pub(super) struct ImageParts {
    pub(super) configuration: BlobPart,
    pub(super) layers: Vec<BlobPart>,
}

/// A blob, as a manifest refers to it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlobPart {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

/// A manifest, as an index refers to it.
#[derive(Deserialize)]
pub(super) struct IndexEntry {
    pub(super) digest: String,
    pub(super) size: u64,
    platform: Option<PlatformFields>,
}

#[derive(Deserialize)]
struct PlatformFields {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// What the kinds of documents have, one with another.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentFields {
    schema_version: u32,
    config: Option<BlobPart>,
    layers: Option<Vec<BlobPart>>,
    manifests: Option<Vec<IndexEntry>>,
}

impl Document {
    /// Reads `bytes`, what the registry has under `name`.
    ///
    /// # Errors
    /// It is no image of files, or of a kind that is not read here.
    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let fields: DocumentFields = serde_json::from_slice(bytes)
            .map_err(|cause| Error::work(format!("`{name}` is not an image")).because(cause))?;
        if fields.schema_version == 1 {
            return Err(needs_engine(format!(
                "`{name}` is an image of Docker's first schema"
            )));
        }
        match fields {
            // Who reads such a document as an index and who reads it as an image would get different bytes (CVE-2021-41190).
            DocumentFields {
                manifests: Some(_),
                layers: Some(_),
                ..
            } => Err(Error::work(format!(
                "`{name}` is both an index and an image"
            ))),
            DocumentFields {
                manifests: Some(images),
                ..
            } if images.len() > IMAGES => {
                let count = images.len();
                Err(Error::work(format!("`{name}` lists {count} images")))
            }
            DocumentFields {
                manifests: Some(images),
                ..
            } => {
                let digests = images.iter().map(|image| &image.digest);
                digests
                    .into_iter()
                    .try_for_each(|digest| is_sha256(name, digest))?;
                Ok(Self::Index(images))
            }
            DocumentFields {
                config: Some(configuration),
                layers: Some(layers),
                ..
            } => ImageParts::new(name, configuration, layers).map(Self::Image),
            _ => Err(Error::work(format!("`{name}` is not an image"))),
        }
    }
}

impl ImageParts {
    fn new(name: &str, configuration: BlobPart, layers: Vec<BlobPart>) -> Result<Self> {
        let kind = &configuration.media_type;
        if !CONFIGURATIONS.contains(&&**kind) {
            return Err(Error::work(format!(
                "`{name}` is not an image but `{kind}`"
            )));
        }
        if configuration.size > CONFIGURATION {
            let size = configuration.size;
            return Err(Error::work(format!(
                "the configuration of `{name}` has {size} bytes"
            )));
        }
        if layers.len() > LAYERS {
            let count = layers.len();
            return Err(Error::work(format!("`{name}` has {count} layers")));
        }
        for part in layers.iter().chain([&configuration]) {
            is_sha256(name, &part.digest)?;
        }
        Ok(Self {
            configuration,
            layers,
        })
    }
}

/// The image of `images` that is for the platform `asked`.
///
/// # Errors
/// There is none; the error names those that are there.
pub(super) fn choose<'a>(
    name: &str,
    images: &'a [IndexEntry],
    asked: &Platform,
) -> Result<&'a IndexEntry> {
    let platforms = images.iter().map(IndexEntry::platform);
    let ranked = images
        .iter()
        .zip(platforms.clone())
        .filter_map(|(image, found)| Some((platform::rank(asked, &found?)?, image)));
    if let Some((_, image)) = ranked.min_by_key(|(rank, _)| *rank) {
        return Ok(image);
    }
    let mut there: Vec<String> = platforms
        .flatten()
        .filter(|platform| platform.os != "unknown")
        .map(|platform| platform.to_string())
        .collect();
    there.dedup();
    let error = Error::work(format!("`{name}` has no image for {asked}"));
    Err(match there.is_empty() {
        true => error.hint("its index names no platform"),
        false => error.hint(format!("it has images for {}", there.join(", "))),
    })
}

impl IndexEntry {
    fn platform(&self) -> Option<Platform> {
        let fields = self.platform.as_ref()?;
        Some(Platform {
            os: fields.os.clone(),
            architecture: fields.architecture.clone(),
            variant: fields.variant.clone(),
        })
    }
}

/// Other algorithms are not checked here, and what is not checked is not used.
fn is_sha256(name: &str, digest: &str) -> Result<()> {
    let parsed = digest.parse::<Digest>();
    match parsed.is_ok_and(|digest| *digest.algorithm() == DigestAlgorithm::Sha256) {
        true => Ok(()),
        false => Err(Error::work(format!(
            "`{name}` names a part by `{digest}`, which is not a SHA-256 digest"
        ))),
    }
}
