//! `flota diff`: the patches inside services between two commits of the fleet, also where services are not checked out.

use bstr::BString;

use crate::{
    fleet::{changed::ChangedOptions, inside, range::Ends},
    git::{network::patch, repository::Repository},
    model::{
        diff::{DiffNumbers, ServiceDiff},
        error::Result,
        log::Between,
        settings::Settings,
    },
};

/// The patch of each service whose pin differs; of one that is gone there is none.
///
/// # Errors
/// As for [`inside::each_moved`].
pub(crate) fn diff(
    fleet: &Repository,
    settings: &Settings,
    ends: Ends,
    options: ChangedOptions<'_>,
) -> Result<Between<ServiceDiff>> {
    inside::each_moved(fleet, settings, ends, options, |inside, service| {
        let (numbers, patch) = match service.to {
            None => (DiffNumbers::default(), Vec::new()),
            Some(_) => {
                let prefix: BString = match service.path == "." {
                    true => BString::default(),
                    false => [&service.path[..], b"/"].concat().into(),
                };
                let ends = [service.from, service.to];
                patch::between(fleet, &inside.files(service)?, ends, prefix.as_ref())?
            }
        };
        Ok(ServiceDiff {
            service: service.clone(),
            numbers,
            patch,
        })
    })
}
