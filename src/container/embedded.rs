//! The embedded builder: images from Dockerfiles that run nothing, made without a daemon, without root and without a process.
//!
//! The same request gives the same digests on every machine. A Dockerfile is planned from its text (`plan`), executed on trees of
//! metadata (`assemble`), and only then are bytes read: each file streams into its layer (`layer`), and each layer into the
//! image layout.

mod archive;
mod assemble;
mod base;
mod change;
mod contents;
mod context;
mod copy;
mod copying;
pub(super) mod dockerfile;
pub(super) mod expand;
mod form;
mod healthcheck;
mod ignore;
mod image;
mod instructions;
mod layer;
mod mode;
mod options;
mod paths;
mod pattern;
mod plan;
mod ports;
mod shared;
mod signal;
mod stage;
mod step;
#[cfg(test)]
mod tests;
mod tree;
mod users;

use std::{collections::HashMap, io::ErrorKind, path::Path};

use oci_spec::image::{
    ANNOTATION_BASE_IMAGE_DIGEST, ANNOTATION_BASE_IMAGE_NAME, Descriptor, ImageIndexBuilder,
    ImageManifestBuilder, MediaType, SCHEMA_VERSION,
};

use super::{
    image::{BuiltImage, ImageRequest},
    layout::{Blob, Layout, canonical, incomplete},
};
use crate::{
    files::cannot,
    model::error::{Error, Result},
};
use assemble::Sources;
use base::Base;
pub use base::{BaseCache, BaseUsage, Bases};
use change::Layer;
use contents::Contents;
use context::Context;
use plan::DockerfilePlan;

/// Builds `request` into the OCI image layout `layout` (made if missing; other images in it stay) and tags the manifest with each of
/// the request's references: for several platforms an index of their manifests.
///
/// # Errors
/// Exit 3 for what only an engine can do (`RUN`, `ADD` of a URL), for a registry that cannot be reached and for a layout that
/// cannot be written; exit 2 for a Dockerfile or an option that is not valid; exit 1 for a source or a base image that is not there.
pub fn build(request: &ImageRequest, layout: &Path, bases: &Bases) -> Result<BuiltImage> {
    let created = timestamp(request.created)?;
    let plans = read_plans(request, bases)?;
    let context = Context::load(&request.context, &request.dockerfile)?;
    let layout = Layout::create(layout)?;
    let mut images = Vec::new();
    for plan in &plans {
        images.push(build_one(
            request, plan, &created, &context, bases, &layout,
        )?);
    }
    let (descriptor, id) = match images.len() {
        1 => images.swap_remove(0),
        // An index has no configuration, and so no id.
        _ => (index(images, &layout)?, String::new()),
    };
    layout.tag(&descriptor, &request.references)?;
    Ok(BuiltImage {
        digest: Some(descriptor.digest().to_string()),
        id,
    })
}

/// The manifest of the image for one platform, and the digest of its configuration.
fn build_one(
    request: &ImageRequest,
    plan: &DockerfilePlan,
    created: &str,
    context: &Context,
    bases: &Bases,
    layout: &Layout,
) -> Result<(Descriptor, String)> {
    let target = plan.stages[plan.target]
        .as_ref()
        .ok_or_else(|| incomplete("the target was not read"))?;
    let contents = Contents::new(context, bases, layout)?;
    let done = assemble::assemble(
        plan,
        &Sources {
            context,
            bases,
            contents: &contents,
        },
    )?;
    contents.unpack(done.iter().filter_map(|done| done.layer.as_deref()))?;

    let mut image = target.image.clone();
    image.labels.extend(request.labels.clone());
    let mut layers = Vec::new();
    let mut unpacked = Vec::new();
    if let Some((base, place)) = plan.base() {
        for layer in &base.layers {
            let blob = bases.blob(layer).map_err(|error| error.within(place))?;
            layout.link(&blob, &layer.digest, layer.size)?;
            layers.push(layer.descriptor()?);
            unpacked.push(layer.diff_id.clone());
        }
    }
    let base = plan.base().map(|(base, _)| base);
    for layer in done.iter().filter_map(|done| done.layer.as_ref()) {
        let (blob, digest) = write_layer(layout, layer, request.created, &contents)?;
        layers.push(blob.descriptor(MediaType::ImageLayerGzip)?);
        unpacked.push(digest);
    }
    let history: Vec<_> = done
        .into_iter()
        .map(|done| (done.instruction, done.layer.is_some()))
        .collect();
    let before = base.map(Base::full_history).unwrap_or_default();
    let config = layout.add(&image.document(created, unpacked, &before, &history)?)?;
    let manifest = layout.add(&manifest(&config, layers, base)?)?;
    let mut descriptor = manifest.descriptor(MediaType::ImageManifest)?;
    descriptor.set_platform(Some(image.platform.descriptor()?));
    Ok((descriptor, config.digest))
}

