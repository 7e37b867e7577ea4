//! What one instruction changes in the file system of its stage.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    dockerfile::InstructionPlace,
    tree::{Kind, Owner, TooManyLinks, Tree, TreeEntry},
};
use crate::model::error::Result;

/// What one instruction changed, and the directories above that.
pub(super) type Layer = BTreeMap<PathBuf, TreeEntry>;

/// One instruction's changes to its stage.
pub(super) struct Change<'a> {
    /// Where the instruction stands.
    pub place: &'a InstructionPlace,
    /// The stage's files as they are now.
    pub tree: &'a mut Tree,
    /// What it has changed so far.
    pub layer: Layer,
}

impl Change<'_> {
    /// Where `path` leads, its links followed.
    pub(super) fn resolve(&self, path: &Path) -> Result<PathBuf> {
        let resolved = self.tree.resolve(path);
        resolved.map_err(|TooManyLinks| {
            self.place
                .failed(format!("/{} leads in a circle", path.display()))
        })
    }

    /// Makes `path` and what is missing above it, with this owner and mode.
    pub(super) fn make_directory(&mut self, path: &Path, owner: Owner, mode: u32) -> Result<()> {
        let ancestors: Vec<&Path> = path.ancestors().collect();
        for directory in ancestors.into_iter().rev() {
            if !self.tree.is_directory(directory) {
                let entry = TreeEntry {
                    mode,
                    ..TreeEntry::directory(owner)
                };
                self.put(directory.to_owned(), entry)?;
            }
        }
        Ok(())
    }

    /// Puts `entry` at `path`, whose parents exist. A file may replace a file; nothing replaces a directory, nor does a directory
    /// replace anything.
    pub(super) fn put(&mut self, path: PathBuf, entry: TreeEntry) -> Result<()> {
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(b".wh.") {
            let why = format!(
                "/{}: in a layer, such a name marks a deleted file",
                path.display()
            );
            return Err(self.place.failed(why));
        }
        if entry.kind == Kind::Special {
            let why = format!(
                "/{} is neither a file nor a directory nor a symlink",
                path.display()
            );
            return Err(self.place.failed(why));
        }
        match self.tree.get(&path) {
            Some(old) if entry.is_directory() && !old.is_directory() => {
                return Err(self
                    .place
                    .failed(format!("/{} is there and not a directory", path.display())));
            }
            Some(old) if old.is_directory() && !entry.is_directory() => {
                return Err(self
                    .place
                    .failed(format!("/{} is a directory", path.display())));
            }
            _ => {}
        }
        self.layer.insert(path.clone(), entry.clone());
        self.tree.insert(path, entry);
        Ok(())
    }

    /// Lays `layer` on the stage, as an image's layers lie on one another: what is of another kind is replaced.
    pub(super) fn lay(&mut self, layer: Layer) {
        for (path, entry) in layer {
            if !entry.is_directory() {
                self.tree.remove(&path);
            }
            self.tree.insert(path.clone(), entry.clone());
            self.layer.insert(path, entry);
        }
    }

    /// The layer, with the directories above each change: who unpacks it alone gets their modes right.
    pub(super) fn finish(self) -> Layer {
        let mut layer = self.layer;
        let parents: BTreeSet<PathBuf> = layer
            .keys()
            .flat_map(|path| path.ancestors().skip(1))
            .map(Path::to_owned)
            .collect();
        for parent in parents {
            if let Some(entry) = self.tree.get(&parent) {
                layer.entry(parent).or_insert_with(|| entry.clone());
            }
        }
        layer
    }
}
