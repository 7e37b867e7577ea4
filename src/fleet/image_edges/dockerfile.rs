//! The Dockerfile of a service in its commit's trees: no worktree is needed.

use std::path::Path;

use bstr::{BString, ByteSlice};
use gix::{
    ObjectId,
    objs::{Find, Kind},
};

use crate::{
    git::{Objects, content_id::CODE, tree},
    model::error::{Error, Result},
};

/// How many links lead to a Dockerfile at most.
const LINKS: usize = 8;

/// A Dockerfile beyond this many bytes is not looked into: the builder refuses it.
const SIZE: usize = 512 * 1024;

/// What a commit says of its Dockerfile.
pub(crate) enum DockerfileText {
    /// Its text.
    Text(String),
    /// There is none, or none that a builder would take.
    Nothing,
    /// This commit, tree or file, which leads to it or is it, is not here.
    Lacking(ObjectId),
}

/// The Dockerfile at `dockerfile` in the build context of `commit`: `code/`, or all of it where there is no such folder.
pub(super) fn read(
    objects: Objects<'_>,
    commit: ObjectId,
    dockerfile: &Path,
) -> Result<DockerfileText> {
    let Some(root) = objects.tree_of(commit)? else {
        return Ok(DockerfileText::Lacking(commit));
    };
    if !has(objects, root)? {
        return Ok(DockerfileText::Lacking(root));
    }
    let code = tree::entry_at(objects, root, CODE.into())?;
    let context = code.filter(|(mode, _)| mode.is_tree());
    in_context(objects, context.map_or(root, |(_, id)| id), dockerfile)
}

/// The Dockerfile at `dockerfile` in the build context `context`, a tree.
pub(crate) fn in_context(
    objects: Objects<'_>,
    context: ObjectId,
    dockerfile: &Path,
) -> Result<DockerfileText> {
    let mut path = BString::from(dockerfile.to_string_lossy().as_ref());
    for _ in 0..LINKS {
        if let Some(tree) = lacking(objects, context, &path)? {
            return Ok(DockerfileText::Lacking(tree));
        }
        let Some((mode, id)) = tree::entry_at(objects, context, path.as_ref())? else {
            return Ok(DockerfileText::Nothing);
        };
        if !mode.is_blob_or_symlink() {
            return Ok(DockerfileText::Nothing);
        }
        let mut buffer = Vec::new();
        let found = objects
            .try_find(&id, &mut buffer)
            .map_err(|err| Error::repository(format!("cannot read {id}")).because(err))?;
        let Some(blob) = found.filter(|data| data.kind == Kind::Blob) else {
            return Ok(DockerfileText::Lacking(id));
        };
        if mode.is_link() {
            match joined(&path, blob.data) {
                Some(target) => path = target,
                None => return Ok(DockerfileText::Nothing),
            }
            continue;
        }
        if blob.data.len() > SIZE {
            return Ok(DockerfileText::Nothing);
        }
        let text = blob.data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(blob.data);
        return Ok(DockerfileText::Text(text.to_str_lossy().into_owned()));
    }
    Ok(DockerfileText::Nothing)
}

/// The first tree that `path` leads through and that is not here.
fn lacking(objects: Objects<'_>, context: ObjectId, path: &BString) -> Result<Option<ObjectId>> {
    if !has(objects, context)? {
        return Ok(Some(context));
    }
    for end in path.find_iter("/") {
        match tree::entry_at(objects, context, path[..end].as_bstr())? {
            Some((mode, id)) if mode.is_tree() => {
                if !has(objects, id)? {
                    return Ok(Some(id));
                }
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn has(objects: Objects<'_>, id: ObjectId) -> Result<bool> {
    let mut buffer = Vec::new();
    let found = objects.try_find(&id, &mut buffer);
    let found = found.map_err(|err| Error::repository(format!("cannot read {id}")).because(err))?;
    Ok(found.is_some())
}

/// Where a link at `path` leads; none where that is outside of the context.
fn joined(path: &BString, target: &[u8]) -> Option<BString> {
    let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    parts.pop();
    if target.starts_with(b"/") {
        return None;
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join(&b'/').into())
}