/// The image of several platforms.
fn index(images: Vec<(Descriptor, String)>, layout: &Layout) -> Result<Descriptor> {
    let manifests: Vec<_> = images.into_iter().map(|(image, _)| image).collect();
    let index = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests(manifests);
    let bytes = canonical(index.build().map_err(incomplete)?)?;
    layout.add(&bytes)?.descriptor(MediaType::ImageIndex)
}

/// Whether the embedded builder can build `request`, as far as its Dockerfile alone says: nothing is written, and of the context
/// only the Dockerfile is read.
///
/// # Errors
/// Those of [`build`].
pub fn check(request: &ImageRequest, bases: &Bases) -> Result<()> {
    timestamp(request.created)?;
    read_plans(request, bases).map(drop)
}

/// The manifest digest that `reference` names in `layout`, if it and all parts of its image are there.
///
/// # Errors
/// An index that cannot be read (exit 3).
pub fn resolve(layout: &Path, reference: &str) -> Result<Option<String>> {
    let Some(layout) = Layout::open(layout) else {
        return Ok(None);
    };
    let found = layout.resolve(reference)?;
    Ok(found.map(|image| image.digest().to_string()))
}

/// Gives the image whose manifest has `digest` further names.
///
/// # Errors
/// No such image in `layout` (exit 1), a malformed name (exit 2), a layout that cannot be written (exit 3).
pub fn tag(layout: &Path, digest: &str, references: &[String]) -> Result<()> {
    let missing = || Error::work(format!("{} has no image {digest}", layout.display()));
    let store = Layout::open(layout).ok_or_else(missing)?;
    let image = store.find(digest)?.ok_or_else(missing)?;
    store.tag(&image, references)
}

/// One for each platform.
fn read_plans(request: &ImageRequest, bases: &Bases) -> Result<Vec<DockerfilePlan>> {
    let text = match &request.dockerfile_in_use {
        Some(file) => std::fs::read_to_string(file).map_err(|err| cannot("read", file, err))?,
        None => dockerfile::read(&request.context, &request.dockerfile)?,
    };
    let text = dockerfile::with_resets(text);
    let platforms = request.platforms.iter();
    platforms
        .map(|platform| DockerfilePlan::new(request, platform, &text, bases))
        .collect()
}

/// RFC 3339, in UTC.
fn timestamp(seconds: i64) -> Result<String> {
    let timestamp = jiff::Timestamp::from_second(seconds);
    let timestamp = timestamp
        .map_err(|cause| Error::misuse(format!("{seconds} is not a date")).because(cause))?;
    Ok(timestamp.to_string())
}

fn write_layer(
    layout: &Layout,
    layer: &Layer,
    created: i64,
    contents: &Contents,
) -> Result<(Blob, String)> {
    let mut blob = layout.blob()?;
    let unpacked = layer::write(layer, created, |kind| contents.open(kind), &mut blob);
    let unpacked = unpacked.map_err(|cause| match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => layout.cannot_write(cause),
        _ => Error::work("cannot write a layer").because(cause),
    })?;
    Ok((blob.finish()?, unpacked))
}

/// The manifest says which image it was built on, where it was on one (image specification, "Annotations").
fn manifest(config: &Blob, layers: Vec<Descriptor>, base: Option<&Base>) -> Result<Vec<u8>> {
    let mut manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(config.descriptor(MediaType::ImageConfig)?)
        .layers(layers);
    if let Some(base) = base {
        manifest = manifest.annotations(HashMap::from([
            (ANNOTATION_BASE_IMAGE_NAME.to_owned(), base.name.to_string()),
            (ANNOTATION_BASE_IMAGE_DIGEST.to_owned(), base.digest.clone()),
        ]));
    }
    canonical(manifest.build().map_err(incomplete)?)
}
