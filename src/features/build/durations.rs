//! How long the builds of services took last time: what takes longest begins first.

use std::time::Duration;

use bstr::BStr;

use crate::{
    fleet::fact_file::{DURATIONS, FactFile},
    git::repository::Repository,
    model::report::{BuiltService, Status},
};

/// The seconds that each service took, by its path, as earlier runs of this clone remember. A first run knows nothing.
pub(super) struct Durations(FactFile<f64>);

impl Durations {
    pub(super) fn of(fleet: &Repository) -> Self {
        Self(FactFile::open(fleet, DURATIONS))
    }

    /// How long the service at `path` took when it was last built; none where nobody knows.
    pub(super) fn last(&self, path: &BStr) -> Option<Duration> {
        let seconds = self.0.facts.get(&path.to_string())?;
        Duration::try_from_secs_f64(*seconds).ok()
    }

    /// Remembers what was built of `fleet`.
    pub(super) fn keep(mut self, fleet: &Repository, services: &[BuiltService]) {
        let built = services.iter().filter(|one| one.status == Status::Built);
        let new: Vec<_> = built
            .map(|one| (one.step.path.to_string(), one.took.as_secs_f64()))
            .collect();
        if !new.is_empty() {
            self.0.facts.extend(new);
            self.0.write(fleet);
        }
    }
}
