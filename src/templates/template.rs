//! A template as it is read from any source, and a rendered file.

use std::{borrow::Cow, path::PathBuf};

use gix::ObjectId;

use crate::{
    config,
    git::tree_builder::{self, Leaf},
    model::{
        error::{Error, Result},
        template::{Origin, TemplateManifest},
    },
};

/// What a template says of itself; no file of a service.
pub(super) const MANIFEST: &str = "template.toml";

/// More files than any start of a service needs.
pub(super) const COUNT_LIMIT: usize = 2_000;

/// The most bytes that a template's files may have together.
pub(super) const SIZE_LIMIT: usize = 16 << 20;

/// A template, read.
#[derive(Clone, Debug)]
pub struct Template {
    /// What people call it.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it asks for.
    pub manifest: TemplateManifest,
    /// Sorted by path.
    pub(super) sources: Vec<TemplateFile>,
}

/// One of its files, as the template has it.
#[derive(Clone, Debug)]
pub(super) struct TemplateFile {
    /// From the template's folder, its parts joined by `/`.
    pub path: String,
    /// Its bytes.
    pub content: Cow<'static, [u8]>,
    /// Whether it is a program.
    pub is_executable: bool,
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
    /// Misuse: there is no `template.toml`, it is not valid, or there is more than a template may have.
    pub(super) fn new(
        name: String,
        origin: Origin,
        mut sources: Vec<TemplateFile>,
    ) -> Result<Self> {
        let size: usize = sources.iter().map(|source| source.content.len()).sum();
        if sources.len() > COUNT_LIMIT || size > SIZE_LIMIT {
            return Err(too_much(&name));
        }
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let manifest = sources.iter().find(|source| source.path == MANIFEST);
        let manifest = manifest.ok_or_else(|| {
            Error::misuse(format!("`{name}` is not a template: it has no {MANIFEST}"))
                .hint("see how to write one: flota help template-files")
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
}

/// A template that is more than one.
pub(super) fn too_much(name: &str) -> Error {
    Error::misuse(format!(
        "the template `{name}` has more than {COUNT_LIMIT} files, or more than {SIZE_LIMIT} bytes"
    ))
}
