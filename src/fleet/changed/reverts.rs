//! Pins that a merge took back by mistake.

use std::collections::BTreeSet;

use bstr::BStr;
use gix::ObjectId;

use super::gitlinks::Candidate;
use crate::{
    git::{lineage, repository::Repository},
    model::{
        change::{Warning, WarningKind},
        error::Result,
    },
};

/// Pins that are again what they were before base although no commit of the range did that: a merge kept the older of two. The
/// fleet's own history says that, whatever is known of the submodules. Where base is no ancestor of head there is nothing
/// to keep: head never had the newer one.
pub(super) fn unintended(
    repository: &Repository,
    base: Option<ObjectId>,
    head: ObjectId,
    candidates: &[&Candidate],
) -> Result<Vec<Warning>> {
    let Some(base) = base else {
        return Ok(Vec::new());
    };
    let moved = candidates.iter().filter(|candidate| has_moved(candidate));
    let paths: BTreeSet<&BStr> = moved.map(|candidate| candidate.path.as_ref()).collect();
    let kept = lineage::kept_from_before(repository, base, head, paths)?;
    let kept = |candidate: &&&Candidate| kept.contains(&BStr::new(&candidate.path));
    let kept = candidates.iter().filter(kept);
    Ok(kept.map(|candidate| warning(candidate)).collect())
}

/// Whether more than its URL is another.
fn has_moved(candidate: &Candidate) -> bool {
    candidate.base.pin() != candidate.head.pin() || candidate.previous_path.is_some()
}

fn warning(candidate: &Candidate) -> Warning {
    let path = &candidate.path;
    let message = match (candidate.base.pin(), candidate.head.pin()) {
        (Some(from), Some(to)) if from != to => format!(
            "{path} went back from {} to {}, but no commit in the range did that: a merge kept the older pin",
            from.to_hex_with_len(7),
            to.to_hex_with_len(7)
        ),
        (_, Some(_)) => format!(
            "{path} is a submodule again, but no commit in the range did that: a merge kept the older state"
        ),
        (_, None) => format!(
            "{path} is no submodule any more, but no commit in the range did that: a merge kept the older state"
        ),
    };
    Warning {
        path: Some(path.clone()),
        kind: WarningKind::UnintendedRevert,
        message,
    }
}
