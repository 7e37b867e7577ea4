//! flota's refs in this clone.

use gix::{
    ObjectId,
    refs::{Target, transaction::PreviousValue},
};

use super::shared_ref::SharedRef;
use crate::{
    git::repository::Repository,
    model::error::{Error, Result},
};

/// What the log of a ref says, also of one that another command wrote: it is flota's.
const COMMAND: &str = "flota record";

/// The commit that `reference` points to in this clone; none without it.
pub(super) fn held(fleet: &Repository, reference: &SharedRef) -> Option<ObjectId> {
    fleet.resolve_first([reference.here()]).map(|(_, id)| id)
}

/// Lets `reference` of this clone point to the commit `new`, if it points to `expected` until then; whether it did.
///
/// # Errors
/// Unavailable: it cannot be written.
pub(super) fn swap(
    fleet: &Repository,
    reference: &SharedRef,
    expected: Option<ObjectId>,
    new: ObjectId,
) -> Result<bool> {
    fleet.check_writable()?;
    let mut repo = fleet.to_local()?;
    let name = reference.here();
    let cannot = |err: gix::Error| Error::unavailable(format!("cannot write {name}")).because(err);
    repo.committer_or_set_generic_fallback().map_err(cannot)?;
    let condition = match expected {
        Some(id) => PreviousValue::MustExistAndMatch(Target::Object(id)),
        None => PreviousValue::MustNotExist,
    };
    match repo.reference(name, new, condition, COMMAND) {
        Ok(_) => Ok(true),
        // Somebody else wrote it meanwhile, or is about to.
        Err(_) if held(fleet, reference) != expected => Ok(false),
        Err(err) => Err(cannot(err)),
    }
}
