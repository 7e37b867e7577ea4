//! Executes a `COPY` or `ADD`.

use std::path::{Path, PathBuf};

use super::{
    archive,
    change::Change,
    context::Context,
    copy::{Copy, CopySource, joined},
    pattern::{Pattern, has_wildcard},
    shared::CopyOrigin,
    tree::{Kind, Owner, PackedFile, TooManyLinks, Tree, TreeEntry},
};
use crate::model::error::{Error, Result};

/// A `COPY` or `ADD` at work.
pub(super) struct Copying<'a, 'b> {
    /// What is to be copied.
    pub copy: &'a Copy,
    /// The build context.
    pub context: &'a Context,
    /// Where it is copied from: the context's files, or a stage's.
    pub source: &'a Tree,
    /// Who is to own it, where `--chown` says so.
    pub owner: Option<Owner>,
    /// Where it goes.
    pub change: &'a mut Change<'b>,
}

impl Copying<'_, '_> {
    /// Copies all of it.
    pub(super) fn run(mut self) -> Result<()> {
        if self.copy.into_directory {
            let directory = self.change.resolve(&self.copy.destination)?;
            self.make_directory(&directory)?;
        }
        let mut copied = 0;
        for source in &self.copy.sources {
            copied += match source {
                CopySource::Inline { name, text } => {
                    let kind = Kind::Inline(text.as_str().into());
                    self.file(
                        Path::new(name),
                        TreeEntry {
                            kind,
                            mode: 0o644,
                            owner: Owner::default(),
                        },
                    )?;
                    1
                }
                CopySource::Path { base, path } if self.copy.parents => {
                    self.with_parents(base, path)?
                }
                CopySource::Path { path, .. } => self.path(path)?,
            };
        }
        match copied {
            // One pattern among several sources may match nothing (`package-lock.json*`), but not all of them.
            0 => Err(self.change.place.failed("no file matches")),
            _ => Ok(()),
        }
    }

    /// Copies what `path` names; returns how much that is.
    fn path(&mut self, path: &str) -> Result<usize> {
        let found = self.find(path)?;
        let several = found.len() > 1 && !self.copy.into_directory;
        if several
            && !self
                .change
                .tree
                .is_directory(&self.change.resolve(&self.copy.destination)?)
        {
            let why = format!("`{path}` matches several files, which can only go into a directory");
            return Err(self
                .change
                .place
                .misuse(why)
                .hint("end the destination with a slash"));
        }
        for path in &found {
            let resolved = self.resolve_source(path)?;
            match self.source.get(&resolved) {
                _ if self.source.is_directory(&resolved) => self.directory(&resolved)?,
                Some(entry) => self.file(
                    Path::new(path.file_name().unwrap_or_default()),
                    entry.clone(),
                )?,
                None => return Err(self.missing(path)),
            }
        }
        Ok(found.len())
    }

    /// The paths that `path` names, before their links are followed.
    fn find(&self, path: &str) -> Result<Vec<PathBuf>> {
        if !has_wildcard(path) {
            return Ok(vec![path.into()]);
        }
        let components: Vec<&str> = path.split('/').collect();
        let literal = components
            .iter()
            .take_while(|component| !has_wildcard(component))
            .count();
        let (above, pattern) = components.split_at(literal);
        let directory = self.resolve_source(&above.iter().collect::<PathBuf>())?;
        let depth = pattern.len();
        let pattern = self.pattern(Pattern::wildcard(&pattern.join("/")))?;
        let below = |path: &Path| path.strip_prefix(&directory).unwrap_or(path).to_owned();
        let found = self.source.below(&directory).map(|(path, _)| path);
        let found = found.filter(|path| {
            below(path).components().count() == depth && pattern.matches(&below(path))
        });
        Ok(found.map(Path::to_owned).collect())
    }

    /// Copies what `path` names below `base`, with the directories that lead there.
    fn with_parents(&mut self, base: &str, path: &str) -> Result<usize> {
        let base_directory = self.resolve_source(Path::new(base))?;
        let pattern = self.pattern(Pattern::deep(path))?;
        let destination = self.change.resolve(&self.copy.destination)?;
        let mut copied = 0;
        for (found, entry) in self.source.below(&base_directory) {
            let kept = found.strip_prefix(&base_directory).unwrap_or(found);
            if pattern.matches_or_above(kept) && !self.copy.excludes.hide(kept) {
                self.put(destination.join(kept), entry.clone())?;
                copied += 1;
            }
        }
        match copied {
            0 if !has_wildcard(path) => Err(self.missing(&joined(base, path))),
            copied => Ok(copied),
        }
    }

