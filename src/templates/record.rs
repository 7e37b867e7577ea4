//! `.flota-template.toml`, in which a service records what it was made from.

use gix::ObjectId;
use gix::objs::FindExt;
use serde::Serialize;

use super::template::{File, Template};
use crate::{
    config,
    git::{Objects, tree},
    model::{
        error::{Error, Result},
        template::{MODULE, NAME, Origin, Record, Values},
    },
};

/// Its name, at the root of the service's repository.
pub const FILE: &str = ".flota-template.toml";

/// What is above it in the file.
const HEADER: &str = "\
# What this service was made from. `flota template update` reads it, and writes it anew; flota build does not look at it.
";

/// More than the answers to any template.
const SIZE_LIMIT: usize = 512 << 10;

/// The file's tables, in order.
#[derive(Serialize)]
struct View<'a> {
    template: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    version: String,
    name: &'a str,
    answers: Values,
}

/// The file of a service that `template` made with `values`.
pub(super) fn file(template: &Template, values: &Values) -> Result<File> {
    let mut answers = values.clone();
    answers.remove(MODULE);
    let name = answers.remove(NAME).unwrap_or_default();
    let mut view = View {
        template: &template.name,
        folder: None,
        url: None,
        rev: None,
        commit: None,
        version: template.version()?.to_string(),
        name: &name,
        answers,
    };
    match &template.origin {
        Origin::Embedded => {}
        Origin::Folder(path) => view.folder = Some(path.as_deref().unwrap_or_default()),
        Origin::Git { url, rev, commit } => {
            view.url = Some(url);
            view.rev = rev.as_deref();
            view.commit = Some(commit.to_string());
        }
    }
    let text = toml::to_string(&view)
        .map_err(|err| Error::work(format!("cannot write {FILE}")).because(err))?;
    Ok(File {
        path: FILE.into(),
        content: format!("{HEADER}{text}").into_bytes(),
        is_executable: false,
    })
}

/// What the tree `root` of a service records; nothing when no template made it.
///
/// # Errors
/// Misuse: the file cannot be meant. Repository: the tree cannot be read.
pub fn read(objects: Objects<'_>, root: ObjectId) -> Result<Option<Record>> {
    let Some((mode, id)) = tree::entry_at(objects, root, FILE.into())? else {
        return Ok(None);
    };
    let mut buffer = Vec::new();
    let blob = mode.is_blob().then(|| objects.find_blob(&id, &mut buffer));
    let blob = blob
        .transpose()
        .map_err(|err| Error::repository(format!("cannot read {FILE} (blob {id})")).because(err))?;
    match blob {
        Some(blob) if blob.data.len() <= SIZE_LIMIT => {
            config::parse_record(blob.data, FILE).map(Some)
        }
        _ => Err(Error::repository(format!(
            "{FILE} is no file of at most {SIZE_LIMIT} bytes"
        ))),
    }
}
