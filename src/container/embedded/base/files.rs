//! The file system that layers make, one laid over the other (image specification, "Applying Changesets").

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    layer::BaseLayer,
    listing::{ListedEntry, ListedKind, Listing},
};
use crate::container::embedded::tree::{Kind, Owner, PackedFile, TooManyLinks, Tree, TreeEntry};

/// A base with more files than this is refused.
const ENTRIES: usize = 1_000_000;

/// Lays `listing`, what `layer` holds, over `tree`. The text says why it cannot be.
pub(super) fn apply(
    tree: &mut Tree,
    layer: &Arc<BaseLayer>,
    listing: &Listing,
) -> Result<(), String> {
    // What is deleted is deleted from lower layers only, wherever it stands in this one.
    for entry in &listing.entries {
        match entry.kind {
            ListedKind::Whiteout => {
                let path = place(tree, &entry.path)?;
                tree.remove(&path);
            }
            ListedKind::Opaque => {
                let folder = resolve(tree, &entry.path)?;
                tree.remove_below(&folder);
            }
            _ => {}
        }
    }
    for entry in &listing.entries {
        lay(tree, layer, entry)?;
        if tree.len() > ENTRIES {
            return Err(format!("it has more than {ENTRIES} files"));
        }
    }
    Ok(())
}

fn lay(tree: &mut Tree, layer: &Arc<BaseLayer>, entry: &ListedEntry) -> Result<(), String> {
    let kind = match &entry.kind {
        ListedKind::Whiteout | ListedKind::Opaque => return Ok(()),
        ListedKind::Directory => Kind::Directory,
        ListedKind::File { offset, size } => Kind::Packed(PackedFile {
            layer: Arc::clone(layer),
            offset: *offset,
            size: *size,
            attributes: entry.attributes,
        }),
        ListedKind::Symlink(target) => Kind::Symlink(target.clone()),
        ListedKind::Special => Kind::Special,
        ListedKind::Link(target) => return link(tree, entry, target),
    };
    let (mode, owner) = (entry.mode, entry.owner());
    put(tree, &entry.path, TreeEntry { kind, mode, owner })
}

/// Another name of a file: the same bytes. Mode and owner are those that stand last, for both names.
fn link(tree: &mut Tree, entry: &ListedEntry, target: &Path) -> Result<(), String> {
    let target = place(tree, target)?;
    match tree.get(&target).cloned() {
        Some(mut linked) if !linked.is_directory() => {
            linked.mode = entry.mode;
            linked.owner = entry.owner();
            tree.insert(target, linked.clone());
            put(tree, &entry.path, linked)
        }
        _ => Err(format!(
            "/{} is a link to /{}, which is not there",
            entry.path.display(),
            target.display()
        )),
    }
}

/// Puts `entry` at `path`: a directory keeps what is in it where it was one; everything else takes the place of what was there.
fn put(tree: &mut Tree, path: &Path, entry: TreeEntry) -> Result<(), String> {
    let path = place(tree, path)?;
    make_parents(tree, &path)?;
    if !(entry.is_directory() && tree.is_directory(&path)) {
        tree.remove(&path);
    }
    tree.insert(path, entry);
    Ok(())
}

/// Makes the folders above `path` that no layer mentions.
fn make_parents(tree: &mut Tree, path: &Path) -> Result<(), String> {
    let parents: Vec<&Path> = path.ancestors().skip(1).collect();
    for parent in parents.into_iter().rev() {
        if tree.is_directory(parent) {
            continue;
        }
        if tree.get(parent).is_some() {
            let (path, parent) = (path.display(), parent.display());
            return Err(format!(
                "/{path} lies below /{parent}, which is not a folder"
            ));
        }
        tree.insert(parent.to_owned(), TreeEntry::directory(Owner::default()));
    }
    Ok(())
}

/// Where `path` is: the links that its folders are followed, its own name not.
fn place(tree: &Tree, path: &Path) -> Result<PathBuf, String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default();
    Ok(resolve(tree, folder)?.join(name))
}

fn resolve(tree: &Tree, path: &Path) -> Result<PathBuf, String> {
    tree.resolve(path)
        .map_err(|TooManyLinks| format!("/{} leads in a circle", path.display()))
}
