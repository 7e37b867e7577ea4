//! The fleet's own branch, pulled, and its services after it.

use bstr::BString;
use gix::ObjectId;

use super::sync::Synced;

/// What a pull brought.
#[derive(Debug)]
pub struct Pulled {
    /// The fleet's branch.
    pub branch: BString,
    /// The remote and the short name of the branch there.
    pub upstream: BString,
    /// The commit of HEAD before; none before the first.
    pub from: Option<ObjectId>,
    /// HEAD afterwards; in a dry run, what would be merged.
    pub to: ObjectId,
    /// The pins that differ between the two.
    pub pins: Vec<PulledPin>,
    /// The submodules, sorted by path; none in a dry run.
    pub synced: Vec<Synced>,
}

/// A pin that a pull brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledPin {
    /// Where the service sits.
    pub path: BString,
    /// The pin before; none of a service that is new.
    pub from: Option<ObjectId>,
    /// The pin from now on; none of a service that is gone.
    pub to: Option<ObjectId>,
}
