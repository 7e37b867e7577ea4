//! Reading trees: the differences of two trees, the content of one.

use bstr::{BStr, BString, ByteSlice};
use gix::{
    ObjectId,
    diff::tree::{Recorder, recorder::Change},
    objs::{FindExt, TreeRefIter, tree::EntryMode},
};

use self::bounded::{Bounded, EntryFilter};
use super::objects::Objects;
use crate::model::{
    change::{FileChange, FileStatus},
    error::{Error, Result},
    fleet::Gitlink,
};

mod bounded;

/// One entry of a tree: its mode and its object.
pub type Entry = (EntryMode, ObjectId);

/// One path at both ends of a comparison; directories themselves are not listed, what is in them is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the trees' root.
    pub path: BString,
    /// The entry in the older tree.
    pub old: Option<Entry>,
    /// The entry in the newer tree.
    pub new: Option<Entry>,
}

impl Difference {
    /// Whether a gitlink stands on either side.
    pub fn is_gitlink(&self) -> bool {
        [self.old, self.new]
            .iter()
            .flatten()
            .any(|(mode, _)| mode.is_commit())
    }

    /// As a report of one file.
    pub fn to_file_change(&self) -> FileChange {
        let status = match (self.old, self.new) {
            (None, _) => FileStatus::Added,
            (_, None) => FileStatus::Removed,
            _ => FileStatus::Modified,
        };
        FileChange {
            path: self.path.clone(),
            status,
        }
    }
}

/// Every path that differs between two trees, sorted; `None` is the empty tree. Equal subtrees are not even read.
///
/// # Errors
/// Repository: a tree cannot be read, or is larger than the limit.
pub fn diff(
    objects: Objects<'_>,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Vec<Difference>> {
    if old == new {
        return Ok(Vec::new());
    }
    let wanted = EntryFilter {
        modes: |_| true,
        names_of_files: false,
    };
    let mut found: Vec<_> = walk(objects, old, new, wanted)?
        .into_iter()
        .map(|change| match change {
            Change::Addition {
                entry_mode,
                oid,
                path,
                ..
            } => Difference {
                path,
                old: None,
                new: Some((entry_mode, oid)),
            },
            Change::Deletion {
                entry_mode,
                oid,
                path,
                ..
            } => Difference {
                path,
                old: Some((entry_mode, oid)),
                new: None,
            },
            Change::Modification {
                previous_entry_mode,
                previous_oid,
                entry_mode,
                oid,
                path,
            } => {
                let (old, new) = ((previous_entry_mode, previous_oid), (entry_mode, oid));
                Difference {
                    path,
                    old: Some(old),
                    new: Some(new),
                }
            }
        })
        .map(without_directories)
        .filter(|difference| difference.old.is_some() || difference.new.is_some())
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|later, earlier| merge_same_path(earlier, later));
    Ok(found)
}

/// What differs, directories too, in no order; of the entries that `wanted` takes.
fn walk(
    objects: Objects<'_>,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    wanted: EntryFilter,
) -> Result<Vec<Change>> {
    let (mut old_buffer, mut new_buffer) = (Vec::new(), Vec::new());
    let old = read(objects, old, &mut old_buffer)?;
    let new = read(objects, new, &mut new_buffer)?;
    let mut visitor = Bounded::new(Recorder::default(), wanted);
    let state = gix::diff::tree::State::default();
    match gix::diff::tree(old, new, state, objects.promised(), &mut visitor) {
        Ok(()) => Ok(visitor.into_records()),
        Err(err) => Err(visitor
            .into_refusal()
            .unwrap_or_else(|| Error::repository("cannot compare two trees").because(err))),
    }
}

fn without_directories(mut difference: Difference) -> Difference {
    let no_tree = |entry: &Entry| !entry.0.is_tree();
    difference.old = difference.old.filter(no_tree);
    difference.new = difference.new.filter(no_tree);
    difference
}

