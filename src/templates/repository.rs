//! A template in a Git repository: read from a commit's objects, so that nothing of it is ever checked out.

use std::borrow::Cow;

use bstr::ByteSlice;
use gix::{
    ObjectId,
    objs::{FindExt, tree::EntryKind},
};

use super::template::{COUNT_LIMIT, SIZE_LIMIT, Template, TemplateFile, too_much};
use crate::{
    git::{Objects, tree},
    model::{
        error::{Error, Result},
        template::Origin,
    },
};

/// Reads the template that is the tree `root`.
///
/// # Errors
/// Misuse: it has a symbolic link or a submodule, or more than a template may have. Repository: it cannot be read.
pub(super) fn read(
    objects: Objects<'_>,
    root: ObjectId,
    name: String,
    origin: Origin,
) -> Result<Template> {
    let (mut sources, mut size) = (Vec::new(), 0);
    for found in tree::diff(objects, None, Some(root))? {
        let Some((mode, id)) = found.new else {
            continue;
        };
        let shown = &found.path;
        if !mode.is_blob() {
            return Err(Error::misuse(format!(
                "`{shown}` is a symbolic link or a submodule: a template cannot contain it"
            )));
        }
        let path = found.path.to_str().map_err(|err| {
            Error::misuse(format!(
                "`{shown}` is not UTF-8: a template's paths are text"
            ))
            .because(err)
        })?;
        let mut buffer = Vec::new();
        let blob = objects
            .promised()
            .find_blob(&id, &mut buffer)
            .map_err(|err| {
                Error::repository(format!("cannot read `{shown}` (blob {id})")).because(err)
            })?;
        size += blob.data.len();
        if sources.len() == COUNT_LIMIT || size > SIZE_LIMIT {
            return Err(too_much(&name));
        }
        sources.push(TemplateFile {
            path: path.to_owned(),
            content: Cow::Owned(blob.data.to_vec()),
            is_executable: mode.kind() == EntryKind::BlobExecutable,
        });
    }
    Template::new(name, origin, sources)
}
