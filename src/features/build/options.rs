//! How to build.

use std::num::NonZeroUsize;

use crate::{
    container::engine,
    model::{evidence::RunKind, settings::TokenValue},
};

/// How the services of a plan are built.
#[derive(Clone, Debug)]
pub(crate) struct BuildOptions {
    /// What builds images.
    pub builder: engine::Choice,
    /// How many services at a time.
    pub jobs: NonZeroUsize,
    /// Further tags for every image.
    pub tags: Vec<String>,
    /// The branch that `{branch}` of a tag template stands for; without one such templates give no tag.
    pub branch: Option<String>,
    /// Values for tokens in `values.yaml`, over those of the configuration.
    pub tokens: Vec<(String, TokenValue)>,
    /// Whether to push what was built.
    pub push: bool,
    /// Whether to stop after the checks.
    pub dry_run: bool,
    /// Whether a chart that does not run its image is an error.
    pub strict: bool,
    /// After how many failed services no further one begins; none lets all others go on.
    pub max_failures: Option<NonZeroUsize>,
    /// What kind of run this is: whose results count for it.
    pub run: RunKind,
    /// Whether to stay off the network for what is not here of services that others build on.
    pub offline: bool,
}

impl BuildOptions {
    /// Whether so many failures end the run.
    pub(super) fn is_too_many(&self, failures: usize) -> bool {
        self.max_failures.is_some_and(|most| failures >= most.get())
    }

    /// Whether others go on when a service fails after `failures` that have failed.
    pub(super) fn goes_on_after(&self, failures: usize) -> bool {
        !self.is_too_many(failures + 1)
    }
}