/// A change of type may come as a deletion and an addition of one path: they are one difference.
fn merge_same_path(earlier: &mut Difference, later: &mut Difference) -> bool {
    if earlier.path != later.path {
        return false;
    }
    earlier.old = earlier.old.or(later.old);
    earlier.new = earlier.new.or(later.new);
    true
}

fn read<'b>(
    objects: Objects<'_>,
    tree: Option<ObjectId>,
    buffer: &'b mut Vec<u8>,
) -> Result<TreeRefIter<'b>> {
    match tree {
        None => Ok(TreeRefIter::from_bytes(&[], gix::hash::Kind::Sha1)),
        Some(id) => objects
            .promised()
            .find_tree_iter(&id, buffer)
            .map_err(|err| Error::repository(format!("cannot read the tree {id}")).because(err)),
    }
}

/// The direct entries of a tree, in its own order.
pub fn entries(objects: Objects<'_>, tree: ObjectId) -> Result<Vec<(BString, Entry)>> {
    let mut buffer = Vec::new();
    read(objects, Some(tree), &mut buffer)?
        .map(|entry| {
            entry.map(|entry| {
                (
                    entry.filename.to_owned(),
                    (entry.mode, entry.oid.to_owned()),
                )
            })
        })
        .collect::<Result<_, _>>()
        .map_err(|err| Error::repository(format!("the tree {tree} is damaged")).because(err))
}

/// What a tree holds at `path` (`/`-separated), if anything.
pub fn entry_at(objects: Objects<'_>, root: ObjectId, path: &BStr) -> Result<Option<Entry>> {
    let mut buffer = Vec::new();
    let mut at = Some((EntryMode::from(gix::objs::tree::EntryKind::Tree), root));
    for name in path.split_str("/") {
        let Some((mode, id)) = at else {
            return Ok(None);
        };
        if !mode.is_tree() {
            return Ok(None);
        }
        at = None;
        for entry in read(objects, Some(id), &mut buffer)? {
            let entry = entry.map_err(|err| {
                Error::repository(format!("the tree {id} is damaged")).because(err)
            })?;
            if entry.filename == name {
                at = Some((entry.mode, entry.oid.to_owned()));
                break;
            }
        }
    }
    Ok(at)
}

/// What a tree holds beside files and directories.
#[derive(Debug, Default)]
pub struct Links {
    /// Its gitlinks, sorted by path.
    pub gitlinks: Vec<Gitlink>,
    /// The paths of its symbolic links, sorted.
    pub symlinks: Vec<BString>,
}

/// The gitlinks and symbolic links of a tree that is about to become files; of the rest, nothing is kept in memory.
///
/// # Errors
/// Repository: it cannot be read, is larger than the limit, or has a name that no file may have.
pub fn links_for_checkout(objects: Objects<'_>, root: ObjectId) -> Result<Links> {
    let wanted = EntryFilter {
        modes: |mode| mode.is_commit() || mode.is_link(),
        names_of_files: true,
    };
    links(objects, root, wanted)
}

/// Every gitlink of a tree, sorted by path.
pub fn gitlinks(objects: Objects<'_>, root: ObjectId) -> Result<Vec<Gitlink>> {
    let wanted = EntryFilter {
        modes: |mode| mode.is_commit(),
        names_of_files: false,
    };
    Ok(links(objects, root, wanted)?.gitlinks)
}

fn links(objects: Objects<'_>, root: ObjectId, wanted: EntryFilter) -> Result<Links> {
    let mut links = Links::default();
    for found in walk(objects, None, Some(root), wanted)? {
        let Change::Addition {
            entry_mode,
            oid,
            path,
            ..
        } = found
        else {
            continue;
        };
        match entry_mode.is_commit() {
            true => links.gitlinks.push(Gitlink { path, pin: oid }),
            false => links.symlinks.push(path),
        }
    }
    links.gitlinks.sort();
    links.symlinks.sort();
    Ok(links)
}
