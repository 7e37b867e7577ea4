//! A template in a directory of the user.

use std::{borrow::Cow, fs, path::Path};

use walkdir::WalkDir;

use super::template::{COUNT_LIMIT, SIZE_LIMIT, Template, TemplateFile, too_much};
use crate::{
    files,
    model::{
        error::{Error, Result},
        template::Origin,
    },
};

/// Reads the template in `folder`; what git keeps there is no part of it.
///
/// # Errors
/// Misuse: it has a symbolic link, something that is not a file, or more than a template may have. Unavailable: it cannot be read.
pub(super) fn read(folder: &Path, name: String, origin: Origin) -> Result<Template> {
    let mut sources = Vec::new();
    let mut size = 0;
    let entries = WalkDir::new(folder).min_depth(1).into_iter();
    for entry in entries.filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.map_err(|err| files::cannot("read", folder, err.into()))?;
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(Error::misuse(format!(
                "`{}` is a symbolic link or not a file: a template cannot contain it",
                path.display()
            )));
        }
        let cannot = |err| files::cannot("read", path, err);
        let found = fs::metadata(path).map_err(cannot)?;
        size += usize::try_from(found.len()).unwrap_or(usize::MAX);
        if sources.len() == COUNT_LIMIT || size > SIZE_LIMIT {
            return Err(too_much(&name));
        }
        let relative = path.strip_prefix(folder).ok().and_then(Path::to_str);
        let relative = relative.ok_or_else(|| {
            Error::misuse(format!("`{}` is not UTF-8", path.display()))
                .hint("rename it: a template's paths are text")
        })?;
        sources.push(TemplateFile {
            path: relative.to_owned(),
            content: Cow::Owned(fs::read(path).map_err(cannot)?),
            is_executable: is_executable(&found),
        });
    }
    Template::new(name, origin, sources)
}

fn is_executable(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o100 != 0
}
