//! The ref that holds all evidence: what gates found, by the content that they looked at.
//!
//! It is a history of commits whose trees only grow: `kind/ab/cdef…/name.json` for each piece ([`EvidenceKey::path`]). One ref holds
//! all of it, since a server lists every ref to every client.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use bstr::ByteSlice;
use gix::{ObjectId, objs::FindExt as _};

use super::{
    attempts::{Attempt, attempt, until_done},
    local,
    object::{NewEntry, write_commit, write_tree},
    remote::RecordRemote,
    shared_ref::{PREFIX, SharedRef},
};
use crate::{
    git::{objects::Objects, repository::Repository, tree},
    model::{
        error::{Error, Result},
        evidence_key::EvidenceKey,
    },
};

/// The largest piece that is read, in bytes: a document of flota's says what a tool found, and not all that it printed.
const SIZE_LIMIT: usize = 1 << 20;

/// Pieces of evidence: JSON documents, by what they are about.
pub type EvidenceFiles = BTreeMap<EvidenceKey, Vec<u8>>;

/// Which of two pieces about the same counts: whether the second, which is there already, is the newer one.
pub type IsNewer = fn(&[u8], &[u8]) -> bool;

/// The ref, at the remote below `prefix`.
pub fn reference(prefix: &str) -> SharedRef {
    SharedRef::new(prefix, format!("{PREFIX}/evidence"))
}

/// What is here about `keys`, without asking a server: [`RecordRemote::fetch`] brings what the remote has.
///
/// # Errors
/// Repository: the ref holds something else, or one piece is larger than 1 MiB.
pub fn read_evidence<'k>(
    fleet: &Repository,
    reference: &SharedRef,
    keys: impl IntoIterator<Item = &'k EvidenceKey>,
) -> Result<EvidenceFiles> {
    let Some(commit) = local::held(fleet, reference) else {
        return Ok(EvidenceFiles::new());
    };
    let root = fleet.tree_of(commit)?;
    let mut found = EvidenceFiles::new();
    for key in keys {
        if let Some(piece) = piece(fleet, reference, root, key)? {
            found.insert(key.clone(), piece);
        }
    }
    Ok(found)
}

/// The piece about `key` in the tree `root`.
fn piece(
    fleet: &Repository,
    reference: &SharedRef,
    root: ObjectId,
    key: &EvidenceKey,
) -> Result<Option<Vec<u8>>> {
    let path = key.path();
    let objects = fleet.objects();
    let objects = Objects::new(&objects);
    let Some((mode, id)) = tree::entry_at(objects, root, path.as_bytes().as_bstr())? else {
        return Ok(None);
    };
    let damaged = || {
        Error::repository(format!(
            "{}: `{path}` is no evidence of flota",
            reference.here()
        ))
    };
    if !mode.is_blob() {
        return Err(damaged());
    }
    let mut buffer = Vec::new();
    let blob = objects.promised();
    let blob = blob.find_blob(&id, &mut buffer);
    let size = blob.map_err(|err| damaged().because(err))?.data.len();
    if size > SIZE_LIMIT {
        return Err(damaged().because(format!("it is larger than {SIZE_LIMIT} bytes")));
    }
    Ok(Some(buffer))
}

/// Adds `found` to what is there: at `remote`, or without one in this clone alone. Of two pieces about the same, the newer one stays.
/// Runs that write at once lose nothing. The commit that holds the result; none when there is nothing at all.
///
/// # Errors
/// Unavailable: the remote does not answer or accept it, or others write without end. Repository: the ref holds something else.
pub fn write_evidence(
    fleet: &Repository,
    reference: &SharedRef,
    remote: Option<&RecordRemote<'_>>,
    found: &EvidenceFiles,
    is_newer: IsNewer,
) -> Result<Option<ObjectId>> {
    until_done(reference, || {
        let there = match remote {
            Some(remote) => remote.fetch(&[reference])?[0],
            None => None,
        };
        let here = local::held(fleet, reference);
        let next = next(fleet, reference, here, found, is_newer)?;
        let Some(new) = next else {
            return Ok(Attempt::Done(None));
        };
        let remote = remote.map(|remote| (remote, there));
        Ok(match attempt(fleet, reference, remote, here, new)? {
            Attempt::Done(()) => Attempt::Done(next),
            Attempt::Lost(winner) => Attempt::Lost(winner),
        })
    })
}

/// The commit that follows `before`, or `before` itself if all of `found` is in it.
fn next(
    fleet: &Repository,
    reference: &SharedRef,
    before: Option<ObjectId>,
    found: &EvidenceFiles,
    is_newer: IsNewer,
) -> Result<Option<ObjectId>> {
    let base = before.map(|commit| fleet.tree_of(commit)).transpose()?;
    let mut news = Vec::new();
    for (key, document) in found {
        let known = match base {
            Some(root) => piece(fleet, reference, root, key)?,
            None => None,
        };
        if known.is_none_or(|known| known != *document && !is_newer(document, &known)) {
            news.push((key.path(), document.as_slice()));
        }
    }
    if news.is_empty() {
        return Ok(before);
    }
    let entries = news
        .iter()
        .map(|(path, document)| (path.as_bytes().as_bstr(), NewEntry::File(document)));
    let root = write_tree(&fleet.to_local()?, base, entries)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    let message = format!("Add evidence\n\n{}\n", reference.here());
    write_commit(fleet, message, root, before, now).map(Some)
}
