//! The refs that say where services last succeeded: read, written, fetched and pushed.
//!
//! A record is a commit. Its first parent is the fleet's commit at which all succeeded but those that its tree lists: there
//! a gitlink at a service's path names the fleet's commit at which that one did, and an empty file stands for never. All
//! those commits are its parents, so that whoever has the record can have them too, and no clean-up takes them away. A
//! record depends only on its content, so two runs with the same result write the same commit.

use std::{collections::BTreeMap, time::Duration};

use bstr::{BString, ByteSlice};
use gix::{
    ObjectId,
    objs::{CommitRefIter, Find, tree::EntryKind},
    refs::{Target, transaction::PreviousValue},
};

use super::{
    history,
    network::{ls_remote, push, revision, shallow::RemoteAccess},
    objects::Objects,
    remote,
    repository::Repository,
    tree,
};
use crate::{
    interrupt,
    model::{
        error::{Error, Result},
        success::Success,
    },
};

/// As whom records are written: by nobody, whoever runs flota, so that equal ones are one commit.
const AUTHOR: (&str, &str) = ("flota", "flota@localhost");

/// How often to look whether somebody else's push was the reason why one's own was refused.
const LOOKS: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

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
pub fn read(fleet: &Repository, reference: &str) -> Result<Option<Stored>> {
    let Some((_, id)) = fleet.resolve_first([reference]) else {
        return Ok(None);
    };
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
pub fn write(fleet: &Repository, reference: &str, success: &Success) -> Result<ObjectId> {
    let repo = fleet.to_local()?;
    let cannot = |err: gix::Error| Error::unavailable("cannot write the record").because(err);
    let never = repo.write_blob([]).map_err(cannot)?.detach();
    let empty = ObjectId::empty_tree(fleet.object_hash());
    let mut editor = repo.edit_tree(empty).map_err(cannot)?;
    for (path, since) in &success.exceptions {
        let (kind, id) = match since {
            Some(commit) => (EntryKind::Commit, *commit),
            None => (EntryKind::Blob, never),
        };
        editor.upsert(path.as_bstr(), kind, id).map_err(cannot)?;
    }
    let root = editor.write().map_err(cannot)?.detach();
    let at = history::committed_at(Objects::new(&fleet.objects()), success.commit)?;
    let time = format!("{at} +0000");
    let author = gix::actor::SignatureRef {
        name: AUTHOR.0.into(),
        email: AUTHOR.1.into(),
        time: &time,
    };
    let message = format!("Record the last success\n\n{reference}\n");
    let commit = repo
        .new_commit_as(author, author, message, root, success.commits())
        .map_err(cannot)?;
    Ok(commit.id)
}

/// Lets `reference` hold the record `new`, if it holds `expected` until then; whether it did.
///
/// # Errors
/// Unavailable: it cannot be written.
pub fn swap(
    fleet: &Repository,
    reference: &str,
    expected: Option<ObjectId>,
    new: ObjectId,
) -> Result<bool> {
    fleet.check_writable()?;
    let mut repo = fleet.to_local()?;
    let cannot =
        |err: gix::Error| Error::unavailable(format!("cannot write {reference}")).because(err);
    repo.committer_or_set_generic_fallback().map_err(cannot)?;
    let condition = match expected {
        Some(id) => PreviousValue::MustExistAndMatch(Target::Object(id)),
        None => PreviousValue::MustNotExist,
    };
    match repo.reference(reference, new, condition, "flota record") {
        Ok(_) => Ok(true),
        // Somebody else wrote it meanwhile, or is about to.
        Err(_) if held(fleet, reference)? != expected => Ok(false),
        Err(err) => Err(cannot(err)),
    }
}

/// The record's commit here; none without one.
pub fn held(fleet: &Repository, reference: &str) -> Result<Option<ObjectId>> {
    Ok(fleet.resolve_first([reference]).map(|(_, id)| id))
}

/// The remote that the fleet's records are shared by; none when it has none.
pub fn remote(fleet: &Repository) -> Result<Option<BString>> {
    let repo = fleet.to_local()?;
    let remote = remote::name(&repo);
    Ok(remote::url(&repo, remote.as_ref()).map(|_| remote))
}

/// Takes over what the remote has, unless it has none; what it has.
///
/// # Errors
/// Unavailable: the remote does not answer.
pub fn fetch(
    fleet: &Repository,
    remote: &BString,
    reference: &str,
    access: RemoteAccess,
) -> Result<Option<ObjectId>> {
    let Some(there) = ask(fleet, remote, reference, access)? else {
        return Ok(None);
    };
    let here = held(fleet, reference)?;
    if here == Some(there) {
        return Ok(here);
    }
    let fetched = revision::reference(fleet, remote.as_ref(), reference, access)?;
    fetched.map_err(|fault| {
        fault.explain(
            Error::unavailable(format!("cannot fetch {reference} from `{remote}`")).hint(format!(
                "see whether you can reach it: git ls-remote {remote}"
            )),
        )
    })?;
    held(fleet, reference)
}

/// Pushes the record `new`, if the remote has `expected` until then; whether it had.
///
/// # Errors
/// Unavailable: the remote rejects it, although nobody else has written it.
pub fn push(
    fleet: &Repository,
    remote: &BString,
    reference: &str,
    expected: Option<ObjectId>,
    new: ObjectId,
    access: RemoteAccess,
) -> Result<bool> {
    let pushed = push::replace(fleet, remote.as_ref(), reference, expected, new, access)?;
    let Err(fault) = pushed else {
        return Ok(true);
    };
    // Whatever git or the server said of it: that the ref moved meanwhile tells. Whoever holds its lock is about to.
    for _ in 0..LOOKS {
        if ask(fleet, remote, reference, access)? != expected {
            return Ok(false);
        }
        interrupt::pause(BETWEEN_LOOKS);
    }
    Err(fault.raise(
        Error::unavailable(format!("cannot push {reference} to `{remote}`")).hint(
            "the job needs permission to write to the repository; in GitHub Actions: permissions: contents: write",
        ),
    ))
}

/// What the remote holds under `reference`.
fn ask(
    fleet: &Repository,
    remote: &BString,
    reference: &str,
    access: RemoteAccess,
) -> Result<Option<ObjectId>> {
    ls_remote::commit_of(fleet, remote.as_ref(), reference, access.patience, || {
        Error::unavailable(format!("cannot ask `{remote}` for {reference}"))
            .hint("use what is in this clone: --offline")
    })
}
