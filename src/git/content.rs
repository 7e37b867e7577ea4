//! What a service's tree holds, as content identities.

use bstr::{BString, ByteSlice};
use gix::{
    ObjectId,
    objs::{Tree, WriteTo, tree::EntryMode},
};

use super::{Objects, tree};
use crate::model::{
    error::{Error, Result},
    rules::Content,
};

/// The folder whose tree is the code's identity.
pub const CODE: &str = "code";
/// The folders whose trees are the configuration's identity.
pub const CONFIG: [&str; 2] = ["charts", "config"];

/// The identities in the tree `root` by the folders of the guide: `code/`, and `config/` or `charts/`.
///
/// A part that is one folder is known by that folder's own OID, so `git rev-parse PIN:code` gives the same; one of several
/// entries by the OID of the tree that holds just them, as `git mktree` makes it.
pub fn by_folders(objects: Objects<'_>, root: ObjectId) -> Result<Content> {
    let (mut code, mut config, mut other) = (None, Vec::new(), Vec::new());
    for (name, (mode, id)) in tree::entries(objects, root)? {
        if mode.is_tree() && name == CODE {
            code = Some(id);
        } else if mode.is_tree() && CONFIG.iter().any(|folder| name == *folder) {
            config.push((name, (mode, id)));
        } else {
            other.push((name, (mode, id)));
        }
    }
    let config = match &config[..] {
        [(_, (_, id))] => Some(*id),
        several => tree_id(several, root.kind())?,
    };
    Ok(Content {
        code,
        config,
        other: tree_id(&other, root.kind())?,
    })
}

/// The OID of a tree with just these entries (given in git's order); none for no entries.
fn tree_id(
    entries: &[(BString, (EntryMode, ObjectId))],
    hash: gix::hash::Kind,
) -> Result<Option<ObjectId>> {
    if entries.is_empty() {
        return Ok(None);
    }
    let entries = entries
        .iter()
        .map(|(filename, (mode, oid))| gix::objs::tree::Entry {
            mode: *mode,
            filename: filename.as_bstr().to_owned(),
            oid: *oid,
        })
        .collect();
    let mut bytes = Vec::new();
    let unhashable = |err: std::io::Error| Error::repository("cannot hash a tree").because(err);
    Tree { entries }.write_to(&mut bytes).map_err(unhashable)?;
    gix::objs::compute_hash(hash, gix::objs::Kind::Tree, &bytes)
        .map(Some)
        .map_err(|err| Error::repository("cannot hash a tree").because(err))
}
