//! Where the images are that one is built on.

use bstr::{BString, ByteSlice};

use super::{
    image,
    job::{FoundImage, ImageParent, ParentOrigin, Run},
};
use crate::{
    fleet::lineage::KnownImage,
    model::{
        error::{Error, Result},
        plan::Step,
    },
};

/// The images that the one of `step` is built on: those that this run builds, and those that are there already.
///
/// # Errors
/// Work: one is neither. Repository: what it is built from is not known.
pub(super) fn of(run: &Run<'_>, step: &Step) -> Result<Vec<ImageParent>> {
    let parents = run.lineage.parents(step.path.as_ref())?;
    let parent = |(path, known): (&BString, &KnownImage)| {
        let origin = match run.images.contains(path) {
            true => ParentOrigin::InRun,
            false => ParentOrigin::Found(elsewhere(run, step, path, known)?),
        };
        Ok(ImageParent {
            path: path.clone(),
            image: known.clone(),
            origin,
        })
    };
    parents.into_iter().map(parent).collect()
}

/// An image that this run does not build: in the builder's own store, else in its registry.
fn elsewhere(run: &Run<'_>, step: &Step, path: &BString, known: &KnownImage) -> Result<FoundImage> {
    let reference = known.reference();
    if let Some(found) = image::in_store(run, &reference)? {
        return Ok(found);
    }
    if known.registry.is_some()
        && let Some(digest) = image::in_registry(run, &reference)?
    {
        return Ok(FoundImage::InRegistry(digest));
    }
    let missing = Error::work(format!(
        "{} builds on the image of {path}, which is neither part of this build nor there already: {reference}",
        step.path
    ));
    let names = [known.name.as_bstr(), step.name.as_bstr()].map(|name| name.to_str_lossy());
    let [parent, child] = names.map(|name| {
        shlex::try_quote(&name)
            .map(Into::into)
            .unwrap_or(name.into_owned())
    });
    Err(missing.hint(format!("build both: flota build {parent} {child}")))
}
