//! Where the configuration is found.

use std::{fs, path::Path};

use gix::objs::FindExt;

use super::parse::parse;
use crate::{
    git::{Objects, repository::Repository, tree},
    model::{
        error::{Error, Result},
        settings::Settings,
    },
};

/// Its name at the root of a fleet or of a service's repository.
const FILE: &str = "flota.toml";

/// A configuration is written by hand; what is larger is none.
const SIZE_LIMIT: u64 = 4 << 20;

/// Reads `file` when one is named (it must be there), else `flota.toml` at the worktree's root, or at HEAD in a bare
/// repository; without one, the defaults hold.
pub fn load(repository: &Repository, file: Option<&Path>) -> Result<Settings> {
    if let Some(file) = file {
        return match read(file)? {
            Some(text) => parse(&text, &file.display().to_string()),
            None => Err(Error::misuse(format!("there is no `{}`", file.display()))
                .hint("leave --config out to use the fleet's own flota.toml, or none")),
        };
    }
    let text = match repository.work_dir() {
        Some(root) => read(&root.join(FILE))?,
        None => at_head(repository)?,
    };
    text.map_or(Ok(Settings::default()), |text| parse(&text, FILE))
}

/// The file's bytes; none when it is not there. What is no file (a pipe, a device) may never end, and is not even opened.
fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    let refuse = |why| Error::misuse(format!("`{}` {why}", file.display()));
    let cannot = |err| Error::misuse(format!("cannot read `{}`", file.display())).because(err);
    match fs::metadata(file) {
        Ok(found) if !found.is_file() => Err(refuse("is not a file".to_owned())),
        Ok(found) if found.len() > SIZE_LIMIT => {
            Err(refuse(format!("is larger than {SIZE_LIMIT} bytes")))
        }
        Ok(_) => fs::read(file).map(Some).map_err(cannot),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(cannot(err)),
    }
}

fn at_head(repository: &Repository) -> Result<Option<Vec<u8>>> {
    let objects = repository.objects();
    let objects = Objects::new(&objects);
    let Ok(head) = repository.resolve("HEAD") else {
        return Ok(None);
    };
    let root = repository.tree_of(head)?;
    let Some((mode, id)) = tree::entry_at(objects, root, FILE.into())? else {
        return Ok(None);
    };
    if !mode.is_blob() {
        return Ok(None);
    }
    let mut buffer = Vec::new();
    let blob = objects.promised().find_blob(&id, &mut buffer);
    let text =
        blob.map_err(|err| Error::repository(format!("cannot read {FILE} at HEAD")).because(err))?;
    Ok(Some(text.data.to_owned()))
}
