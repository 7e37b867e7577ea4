//! Writing a tree's content into a directory, as `git archive | tar x` would: what is built is what is committed.

use std::{fs, io::Write, path::Path};

use bstr::BStr;
use gix::{
    ObjectId,
    objs::{FindExt, tree::EntryKind},
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
/// symlinks; attributes and filters (line ends, LFS) are not applied.
pub fn export(
    objects: Objects<'_>,
    tree: ObjectId,
    into: &Path,
    on_gitlink: OnGitlink<'_>,
) -> Result<()> {
    write_tree(objects, tree, into, &mut Vec::new(), on_gitlink)
}

fn write_tree(
    objects: Objects<'_>,
    tree: ObjectId,
    into: &Path,
    at: &mut Vec<u8>,
    on_gitlink: OnGitlink<'_>,
) -> Result<()> {
    let depth = at.iter().filter(|byte| **byte == b'/').count();
    if depth >= DEPTH_LIMIT {
        return Err(Error::repository(format!(
            "the tree {tree} has more than {DEPTH_LIMIT} levels of directories"
        )));
    }
    let parent = at.len();
    for (name, (mode, id)) in tree::entries(objects, tree)? {
        let target = into.join(path::component(name.as_ref())?);
        at.extend_from_slice(&name);
        match mode.kind() {
            EntryKind::Tree => {
                fs::create_dir(&target).map_err(|err| files::cannot("write", &target, err))?;
                at.push(b'/');
                write_tree(objects, id, &target, at, on_gitlink)?;
            }
            EntryKind::Commit => {
                fs::create_dir(&target).map_err(|err| files::cannot("write", &target, err))?;
                on_gitlink(at.as_slice().into(), id, &target)?;
            }
            kind => write_blob(objects, id, kind, &target)?,
        }
        at.truncate(parent);
    }
    Ok(())
}

fn write_blob(objects: Objects<'_>, id: ObjectId, kind: EntryKind, target: &Path) -> Result<()> {
    let mut buffer = Vec::new();
    let blob = objects
        .find_blob(&id, &mut buffer)
        .map_err(|err| Error::repository(format!("cannot read the blob {id}")).because(err))?;
    let written = match kind {
        EntryKind::Link => symlink(blob.data, target),
        _ => write_file(blob.data, kind == EntryKind::BlobExecutable, target),
    };
    written.map_err(|err| files::cannot("write", target, err))
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