    /// Copies a file, or a link inside it, under its own name into a directory, else to the destination itself.
    fn file(&mut self, name: &Path, entry: TreeEntry) -> Result<()> {
        if self.copy.excludes.hide(name) {
            return Ok(());
        }
        self.refuse_archive(&entry)?;
        let destination = self.change.resolve(&self.copy.destination)?;
        let target = match self.change.tree.is_directory(&destination) {
            true => destination.join(name),
            false => destination,
        };
        self.put(target, entry)
    }

    /// Copies what a directory contains; the directory itself lends the destination neither mode nor owner.
    fn directory(&mut self, directory: &Path) -> Result<()> {
        let destination = self.change.resolve(&self.copy.destination)?;
        self.make_directory(&destination)?;
        for (path, entry) in self.source.below(directory) {
            let below = path.strip_prefix(directory).unwrap_or(path);
            if !self.copy.excludes.hide(below) {
                self.put(destination.join(below), entry.clone())?;
            }
        }
        Ok(())
    }

    fn put(&mut self, path: PathBuf, mut entry: TreeEntry) -> Result<()> {
        if let Kind::Packed(PackedFile {
            attributes: true, ..
        }) = &entry.kind
        {
            let why = format!(
                "/{} has extended attributes, such as capabilities",
                path.display()
            );
            return Err(self.change.place.needs_engine(why));
        }
        entry.owner = self.owner.unwrap_or(entry.owner);
        if !matches!(entry.kind, Kind::Symlink(_)) {
            entry.mode = self.copy.mode.unwrap_or(entry.mode);
        }
        if let Some(parent) = path.parent() {
            self.make_directory(parent)?;
        }
        self.change.put(path, entry)
    }

    /// As for Docker, a directory that a copy has to make belongs to whom the copy belongs to.
    fn make_directory(&mut self, path: &Path) -> Result<()> {
        self.change
            .make_directory(path, self.owner.unwrap_or_default())
    }

    fn resolve_source(&self, path: &Path) -> Result<PathBuf> {
        let resolved = self.source.resolve(path);
        resolved.map_err(|TooManyLinks| {
            self.change
                .place
                .failed(format!("`{}` leads in a circle", path.display()))
        })
    }

    fn pattern(&self, pattern: Result<Pattern, String>) -> Result<Pattern> {
        pattern.map_err(|why| self.change.place.misuse(why))
    }

    fn missing(&self, path: &Path) -> Error {
        let place = self.change.place;
        let name = path.display();
        let hidden = self
            .context
            .hidden(path)
            .filter(|_| matches!(self.copy.from, CopyOrigin::Context));
        match (&self.copy.from, hidden) {
            (CopyOrigin::Stage(stage), _) => place.failed(format!("stage {stage} has no `{name}`")),
            (CopyOrigin::Image(base), _) => place.failed(format!("{} has no `{name}`", base.name)),
            (CopyOrigin::Context, Some(rule)) => place
                .failed(format!("`{name}` is kept out of the build by {rule}"))
                .hint(format!("a line `!{name}` below that rule lets it in")),
            (CopyOrigin::Context, None) => {
                place.failed(format!("the build context has no `{name}`"))
            }
        }
    }

    /// `ADD` unpacks an archive of the context; refusing is better than a file where Docker makes a tree.
    fn refuse_archive(&self, entry: &TreeEntry) -> Result<()> {
        let Kind::File(path, _) = &entry.kind else {
            return Ok(());
        };
        if !self.copy.unpack {
            return Ok(());
        }
        let place = self.change.place;
        let found = self.context.open(path).and_then(archive::is_archive);
        match found {
            Ok(false) => Ok(()),
            Ok(true) => Err(place
                .needs_engine(format!(
                    "`{}` is an archive, which ADD unpacks",
                    path.display()
                ))
                .hint("COPY copies it as it is")),
            Err(cause) => Err(place
                .failed(format!("cannot read `{}`", path.display()))
                .because(cause)),
        }
    }
}
