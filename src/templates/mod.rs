//! The templates of new services: those embedded in the binary and users' own, rendered in memory.
//!
//! A template is a folder with a `template.toml`, which says what it asks for, and the files of the service's repository. A
//! file ending in `.jinja` is rendered and loses the ending; every other file is taken as it is; names of files and folders
//! are rendered too. Variables stand in `[[ ]]` and statements in `[% %]`, so that Helm's own `{{ }}` stays what it is.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use gix::ObjectId;

use crate::{
    config,
    git::{
        path,
        tree_builder::{self, Leaf},
    },
    model::{
        error::{Error, Result},
        template::{Manifest, Origin, Values},
    },
};

mod embedded;
mod folder;
mod pipelines;
mod record;
mod render;
mod repository;
mod source;

pub use embedded::{all, help_page, named};
pub use pipelines::pipelines;
pub use record::{FILE as RECORD, read as read_record};
pub use source::{Wanted, load};

/// What a template says of itself; no file of a service.
const MANIFEST: &str = "template.toml";

/// The trailer of a commit that holds what a template rendered and nothing else: its tree, which tells such a commit from one
/// that merely has its message (a rebase, a squash).
pub const RENDERING: &str = "Flota-Rendering";

/// More files than any start of a service needs.
const COUNT_LIMIT: usize = 2_000;

/// The most bytes that a template's files may have together.
const SIZE_LIMIT: usize = 16 << 20;

/// A template, read.
#[derive(Clone, Debug)]
pub struct Template {
    /// What people call it.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it asks for.
    pub manifest: Manifest,
    /// Sorted by path.
    sources: Vec<Source>,
}

/// One of its files, as the template has it.
#[derive(Clone, Debug)]
struct Source {
    /// From the template's folder, its parts joined by `/`.
    path: String,
    content: Cow<'static, [u8]>,
    is_executable: bool,
}

/// One file of a new service's repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the repository's root.
    pub path: PathBuf,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it is a program.
    pub is_executable: bool,
}

impl Template {
    /// Takes the template `name` from its files.
    ///
    /// # Errors
    /// Misuse: there is no `template.toml`, it says what cannot be meant, or there is more than a template holds.
    fn new(name: String, origin: Origin, mut sources: Vec<Source>) -> Result<Self> {
        let size: usize = sources.iter().map(|source| source.content.len()).sum();
        if sources.len() > COUNT_LIMIT || size > SIZE_LIMIT {
            return Err(too_much(&name));
        }
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let manifest = sources.iter().find(|source| source.path == MANIFEST);
        let manifest = manifest.ok_or_else(|| {
            Error::misuse(format!("`{name}` is no template: it has no {MANIFEST}")).hint(format!(
                "see what one says: {MANIFEST} in README.md, Templates"
            ))
        })?;
        Ok(Self {
            manifest: config::parse_manifest(&manifest.content, &format!("{name}/{MANIFEST}"))?,
            name,
            origin,
            sources,
        })
    }

    /// What tells it from other states of itself: the id of the Git tree of its files.
    pub fn version(&self) -> Result<ObjectId> {
        let leaves = self.sources.iter().map(|source| Leaf {
            path: source.path.as_bytes(),
            content: &source.content,
            is_executable: source.is_executable,
        });
        tree_builder::tree_id(&leaves.collect::<Vec<_>>(), gix::hash::Kind::Sha1)
    }

    /// The files of the service that `values` name, sorted by path: the template's, and what records it.
    ///
    /// # Errors
    /// Work: a file cannot be rendered, two would have one path, or one would lie outside of the repository.
    pub fn render(&self, values: &Values) -> Result<Vec<File>> {
        let renderer = render::Renderer::new(values)?;
        let mut files = Vec::new();
        for source in self.sources.iter().filter(|source| source.path != MANIFEST) {
            files.push(self.render_one(&renderer, source).map_err(|err| {
                Error::work(format!("the template `{}`: {}", self.name, source.path)).because(err)
            })?);
        }
        files.push(record::file(self, values)?);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        self.refuse_twins(&files)?;
        Ok(files)
    }

    fn render_one(&self, renderer: &render::Renderer, source: &Source) -> Result<File> {
        let (path, content) = match source.path.strip_suffix(render::ENDING) {
            Some(path) => (path, renderer.bytes(&source.content)?),
            None => (source.path.as_str(), source.content.to_vec()),
        };
        let path = renderer.text(path)?;
        for part in path.split('/') {
            path::component(part.into())?;
        }
        Ok(File {
            path: path::relative("path", path.as_str().into())?,
            content,
            is_executable: source.is_executable,
        })
    }

    /// No two files may be one where case and Unicode form do not count, nor may a file be another's folder.
    fn refuse_twins(&self, files: &[File]) -> Result<()> {
        let mut seen = std::collections::BTreeMap::<String, &Path>::new();
        let folded = |path: &Path| path::folded(path.as_os_str().as_encoded_bytes());
        for file in files {
            if let Some(twin) = seen.insert(folded(&file.path), &file.path) {
                return Err(self.twins(twin, &file.path));
            }
        }
        for file in files {
            for folder in file.path.ancestors().skip(1) {
                if let Some(twin) = seen.get(&folded(folder)) {
                    return Err(self.twins(twin, &file.path));
                }
            }
        }
        Ok(())
    }

    fn twins(&self, one: &Path, other: &Path) -> Error {
        Error::work(format!(
            "the template `{}` has two files in one place: `{}` and `{}`",
            self.name,
            one.display(),
            other.display()
        ))
    }

    /// The answer to a question where nobody gives one; `values` are its name and the answers before it.
    ///
    /// # Errors
    /// Work: the default cannot be rendered.
    pub fn default_answer(&self, default: &str, values: &Values) -> Result<String> {
        render::Renderer::new(values)?.text(default).map_err(|err| {
            Error::work(format!(
                "the template `{}` has a default that cannot be rendered: {default}",
                self.name
            ))
            .because(err)
        })
    }
}

fn too_much(name: &str) -> Error {
    Error::misuse(format!(
        "the template `{name}` has more than {COUNT_LIMIT} files, or more than {SIZE_LIMIT} bytes"
    ))
}

#[cfg(test)]
mod tests;
