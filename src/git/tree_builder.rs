//! Trees made of files in memory, as `git add` and `git write-tree` would make them, without filters or line ending changes.

use std::collections::BTreeMap;

use gix::{
    ObjectId,
    objs::{
        Kind, Tree, WriteTo,
        tree::{Entry, EntryKind},
    },
};

use super::content_id;
use crate::model::error::{Error, Result};

/// A file to be: its parts joined by `/`.
pub struct Leaf<'a> {
    /// Relative to the tree's root, its parts joined by `/`.
    pub path: &'a [u8],
    /// Its bytes.
    pub content: &'a [u8],
    /// Whether it is a program.
    pub is_executable: bool,
}

/// The id that the tree of these files has, which no database has to hold.
pub fn tree_id(leaves: &[Leaf<'_>], hash: gix::hash::Kind) -> Result<ObjectId> {
    tree(leaves, &mut |kind, bytes| {
        content_id::hash(hash, kind, bytes)
    })
}

/// Writes the tree of these files into `repo`; its id.
pub fn write_tree(repo: &gix::Repository, leaves: &[Leaf<'_>]) -> Result<ObjectId> {
    tree(leaves, &mut |kind, bytes| {
        use gix::objs::Write as _;
        repo.objects.write_buf(kind, bytes).map_err(|err| {
            Error::unavailable(format!("cannot write into `{}`", repo.git_dir().display()))
                .because(err.to_string())
        })
    })
}

/// The tree, bottom up; `put` takes each object to where it belongs.
fn tree(
    leaves: &[Leaf<'_>],
    put: &mut dyn FnMut(Kind, &[u8]) -> Result<ObjectId>,
) -> Result<ObjectId> {
    let mut folders = BTreeMap::<&[u8], Vec<Leaf<'_>>>::new();
    let mut entries = Vec::new();
    for leaf in leaves {
        let slash = leaf.path.iter().position(|byte| *byte == b'/');
        let Some(slash) = slash else {
            let kind = match leaf.is_executable {
                true => EntryKind::BlobExecutable,
                false => EntryKind::Blob,
            };
            entries.push(Entry {
                mode: kind.into(),
                filename: leaf.path.into(),
                oid: put(Kind::Blob, leaf.content)?,
            });
            continue;
        };
        let (folder, below) = leaf.path.split_at(slash);
        folders.entry(folder).or_default().push(Leaf {
            path: &below[1..],
            ..*leaf
        });
    }
    for (folder, below) in folders {
        entries.push(Entry {
            mode: EntryKind::Tree.into(),
            filename: folder.into(),
            oid: tree(&below, put)?,
        });
    }
    entries.sort();
    let mut bytes = Vec::new();
    Tree { entries }
        .write_to(&mut bytes)
        .map_err(|err| Error::work("cannot write a tree").because(err))?;
    put(Kind::Tree, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_one_git_gives() {
        let leaf = |path: &'static str, is_executable| Leaf {
            path: path.as_bytes(),
            content: b"x\n",
            is_executable,
        };
        let leaves = [leaf("a/b", false), leaf("a.b", true), leaf("a0", false)];
        let id = tree_id(&leaves, gix::hash::Kind::Sha1).unwrap();
        // git add --chmod=+x a.b && git add . && git write-tree
        assert_eq!(id.to_string(), "e76acff4d8acacdcde22a8b5ca510680d7cb849c");
    }
}
