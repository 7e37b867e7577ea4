//! Writing the objects that flota's refs point to: in process, into this clone's database.

use bstr::{BStr, BString};
use gix::{ObjectId, objs::tree::EntryKind};

use crate::{
    git::repository::Repository,
    model::error::{Error, Result},
};

/// As whom records are written: by nobody, whoever runs flota, so that equal ones are one commit.
const AUTHOR: (&str, &str) = ("flota", "flota@localhost");

/// What is put into a tree.
#[derive(Clone, Copy, Debug)]
pub(super) enum NewEntry<'a> {
    /// A file with these bytes.
    File(&'a [u8]),
    /// A gitlink to this commit, which need not be here.
    Gitlink(ObjectId),
}

/// Writes the tree that `base` becomes with `entries`, each at its path; none is the empty tree.
///
/// # Errors
/// Unavailable: the object database cannot be written, or git allows no such path.
pub(super) fn write_tree<'a>(
    repo: &gix::Repository,
    base: Option<ObjectId>,
    entries: impl IntoIterator<Item = (&'a BStr, NewEntry<'a>)>,
) -> Result<ObjectId> {
    let base = base.unwrap_or_else(|| ObjectId::empty_tree(repo.object_hash()));
    let mut editor = repo.edit_tree(base).map_err(cannot)?;
    for (path, entry) in entries {
        let (kind, id) = match entry {
            NewEntry::File(bytes) => {
                let blob = repo.write_blob(bytes).map_err(cannot)?;
                (EntryKind::Blob, blob.detach())
            }
            NewEntry::Gitlink(commit) => (EntryKind::Commit, commit),
        };
        editor.upsert(path, kind, id).map_err(cannot)?;
    }
    Ok(editor.write().map_err(cannot)?.detach())
}

/// Writes a commit of `tree`, which no ref points to yet. `at` is its time in seconds since the Unix epoch.
///
/// # Errors
/// Unavailable: the object database cannot be written.
pub(super) fn write_commit(
    fleet: &Repository,
    message: impl Into<BString>,
    tree: ObjectId,
    parents: impl IntoIterator<Item = ObjectId>,
    at: i64,
) -> Result<ObjectId> {
    let repo = fleet.to_local()?;
    let time = format!("{at} +0000");
    let author = gix::actor::SignatureRef {
        name: AUTHOR.0.into(),
        email: AUTHOR.1.into(),
        time: &time,
    };
    let message: BString = message.into();
    let commit = repo
        .new_commit_as(author, author, message.to_string(), tree, parents)
        .map_err(cannot)?;
    Ok(commit.id)
}

fn cannot(err: gix::Error) -> Error {
    Error::unavailable("cannot write the record").because(err)
}
