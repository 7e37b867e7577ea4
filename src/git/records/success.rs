//! The refs that say where services last succeeded.
//!
//! A record is a commit. Its first parent is the fleet's commit at which all succeeded but those that its tree lists: there
//! a gitlink at a service's path names the fleet's commit at which that one did, and an empty file stands for never. All
//! those commits are its parents, so that whoever has the record can have them too, and no clean-up takes them away. A
//! record depends only on its content, so two runs with the same result write the same commit.

use std::collections::BTreeMap;

use bstr::{BString, ByteSlice};
use gix::{
    ObjectId,
    objs::{CommitRefIter, Find},
};

use super::{
    local,
    object::{NewEntry, write_commit, write_tree},
    shared_ref::SharedRef,
};
use crate::{
    git::{history, objects::Objects, repository::Repository, tree},
    model::{
        error::{Error, Result},
        success::Success,
    },
};

/// A record, and the commit that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The commit.
    pub id: ObjectId,
    /// What it says.
    pub success: Success,
}

/// The record that `reference` holds here; none without one.
///
/// # Errors
/// Repository: something else is there.
pub fn read(fleet: &Repository, reference: &SharedRef) -> Result<Option<Stored>> {
    let Some(id) = local::held(fleet, reference) else {
        return Ok(None);
    };
    let reference = reference.here();
    let objects = fleet.objects();
    let objects = Objects::new(&objects);
    let no_record = || {
        Error::repository(format!("{reference} does not contain a record of flota"))
            .hint(format!("start again: git update-ref -d {reference}"))
    };
    let mut buffer = Vec::new();
    let commit = objects.try_find(&id, &mut buffer);
    let data = commit.ok().flatten().ok_or_else(no_record)?.data;
    let first = CommitRefIter::from_bytes(data, id.kind())
        .parent_ids()
        .next();
    let commit = first.ok_or_else(no_record)?;
    let root = objects.tree_of(id)?.ok_or_else(no_record)?;
    let listed = tree::diff(objects, None, Some(root))?;
    let exceptions = listed.into_iter().filter_map(|found| {
        let (mode, since) = found.new?;
        Some((found.path, mode.is_commit().then_some(since)))
    });
    let exceptions: BTreeMap<BString, _> = exceptions.collect();
    Ok(Some(Stored {
        id,
        success: Success { commit, exceptions },
    }))
}

/// Writes the record as a commit, which no ref holds yet.
///
/// # Errors
/// Unavailable: the object database cannot be written.
pub fn write(fleet: &Repository, reference: &SharedRef, success: &Success) -> Result<ObjectId> {
    let entries = success.exceptions.iter().map(|(path, since)| {
        let entry = match since {
            Some(commit) => NewEntry::Gitlink(*commit),
            None => NewEntry::File(b""),
        };
        (path.as_bstr(), entry)
    });
    let root = write_tree(&fleet.to_local()?, None, entries)?;
    let at = history::committed_at(Objects::new(&fleet.objects()), success.commit)?;
    let message = format!("Record the last success\n\n{}\n", reference.here());
    write_commit(fleet, message, root, success.commits(), at)
}
