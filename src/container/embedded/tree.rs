//! A stage's file system: what is where, and where its bytes come from. Nothing is unpacked.

use std::{
    collections::{BTreeMap, btree_map::Range},
    ops::Bound,
    path::{Component, Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use super::base::layer::BaseLayer;

/// Symlinks that one path may lead through (Linux's own limit).
const LINKS: usize = 40;

/// One file, directory or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TreeEntry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, at most `0o7777`.
    pub mode: u32,
    /// Who owns it.
    pub owner: Owner,
}

/// Numeric user and group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// The user's id; 0 is root.
    pub uid: u32,
    /// The group's id; 0 is root's.
    pub gid: u32,
}

/// What an entry is, with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A directory; its children are entries of their own.
    Directory,
    /// A file of the build context, at this path in it, with this many bytes.
    File(PathBuf, u64),
    /// A file of a base image.
    Packed(PackedFile),
    /// A file whose bytes the Dockerfile holds.
    Inline(Rc<str>),
    /// A symbolic link, with its target as it stands.
    Symlink(PathBuf),
    /// A socket, a pipe, a device: nothing that an image can hold.
    Special,
}

/// A file that lies in a layer of a base image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackedFile {
    /// The layer.
    pub layer: Arc<BaseLayer>,
    /// Where its bytes begin in the layer's archive.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// Whether it has extended attributes, such as capabilities.
    pub attributes: bool,
}

impl TreeEntry {
    /// A directory as builds make them: open to all, changed by its owner.
    pub(super) fn directory(owner: Owner) -> Self {
        Self {
            kind: Kind::Directory,
            mode: 0o755,
            owner,
        }
    }

    /// Whether this is a directory.
    pub(super) fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}

/// A symlink that leads to itself, or through too many others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooManyLinks;

/// Entries by their path below the root, which itself is always a directory. A parent comes before its children.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree(BTreeMap<PathBuf, TreeEntry>);

impl Tree {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The entry at exactly this path; the root has none.
    pub(super) fn get(&self, path: &Path) -> Option<&TreeEntry> {
        self.0.get(path)
    }

    /// Whether `path` is a directory here.
    pub(super) fn is_directory(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.get(path).is_some_and(TreeEntry::is_directory)
    }

    /// Puts `entry` at `path`, in place of what was there.
    pub(super) fn insert(&mut self, path: PathBuf, entry: TreeEntry) {
        self.0.insert(path, entry);
    }

    /// Takes away what is at `path`, with everything below it.
    pub(super) fn remove(&mut self, path: &Path) {
        if self
            .0
            .remove(path)
            .is_some_and(|entry| entry.is_directory())
        {
            self.remove_below(path);
        }
    }

    /// Takes away everything below the directory `path`.
    pub(super) fn remove_below(&mut self, path: &Path) {
        let below: Vec<PathBuf> = self
            .below(path)
            .map(|(found, _)| found.to_owned())
            .collect();
        for path in below {
            self.0.remove(&path);
        }
    }

    /// Everything below the directory `path`, parents first, each directory's children in the order of their bytes.
    pub(super) fn below<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl Iterator<Item = (&'a Path, &'a TreeEntry)> {
        let range: Range<PathBuf, TreeEntry> = self
            .0
            .range::<Path, _>((Bound::Excluded(path), Bound::Unbounded));
        range
            .map(|(found, entry)| (found.as_path(), entry))
            .take_while(move |(found, _)| found.starts_with(path))
    }

    /// Where `path` leads, as a process confined to this tree would follow it: through symlinks, never above the root. The result
    /// need not exist.
    pub(super) fn resolve(&self, path: &Path) -> Result<PathBuf, TooManyLinks> {
        let mut resolved = PathBuf::new();
        let mut pending = reversed(path);
        let mut links = 0;
        while let Some(name) = pending.pop() {
            if name.as_os_str() == ".." {
                resolved.pop();
                continue;
            }
            resolved.push(name);
            let Some(TreeEntry {
                kind: Kind::Symlink(target),
                ..
            }) = self.get(&resolved)
            else {
                continue;
            };
            links += 1;
            if links > LINKS {
                return Err(TooManyLinks);
            }
            resolved.pop();
            if target.is_absolute() {
                resolved.clear();
            }
            pending.extend(reversed(target));
        }
        Ok(resolved)
    }
}

/// The names and `..` of a path, last one first.
fn reversed(path: &Path) -> Vec<PathBuf> {
    path.components()
        .rev()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| PathBuf::from(part.as_os_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(links: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, target) in links {
            let kind = Kind::Symlink(target.into());
            let entry = TreeEntry {
                kind,
                mode: 0o777,
                owner: Owner::default(),
            };
            tree.insert(path.into(), entry);
        }
        tree
    }

    #[test]
    fn links_are_followed_inside_the_tree_alone() {
        let tree = tree(&[
            ("up", "../../../etc"),
            ("abs", "/etc/passwd"),
            ("a/rel", "../b"),
            ("chain", "a/rel/x"),
        ]);
        for (path, expected) in [
            ("up/passwd", "etc/passwd"),
            ("abs", "etc/passwd"),
            ("a/rel/y", "b/y"),
            ("chain", "b/x"),
            ("none/../x", "x"),
            ("", ""),
        ] {
            assert_eq!(tree.resolve(Path::new(path)), Ok(expected.into()), "{path}");
        }
    }

    #[test]
    fn loops_end() {
        let tree = tree(&[("a", "b"), ("b", "a"), ("self", "self/x")]);
        assert_eq!(tree.resolve(Path::new("a")), Err(TooManyLinks));
        assert_eq!(tree.resolve(Path::new("self")), Err(TooManyLinks));
    }

    #[test]
    fn below_a_directory_is_not_beside_it() {
        let mut tree = Tree::default();
        for path in ["a", "a/x", "a/x/y", "a-b", "a.c", "b"] {
            tree.insert(path.into(), TreeEntry::directory(Owner::default()));
        }
        let below = |path: &str| -> Vec<String> {
            let path = PathBuf::from(path);
            tree.below(&path)
                .map(|(found, _)| found.display().to_string())
                .collect()
        };
        assert_eq!(below("a"), ["a/x", "a/x/y"]);
        assert_eq!(below("").len(), 6);
        assert!(below("b").is_empty());
    }
}
