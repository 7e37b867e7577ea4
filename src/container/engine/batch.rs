//! Images that buildx is asked for, and what became of them.

use std::{collections::BTreeMap, path::Path, time::Duration};

use crate::{
    container::image::{BuiltImage, ImageRequest},
    model::error::Error,
};

/// Images to build in one call.
pub struct Batch<'a> {
    /// The builder instance (`docker buildx ls`); the one in use when absent.
    pub builder: Option<&'a str>,
    /// An empty folder for what is under way.
    pub scratch: &'a Path,
    /// How many images at a time.
    pub jobs: usize,
    /// Whether the others are built when one fails.
    pub keep_going: bool,
    /// The longest time that all of it may take.
    pub timeout: Duration,
    /// The images.
    pub images: Vec<BatchImage<'a>>,
}

/// One of them.
pub struct BatchImage<'a> {
    /// The service's name.
    pub name: &'a str,
    /// What to build.
    pub request: &'a ImageRequest,
    /// Where its lines go.
    pub log: &'a Path,
    /// Where its cache is kept, as an image reference.
    pub cache: Option<String>,
    /// What is attached to it, in the words of `docker buildx build --attest`.
    pub attached: Vec<String>,
    /// Where it goes.
    pub destination: Destination<'a>,
    /// The images that it is built on, by the references that its Dockerfile has for them.
    pub parents: BTreeMap<String, BatchParent<'a>>,
}

/// An image that another is built on.
#[derive(Clone, Debug)]
pub enum BatchParent<'a> {
    /// The one at this position of the same batch.
    InBatch(usize),
    /// The one of this digest, which is there already.
    Found(Destination<'a>, String),
}

/// Where an image goes.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// Into an OCI image layout: it has no name there yet.
    Layout(&'a Path),
    /// To a repository of a registry (`registry/repository`), by its digest: it has no name there yet.
    Repository(&'a str),
}

/// What became of one image.
pub enum Outcome {
    /// It was built in this time.
    Built(BuiltImage, Duration),
    /// It failed after this time.
    Failed(Error, Duration),
    /// Another one failed before it was done, or one that it is built on.
    Stopped,
}
