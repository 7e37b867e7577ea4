//! `flota build`

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum};

use super::shared::{COMPARED, Ends, ResultFormat};
use crate::model::step_id::StepId;

/// Arguments of `flota build`.
#[derive(Args, Debug)]
pub struct Build {
    /// Build only these services, given by path, name or glob.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Build exactly these steps of a plan, at HEAD: ACTION:PATH@COMMIT, as flota plan writes them for CI systems.
    #[arg(long = "step", value_name = "STEP,…", value_delimiter = ',', conflicts_with_all = ["services", "range", "base", "all"])]
    pub steps: Vec<StepId>,
    /// A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(long, value_name = "RANGE", conflicts_with_all = ["base", "all"], allow_hyphen_values = true, help_heading = COMPARED)]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Build every service at HEAD, changed or not.
    #[arg(long, conflicts_with = "base", help_heading = COMPARED)]
    pub all: bool,
    /// Treat warnings as errors (exit 4).
    #[arg(long)]
    pub strict: bool,
    /// Fetch nothing, and name what is missing.
    #[arg(long)]
    pub offline: bool,
    /// How many services to build at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The builder of images; overrides [image] builder in flota.toml.
    #[arg(long, value_enum, value_name = "BUILDER")]
    pub builder: Option<Builder>,
    /// Another tag for the images, besides the identity tag; can be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// A value for XX_NAME_XX in values.yaml; can be given several times.
    #[arg(long = "token", value_name = "NAME=VALUE")]
    pub tokens: Vec<String>,
    /// Push images and charts to the registry.
    #[arg(long)]
    pub push: bool,
    /// Check everything, and only show what would be built.
    #[arg(long)]
    pub dry_run: bool,
    /// Build the others when one fails, however many fail; but not the images that build on one that failed.
    #[arg(long)]
    pub keep_going: bool,
    /// Begin no further build after N have failed [default: 1].
    #[arg(long, value_name = "N", conflicts_with = "keep_going")]
    pub max_failures: Option<std::num::NonZeroUsize>,
    /// The directory for images, charts, logs and build.json [default: .flota in the worktree].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// What builds images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Builder {
    /// The first of docker, podman and buildah that answers, else embedded.
    Auto,
    /// The Docker engine.
    Docker,
    /// Podman.
    Podman,
    /// Buildah.
    Buildah,
    /// BuildKit, by docker buildx: all images in one call, on the machines of a builder.
    Buildx,
    /// Builds in this process, without a daemon or root; Dockerfiles must not use RUN.
    Embedded,
}
