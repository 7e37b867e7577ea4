//! The objects of needed commits that a store does not have.
//!
//! Every object is checked against its own id before it counts as present, wherever it is read from.

use std::collections::HashSet;

use gix::{
    ObjectId,
    objs::{CommitRefIter, Find, Kind, TreeRefIter},
};

use super::depth::Depth;
use crate::git::{gitmodules, submodule::Store};

/// An object that is still to be fetched, and the commit that needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    pub commit: ObjectId,
    pub object: ObjectId,
}

impl Lack {
    /// The commit itself.
    pub(super) fn whole(commit: ObjectId) -> Self {
        Self {
            commit,
            object: commit,
        }
    }
}

/// What is wrong with an object in the store.
enum Trouble {
    Missing(ObjectId),
    Damaged,
}

/// What of `commits`, and of `objects` that the first of them needs, is not in `store`; none when it is damaged.
pub(super) fn of(
    store: &Store,
    commits: &[ObjectId],
    objects: &[ObjectId],
    depth: Depth,
) -> Option<Vec<Lack>> {
    let mut lacking = Vec::new();
    for &commit in commits {
        match look(store, commit, depth) {
            Ok(()) => {}
            Err(Trouble::Missing(object)) => lacking.push(Lack { commit, object }),
            Err(Trouble::Damaged) => return None,
        }
    }
    let Some(&commit) = commits.first() else {
        return Some(lacking);
    };
    for &object in objects {
        match read_any(store, object) {
            Ok(_) => {}
            Err(Trouble::Missing(_)) => lacking.push(Lack { commit, object }),
            Err(Trouble::Damaged) => return None,
        }
    }
    Some(lacking)
}

/// Whether `commit` is here with all that `depth` asks for.
fn look(store: &Store, commit: ObjectId, depth: Depth) -> Result<(), Trouble> {
    let text = read(store, commit, Kind::Commit)?;
    let root = CommitRefIter::from_bytes(&text, commit.kind())
        .tree_id()
        .map_err(|_| Trouble::Damaged)?;
    let mut open = vec![root];
    let mut seen = HashSet::from([root]);
    let mut nested = None;
    while let Some(id) = open.pop() {
        // Packs come whole: a commit without its trees is no answer that could be completed here.
        let tree = read(store, id, Kind::Tree).map_err(|_| Trouble::Damaged)?;
        for entry in TreeRefIter::from_bytes(&tree, id.kind()) {
            let entry = entry.map_err(|_| Trouble::Damaged)?;
            let oid = entry.oid.to_owned();
            if id == root && entry.mode.is_blob() && entry.filename == gitmodules::FILE {
                nested = Some(oid);
            }
            if depth == Depth::AllTrees && entry.mode.is_tree() && seen.insert(oid) {
                open.push(oid);
            }
        }
    }
    match nested.filter(|_| depth == Depth::AllTrees) {
        Some(blob) => read(store, blob, Kind::Blob).map(drop),
        None => Ok(()),
    }
}

/// An object whose content is what its id says. One of another kind is as good as none.
fn read(store: &Store, id: ObjectId, kind: Kind) -> Result<Vec<u8>, Trouble> {
    let (found, bytes) = read_any(store, id)?;
    match found == kind {
        true => Ok(bytes),
        false => Err(Trouble::Missing(id)),
    }
}

/// The same of whatever kind.
fn read_any(store: &Store, id: ObjectId) -> Result<(Kind, Vec<u8>), Trouble> {
    let mut buffer = Vec::new();
    let found = store.objects().try_find(&id, &mut buffer);
    let data = found
        .map_err(|_| Trouble::Damaged)?
        .ok_or(Trouble::Missing(id))?;
    let hashed = gix::objs::compute_hash(id.kind(), data.kind, data.data);
    if hashed.ok() != Some(id) {
        return Err(Trouble::Damaged);
    }
    let kind = data.kind;
    Ok((kind, buffer))
}
