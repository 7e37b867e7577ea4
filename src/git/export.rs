//! Writing a tree's content into a directory, as `git archive | tar x` would: what is built is what is committed.

use std::{fs, io::Write, path::Path};

use bstr::BStr;
use gix::{
    ObjectId,
    objs::{Find, FindExt, Kind, tree::EntryKind},
};

use super::{objects::Objects, path, tree};
use crate::{
    files,
    model::error::{Error, Result},
};

/// How deep folders may nest: beyond it a tree is a bomb, and the path too long for any system.
const DEPTH_LIMIT: usize = 256;

/// What to do where the tree holds a gitlink: given its path inside the tree, its pin, and the folder to fill.
pub type OnGitlink<'a> = &'a dyn Fn(&BStr, ObjectId, &Path) -> Result<()>;

/// Writes everything under `tree` into `into`, which must exist and be empty. Files get git's two modes, symlinks stay
/// symlinks; attributes (line ends) are not applied, and filters (LFS) are a step of their own ([`super::filter`]).
pub fn export(
    objects: Objects<'_>,
    tree: ObjectId,
    into: &Path,
    on_gitlink: OnGitlink<'_>,
) -> Result<()> {
    let export = Export {
        objects,
        root: tree,
        on_gitlink,
    };
    export.write_tree(tree, into, &mut Vec::new())
}

/// Writing one tree.
struct Export<'a> {
    objects: Objects<'a>,
    root: ObjectId,
    on_gitlink: OnGitlink<'a>,
}

impl Export<'_> {
    fn write_tree(&self, tree: ObjectId, into: &Path, at: &mut Vec<u8>) -> Result<()> {
        let depth = at.iter().filter(|byte| **byte == b'/').count();
        if depth >= DEPTH_LIMIT {
            return Err(Error::repository(format!(
                "the tree {tree} has more than {DEPTH_LIMIT} levels of directories"
            )));
        }
        let parent = at.len();
        for (name, (mode, id)) in tree::entries(self.objects, tree)? {
            let target = into.join(path::component(name.as_ref())?);
            at.extend_from_slice(&name);
            match mode.kind() {
                EntryKind::Tree => {
                    fs::create_dir(&target).map_err(|err| files::cannot("write", &target, err))?;
                    at.push(b'/');
                    self.write_tree(id, &target, at)?;
                }
                EntryKind::Commit => {
                    fs::create_dir(&target).map_err(|err| files::cannot("write", &target, err))?;
                    (self.on_gitlink)(at.as_slice().into(), id, &target)?;
                }
                kind => self.write_blob(id, kind, &target)?,
            }
            at.truncate(parent);
        }
        Ok(())
    }

    fn write_blob(&self, id: ObjectId, kind: EntryKind, target: &Path) -> Result<()> {
        let unreadable = || Error::repository(format!("cannot read the blob {id}"));
        let (mut here, mut obtained) = (Vec::new(), Vec::new());
        let found = self.objects.try_find(&id, &mut here);
        let blob = match found.map_err(|err| unreadable().because(err))? {
            Some(blob) => blob,
            None => {
                // Where one lacks, the others do as a rule.
                self.objects.obtain(&self.blobs()?)?;
                let found = self.objects.find(&id, &mut obtained);
                found.map_err(|err| unreadable().because(err))?
            }
        };
        if blob.kind != Kind::Blob {
            return Err(unreadable().because(format!("it is a {}", blob.kind)));
        }
        let written = match kind {
            EntryKind::Link => symlink(blob.data, target),
            _ => write_file(blob.data, kind == EntryKind::BlobExecutable, target),
        };
        written.map_err(|err| files::cannot("write", target, err))
    }

    /// All that is to be written.
    fn blobs(&self) -> Result<Vec<ObjectId>> {
        let all = tree::diff(self.objects, None, Some(self.root))?;
        let entries = all.into_iter().filter_map(|found| found.new);
        let blobs = entries.filter(|(mode, _)| !mode.is_commit());
        let mut ids: Vec<_> = blobs.map(|(_, id)| id).collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

/// `create_new` refuses to follow or overwrite anything: two names that this file system holds for one are an error.
fn write_file(data: &[u8], executable: bool, target: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o755 } else { 0o644 });
    options.open(target)?.write_all(data)
}

#[cfg(unix)]
fn symlink(to: &[u8], target: &Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(to), target)
}

#[cfg(not(unix))]
fn symlink(to: &[u8], target: &Path) -> std::io::Result<()> {
    fs::write(target, to)
}
