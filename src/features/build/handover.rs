//! How a builder is told which images another is built on.
//!
//! It gets a Dockerfile in which each image of the fleet is named by its content: a digest where one is known, else what names
//! it in the builder's own store. The file lies outside the build context, so that no image holds it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::job::{FoundImage, ImageParent, Job, ParentOrigin, Run};
use crate::{
    container::{
        ImageRequest,
        engine::{Builder, Engine},
        named_images::{self, ImagePlace, NamedImage, NamingInputs, named_images, with_words},
    },
    files,
    model::error::{Error, Result},
};

/// What a builder takes as the ignore file of one Dockerfile, after its name.
const IGNORE_FILES: [&str; 2] = [".dockerignore", ".containerignore"];

/// `request` with the images of `job`'s parents in the place of what its Dockerfile names.
///
/// # Errors
/// Work: a parent was not built. Misuse: the Dockerfile names one in a way in which nothing can be put in its place.
pub(super) fn hand_over(run: &Run<'_>, job: &Job, request: &ImageRequest) -> Result<ImageRequest> {
    let Some(image) = job.image.as_ref().filter(|image| !image.parents.is_empty()) else {
        return Ok(request.clone());
    };
    let named = request.context.join(&request.dockerfile);
    let text = named_images::text(&request.context, &request.dockerfile)?;
    let text = text.as_str();
    let inputs = NamingInputs {
        target: request.target.as_deref(),
        build_args: &request.build_args,
        platforms: &request.platforms,
    };
    let mut request = request.clone();
    let mut words = Vec::new();
    let named_images = named_images(&request.dockerfile, text, inputs)?;
    for (at, one) in named_images.iter().enumerate() {
        let path = run.lineage.service_of(&one.reference);
        let parent = image
            .parents
            .iter()
            .find(|parent| Some(&parent.path) == path);
        let Some(parent) = parent else { continue };
        let is_here = |other: &&NamedImage| other.place == one.place;
        let mut others = named_images.iter().filter(is_here);
        if others.any(|other| run.lineage.service_of(&other.reference) != path) {
            return Err(refuse_other_image(job, parent));
        }
        // By another tag, for another platform.
        if named_images[..at].iter().any(|other| is_here(&other)) {
            continue;
        }
        match one.place.clone() {
            ImagePlace::Source(place) => words.push((place, source(run, job, parent)?)),
            // An argument may end up in the image, which must not depend on where its parent was found.
            ImagePlace::Default(place) => words.push((place, parent.image.reference())),
            ImagePlace::BuildArg(name) => {
                request.build_args.insert(name, parent.image.reference());
            }
        }
    }
    request.dockerfile_in_use = Some(write(run, &named, &with_words(text, words))?);
    Ok(request)
}

/// A builder gets one text for all platforms: what is put in the place of one image goes for the others too.
fn refuse_other_image(job: &Job, parent: &ImageParent) -> Error {
    Error::misuse(format!(
        "the Dockerfile of {} names the image of {} for some platforms, and in the same place another image for others",
        job.step.path, parent.path
    ))
    .hint("name the same image for all platforms: it may be one for several")
}

/// What a builder finds the image of a parent by.
fn source(run: &Run<'_>, job: &Job, parent: &ImageParent) -> Result<String> {
    // The file for bake says for each reference where that image is.
    if run.builder == Some(Builder::Buildx) {
        return Ok(parent.image.reference());
    }
    let found = match &parent.origin {
        ParentOrigin::Found(found) => found.clone(),
        ParentOrigin::InRun => run
            .made(&parent.path)
            .ok_or_else(|| Error::work(format!("the image of {} was not built", parent.path)))?,
    };
    let by_digest = |digest: &str| format!("{}@{digest}", parent.image.repository);
    match (run.builder, found) {
        (
            Some(Builder::Engine(engine @ (Engine::Podman | Engine::Buildah))),
            FoundImage::InRegistry(digest),
        ) => {
            let name = by_digest(&digest);
            engine.pull(&name, job.settings.image.timeout)?;
            Ok(name)
        }
        (_, FoundImage::InRegistry(digest)) => Ok(by_digest(&digest)),
        // Their build asks the registry for a name even if the image is here, and for an id never.
        (Some(Builder::Engine(Engine::Podman | Engine::Buildah)), FoundImage::InStore(image)) => {
            Ok(image.id.trim_start_matches("sha256:").to_owned())
        }
        (_, FoundImage::InStore(image)) => Ok(match image.digest {
            Some(digest) => by_digest(&digest),
            None => parent.image.reference(),
        }),
    }
}

/// Writes the Dockerfile beside the context, with the ignore file that belongs to it alone.
fn write(run: &Run<'_>, named: &Path, text: &str) -> Result<PathBuf> {
    let folder = run.products.scratch()?;
    let name = named.file_name().unwrap_or_default();
    let file = folder.join(name);
    fs::write(&file, text).map_err(|err| files::cannot("write", &file, err))?;
    for ending in IGNORE_FILES {
        let mut own = named.as_os_str().to_owned();
        own.push(ending);
        let mut name = name.to_owned();
        name.push(ending);
        // A link may lead out of the context.
        if fs::symlink_metadata(&own).is_ok_and(|found| found.is_file()) {
            fs::copy(&own, folder.join(&name))
                .map_err(|err| files::cannot("copy", Path::new(&own), err))?;
        }
    }
    Ok(file)
}
