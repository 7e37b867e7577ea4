//! The request to every builder, and its result.

use std::{collections::BTreeMap, path::PathBuf};

use crate::model::settings::SecretSource;

/// One image to build, whatever the builder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRequest {
    /// The build context: a folder with the service's `code/` as the commit has it.
    pub context: PathBuf,
    /// The Dockerfile's path, relative to the context.
    pub dockerfile: PathBuf,
    /// The file that is read in the place of the Dockerfile, outside the context: the same with other images in it.
    pub dockerfile_in_use: Option<PathBuf>,
    /// The stage to stop at (`--target`); the last one when absent.
    pub target: Option<String>,
    /// Build arguments (`--build-arg`), by name.
    pub build_args: BTreeMap<String, String>,
    /// Labels laid on top of the Dockerfile's own, by key.
    pub labels: BTreeMap<String, String>,
    /// The platforms in OCI's notation (`linux/amd64`, `linux/arm64/v8`), at least one: more make an index.
    pub platforms: Vec<String>,
    /// What the build may read without keeping it.
    pub mounts: Mounts,
    /// When the image counts as created: the commit's date, in seconds since the Unix epoch.
    pub created: i64,
    /// Every name the image gets (`registry/repository:tag`); the first is its identity tag.
    pub references: Vec<String>,
}

/// What a `RUN` may mount: it is no part of the image, nor of any argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    /// For `--mount=type=secret`, by id.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Whether `--mount=type=ssh` reaches the user's SSH agent.
    pub ssh: bool,
}

/// What a builder made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltImage {
    /// The digest of the image's manifest (`sha256:…`), where the builder knows it: an engine with a
    /// store of its own knows it only after a push.
    pub digest: Option<String>,
    /// The image's id: the digest of its configuration (`sha256:…`).
    pub id: String,
}
