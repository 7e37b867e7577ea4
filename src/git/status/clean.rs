//! The fast path for "nothing changed", the most frequent state of a worktree: the index holds what HEAD holds, every
//! file has the time and size that the index noted, and no other file is there. Any other state is decided by the slow path.

use std::os::fd::{AsFd, OwnedFd};

use bstr::{BString, ByteSlice};
use gix::{
    ObjectId,
    index::{
        Entry, State,
        entry::{Flags, Mode, Stage},
    },
};
use rustix::fs::{AtFlags, Dir, FileType, Mode as Permissions, OFlags, Stat, openat, statat};

use crate::git::{objects::Objects, path};

/// Seconds and nanoseconds since the Unix epoch.
pub(super) type Time = (i64, i64);

/// Whether the index holds what the commit `head` holds, and nothing in it is out of the ordinary.
pub(super) fn is_as_committed(index: &State, head: ObjectId, objects: Objects<'_>) -> bool {
    let Ok(Some(tree)) = objects.tree_of(head) else {
        return false;
    };
    let Ok(committed) = State::from_tree(&tree, objects, path::OPTIONS) else {
        return false;
    };
    let unusual = Flags::INTENT_TO_ADD | Flags::SKIP_WORKTREE | Flags::ASSUME_VALID;
    let (ours, theirs) = (index.entries(), committed.entries());
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(one, other)| {
            one.stage() == Stage::Unconflicted
                && !one.flags.intersects(unusual)
                && one.mode == other.mode
                && one.id == other.id
                && one.path(index) == other.path(&committed)
        })
}

/// Whether the worktree `root` certainly holds just what an index noted that was written at the time `written`. `false` means
/// that nobody knows yet.
pub(super) fn is_as_noted(index: &State, written: Time, root: OwnedFd) -> bool {
    let mut walk = Walk {
        index,
        written,
        path: BString::default(),
        met: 0,
    };
    walk.folder(root).is_some() && walk.met == index.entries().len()
}

/// A folder, unless a symbolic link leads there.
pub(super) fn open(at: impl AsFd, path: impl rustix::path::Arg) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, path, flags, Permissions::empty()).ok()
}

/// A walk through the worktree that ends where something is not as the index noted it.
struct Walk<'a> {
    index: &'a State,
    written: Time,
    /// Where it is; ends with `/` but at the root.
    path: BString,
    /// How many of the index's entries it has met.
    met: usize,
}

impl Walk<'_> {
    fn folder(&mut self, folder: OwnedFd) -> Option<()> {
        let mut folder = Dir::new(folder).ok()?;
        let mut entries = Vec::new();
        while let Some(entry) = folder.read() {
            let entry = entry.ok()?;
            entries.push((entry.file_name().to_owned(), entry.file_type()));
        }
        let folder = folder.fd().ok()?;
        let length = self.path.len();
        for (name, kind) in entries {
            let bytes = name.to_bytes();
            if matches!(bytes, b"." | b"..") || (length == 0 && bytes == b".git") {
                continue;
            }
            self.path.extend_from_slice(bytes);
            match (self.index.entry_by_path(self.path.as_bstr()), kind) {
                // A submodule's worktree, which is not looked into.
                (Some(entry), FileType::Directory) if entry.mode == Mode::COMMIT => self.met += 1,
                (Some(entry), FileType::RegularFile | FileType::Symlink) => {
                    let found = statat(folder, &*name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
                    if !is_same(entry, &found, self.written) {
                        return None;
                    }
                    self.met += 1;
                }
                (None, FileType::Directory) => {
                    self.path.push(b'/');
                    self.index.prefixed_entries(self.path.as_bstr())?;
                    self.folder(open(folder, &*name)?)?;
                }
                _ => return None,
            }
            self.path.truncate(length);
        }
        Some(())
    }
}

/// Whether a file is the one that the index noted. A file of the same age as the index may have changed since (git's
/// Documentation/technical/racy-git).
fn is_same(entry: &Entry, found: &Stat, written: Time) -> bool {
    let kind = FileType::from_raw_mode(found.st_mode);
    let is_executable = found.st_mode & 0o100 != 0;
    let fits = match entry.mode {
        Mode::SYMLINK => kind == FileType::Symlink,
        Mode::FILE => kind == FileType::RegularFile && !is_executable,
        Mode::FILE_EXECUTABLE => kind == FileType::RegularFile && is_executable,
        _ => false,
    };
    let noted = &entry.stat;
    // Nanoseconds are of a type of their own on each system.
    let changed: Time = (found.st_mtime, found.st_mtime_nsec as _);
    // The index has no more than 32 bits for each.
    fits && noted.size == found.st_size as u32
        && noted.ino == found.st_ino as u32
        && noted.uid == found.st_uid
        && noted.gid == found.st_gid
        && is_at(noted.mtime, changed)
        && is_at(noted.ctime, (found.st_ctime, found.st_ctime_nsec as _))
        && is_before(changed, written)
}

/// Not every git notes nanoseconds.
fn is_at(noted: gix::index::entry::stat::Time, (secs, nsecs): Time) -> bool {
    noted.secs == secs as u32 && (noted.nsecs == 0 || i64::from(noted.nsecs) == nsecs)
}

/// Where a file system keeps no nanoseconds, the seconds have to tell.
fn is_before(one: Time, other: Time) -> bool {
    match one.1 == 0 || other.1 == 0 {
        true => one.0 < other.0,
        false => one < other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_as_old_as_the_index_may_have_changed_since() {
        for (file, index, want) in [
            ((5, 100), (5, 101), true),
            ((5, 100), (5, 100), false),
            ((5, 101), (5, 100), false),
            ((5, 0), (5, 100), false),
            ((5, 100), (5, 0), false),
            ((4, 0), (5, 0), true),
        ] {
            assert_eq!(is_before(file, index), want, "{file:?} {index:?}");
        }
    }
}
