//! Whether every object is there that can be reached from what was requested. A checkout reads what is at the pin, and no
//! more: an object that a server left out behind that would be missed by somebody else, later. git makes the same check after
//! each fetch (`connected.c`).

use std::path::Path;

use gix::{
    ObjectId,
    hashtable::HashSet,
    objs::{CommitRefIter, Exists as _, Find as _, Kind, TagRefIter, TreeRefIter},
};

use crate::{
    interrupt,
    model::error::{Error, Result},
};

/// Looks at all that `tips` lead to in `git_dir`, but for what `whole` lead to: commits that came with all their history.
///
/// # Errors
/// Work: an object is missing, or cannot be read. The code of the signal, when flota is interrupted.
pub(super) fn check(git_dir: &Path, tips: &[ObjectId], whole: &[ObjectId]) -> Result<()> {
    let Some(hash) = tips.first().map(|tip| tip.kind()) else {
        return Ok(());
    };
    let unreadable = |err: gix::Error| Error::work("what it sent cannot be read").because(err);
    let objects = gix::odb::at(git_dir.join("objects"), hash)
        .map_err(|err| Error::work(format!("cannot read `{}`", git_dir.display())).because(err))?;
    let mut walk = Walk::default();
    walk.seen.extend(whole.iter().copied());
    tips.iter().for_each(|tip| walk.visit(*tip));
    let mut files = HashSet::default();
    let mut buffer = Vec::new();
    while let Some(id) = walk.open.pop() {
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted"));
        }
        let found = objects.try_find(&id, &mut buffer).map_err(unreadable)?;
        let data = found.ok_or_else(|| missing(id))?;
        match data.kind {
            Kind::Commit => {
                let mut lines = CommitRefIter::from_bytes(data.data, hash);
                walk.visit(lines.tree_id().map_err(unreadable)?);
                lines.parent_ids().for_each(|parent| walk.visit(parent));
            }
            Kind::Tag => {
                let tag = TagRefIter::from_bytes(data.data, hash);
                walk.visit(tag.target_id().map_err(unreadable)?);
            }
            Kind::Tree => {
                for entry in TreeRefIter::from_bytes(data.data, hash) {
                    let entry = entry.map_err(unreadable)?;
                    let id = entry.oid.to_owned();
                    // A submodule's commit is elsewhere; of a file it is enough that it is there: its hash was checked on arrival.
                    if entry.mode.is_tree() {
                        walk.visit(id);
                    } else if !entry.mode.is_commit() && files.insert(id) && !objects.exists(&id) {
                        return Err(missing(id));
                    }
                }
            }
            Kind::Blob => {}
        }
    }
    Ok(())
}

/// Objects that were come across, and those of them that are still to be read.
#[derive(Default)]
struct Walk {
    seen: HashSet,
    open: Vec<ObjectId>,
}

impl Walk {
    fn visit(&mut self, id: ObjectId) {
        if self.seen.insert(id) {
            self.open.push(id);
        }
    }
}

fn missing(id: ObjectId) -> Error {
    Error::work(format!("it did not send all of it: {id} is missing"))
}
