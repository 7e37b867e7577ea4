//! `flota template drift`: which services are behind their template, read from the pinned commits in process.

use std::num::NonZeroUsize;

use crate::{
    fleet::select::Selector,
    git::{index, repository::Repository, submodule::Store, vet::Link},
    model::{
        error::{Error, Result},
        template::{Drift, DriftState, Origin, Record},
    },
    parallel,
    templates::{self, WantedTemplate},
};

/// Where the services named, or all of them, stand towards their templates; sorted by path.
///
/// # Errors
/// Misuse: a name is not one of the fleet's services. Repository: the fleet's index cannot be read.
pub(crate) fn drift(
    fleet: &Repository,
    selector: &Selector,
    jobs: NonZeroUsize,
) -> Result<Vec<Drift>> {
    let pins = selector.among(index::of_index(fleet)?)?;
    let mut drift = parallel::map(jobs, &pins.links, |link| one(fleet, link))?;
    let in_conflict = pins.conflicted.into_iter().map(|one| Drift {
        state: DriftState::Unread(index::in_conflict().within(&one.path)),
        path: one.path,
        record: None,
    });
    drift.extend(in_conflict);
    drift.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(drift)
}

fn one(fleet: &Repository, link: &Link) -> Drift {
    let record = record(fleet, link);
    let (record, state) = match record {
        Ok(None) => (None, DriftState::Unmade),
        Ok(Some(record)) => {
            let state = state(fleet, &record).unwrap_or_else(DriftState::Unread);
            (Some(record), state)
        }
        Err(error) => (None, DriftState::Unread(error)),
    };
    Drift {
        path: link.path.clone(),
        record,
        state: match state {
            DriftState::Unread(error) => DriftState::Unread(error.within(&link.path)),
            state => state,
        },
    }
}

fn record(fleet: &Repository, link: &Link) -> Result<Option<Record>> {
    let not_here = || {
        Error::repository("its pinned commit has not been fetched")
            .hint(format!("flota update {}", link.path))
    };
    let name = link.listed.as_ref().map(|listed| listed.name.as_ref());
    let store = Store::open(fleet, name, link.path.as_ref())?.ok_or_else(not_here)?;
    let root = store.tree_of(link.pin)?.ok_or_else(not_here)?;
    templates::read_record(store.objects(), root)
}

fn state(fleet: &Repository, record: &Record) -> Result<DriftState> {
    let wanted = match &record.origin {
        Origin::Git { .. } | Origin::Folder(None) => return Ok(DriftState::Elsewhere),
        Origin::Embedded if templates::named(&record.template)?.is_none() => {
            return Ok(DriftState::Gone);
        }
        Origin::Embedded | Origin::Folder(Some(_)) => {
            WantedTemplate::of_record(record, fleet.work_dir().unwrap_or(fleet.common_dir()))?
        }
    };
    if let WantedTemplate::Folder(path) = &wanted
        && !path.exists()
    {
        return Ok(DriftState::Gone);
    }
    let version = templates::load(&wanted, fleet, true)?.version()?;
    Ok(match version == record.version {
        true => DriftState::Current,
        false => DriftState::Behind(version),
    })
}
