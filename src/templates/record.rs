//! `.flota-template.toml`, in which a service records what it was created from.

use gix::ObjectId;
use gix::objs::FindExt;

use super::template::{File, Template};
use crate::{
    config,
    git::{Objects, tree},
    model::{
        error::{Error, Result},
        template::{MODULE, NAME, Record, Values},
    },
};

/// Its name, at the root of the service's repository.
pub const FILE: &str = ".flota-template.toml";

/// More than the answers to any template.
const SIZE_LIMIT: usize = 512 << 10;

/// The file of a service that `template` made with `values`.
pub(super) fn file(template: &Template, values: &Values) -> Result<File> {
    let mut answers = values.clone();
    answers.remove(MODULE);
    let name = answers.remove(NAME).unwrap_or_default();
    let text = config::write_record(&Record {
        template: template.name.clone(),
        origin: template.origin.clone(),
        version: template.version()?,
        name,
        answers,
    })?;
    Ok(File {
        path: FILE.into(),
        content: text.into_bytes(),
        is_executable: false,
    })
}

/// What the tree `root` of a service records; nothing when no template made it.
///
/// # Errors
/// Misuse: the file is not valid. Repository: the tree cannot be read.
pub fn read(objects: Objects<'_>, root: ObjectId) -> Result<Option<Record>> {
    let Some((mode, id)) = tree::entry_at(objects, root, FILE.into())? else {
        return Ok(None);
    };
    let mut buffer = Vec::new();
    let blob = mode
        .is_blob()
        .then(|| objects.promised().find_blob(&id, &mut buffer));
    let blob = blob
        .transpose()
        .map_err(|err| Error::repository(format!("cannot read {FILE} (blob {id})")).because(err))?;
    match blob {
        Some(blob) if blob.data.len() <= SIZE_LIMIT => {
            config::parse_record(blob.data, FILE).map(Some)
        }
        _ => Err(Error::repository(format!(
            "{FILE} is not a file of at most {SIZE_LIMIT} bytes"
        ))),
    }
}
