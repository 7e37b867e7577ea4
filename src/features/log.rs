//! `flota log`: the commits inside services between two commits of the fleet, also where services are not checked out.

use crate::{
    fleet::{changed::ChangedOptions, inside, range::Ends},
    git::{commit_log, repository::Repository},
    model::{
        error::Result,
        log::{Between, ServiceLog},
        settings::Settings,
    },
};

/// How many commits of a service that is new in the fleet are told of when nobody says: it brings all of its history.
const OF_NEW: usize = 100;

/// The commits of each service whose pin differs, at most the newest `limit` of each.
///
/// # Errors
/// As for [`inside::each_moved`].
pub(crate) fn log(
    fleet: &Repository,
    settings: &Settings,
    ends: Ends,
    limit: Option<usize>,
    options: ChangedOptions<'_>,
) -> Result<Between<ServiceLog>> {
    inside::each_moved(fleet, settings, ends, options, |inside, service| {
        let mut log = ServiceLog {
            service: service.clone(),
            gained: Default::default(),
            lost: Default::default(),
        };
        // What is gone brings nothing, and what it had is still in its own repository.
        let Some(to) = service.to else {
            return Ok(log);
        };
        let store = inside.history(service)?;
        let limit = limit.unwrap_or(match service.from {
            Some(_) => usize::MAX,
            None => OF_NEW,
        });
        let objects = store.objects();
        log.gained = commit_log::between(objects, service.from, to, limit)?;
        if let Some(from) = service.from {
            log.lost = commit_log::between(objects, Some(to), from, limit)?;
        }
        Ok(log)
    })
}
