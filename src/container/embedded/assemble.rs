//! Carries a plan out: each stage's file system as a tree, each instruction's changes to it as a layer.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{
    archive,
    context::{Context, ENTRIES},
    copy::{Copy, Source, joined},
    dockerfile::Place,
    pattern::{Pattern, has_wildcard},
    plan::{Action, Plan, Stage, Step},
    tree::{Entry, Kind, Owner, TooManyLinks, Tree},
};
use crate::model::error::Result;

/// Layers that an image may have (what overlay file systems stack).
const LAYERS: usize = 127;

/// What one instruction changed, and the directories above that.
pub type Layer = BTreeMap<PathBuf, Entry>;

/// One instruction, carried out.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its text.
    pub instruction: String,
    /// What it changed, if anything.
    pub layer: Option<Rc<Layer>>,
}

#[derive(Clone, Default)]
struct Built {
    tree: Tree,
    done: Vec<Done>,
}

/// What the target of `plan` consists of: its instructions and those of the stages it starts from, in order.
pub fn assemble(plan: &Plan, context: &Context) -> Result<Vec<Done>> {
    let chain = chain(plan);
    let mut stages: Vec<Built> = Vec::new();
    let mut entries = context.tree().len();
    for (index, stage) in plan.stages.iter().enumerate() {
        let Some(stage) = stage else {
            stages.push(Built::default());
            continue;
        };
        let mut built = stage
            .base
            .map_or_else(Built::default, |base| stages[base].clone());
        entries += built.tree.len();
        for step in &stage.steps {
            let layer = run(step, context, &stages, &mut built.tree)?;
            entries += layer.len();
            if entries > 4 * ENTRIES {
                return Err(step.place.failed(format!(
                    "the stages come to more than {} files",
                    4 * ENTRIES
                )));
            }
            if chain.contains(&index) {
                built.add(step, layer)?;
            }
        }
        stages.push(built);
    }
    Ok(stages.swap_remove(plan.target).done)
}

/// The target and the stages below it, whose layers the image has.
fn chain(plan: &Plan) -> BTreeSet<usize> {
    let base = |&index: &usize| {
        plan.stages[index]
            .as_ref()
            .and_then(|stage: &Stage| stage.base)
    };
    std::iter::successors(Some(plan.target), base).collect()
}

impl Built {
    fn add(&mut self, step: &Step, layer: Layer) -> Result<()> {
        let layer = Some(layer).filter(|layer| !layer.is_empty()).map(Rc::new);
        let instruction = step.place.text.clone();
        self.done.push(Done { instruction, layer });
        match self.done.iter().filter(|done| done.layer.is_some()).count() > LAYERS {
            true => Err(step
                .place
                .misuse(format!("the image has more than {LAYERS} layers"))),
            false => Ok(()),
        }
    }
}

fn run(step: &Step, context: &Context, stages: &[Built], tree: &mut Tree) -> Result<Layer> {
    let mut change = Change {
        place: &step.place,
        tree,
        layer: Layer::new(),
    };
    match &step.action {
        Action::Describe => {}
        Action::MakeDirectory(path, owner) => {
            let path = change.resolve(path)?;
            change.make_directory(&path, *owner)?;
        }
        Action::Copy(copy) => {
            let source = copy
                .from
                .map_or(context.tree(), |stage| &stages[stage].tree);
            Copying {
                copy,
                context,
                source,
                change: &mut change,
            }
            .run()?;
        }
    }
    Ok(change.finish())
}

/// One instruction's changes to its stage.
struct Change<'a> {
    place: &'a Place,
    tree: &'a mut Tree,
    layer: Layer,
}

impl Change<'_> {
    fn resolve(&self, path: &Path) -> Result<PathBuf> {
        let resolved = self.tree.resolve(path);
        resolved.map_err(|TooManyLinks| {
            self.place
                .failed(format!("/{} leads in a circle", path.display()))
        })
    }

    /// Makes `path` and what is missing above it.
    fn make_directory(&mut self, path: &Path, owner: Owner) -> Result<()> {
        let ancestors: Vec<&Path> = path.ancestors().collect();
        for directory in ancestors.into_iter().rev() {
            if !self.tree.is_directory(directory) {
                self.put(directory.to_owned(), Entry::directory(owner))?;
            }
        }
        Ok(())
    }

    /// Puts `entry` at `path`, whose parents exist. A file may replace a file; nothing replaces a directory, nor does a directory
    /// replace anything.
    fn put(&mut self, path: PathBuf, entry: Entry) -> Result<()> {
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(b".wh.") {
            let why = format!(
                "/{}: a layer has such a name for what it takes away",
                path.display()
            );
            return Err(self.place.failed(why));
        }
        if entry.kind == Kind::Special {
            let why = format!(
                "/{} is neither a file nor a directory nor a symlink",
                path.display()
            );
            return Err(self.place.failed(why));
        }
        match self.tree.get(&path) {
            Some(old) if entry.is_directory() && !old.is_directory() => {
                return Err(self
                    .place
                    .failed(format!("/{} is there and not a directory", path.display())));
            }
            Some(old) if old.is_directory() && !entry.is_directory() => {
                return Err(self
                    .place
                    .failed(format!("/{} is a directory", path.display())));
            }
            _ => {}
        }
        self.layer.insert(path.clone(), entry.clone());
        self.tree.insert(path, entry);
        Ok(())
    }

    /// The layer, with the directories above each change: who unpacks it alone gets their modes right.
    fn finish(self) -> Layer {
        let mut layer = self.layer;
        let parents: BTreeSet<PathBuf> = layer
            .keys()
            .flat_map(|path| path.ancestors().skip(1))
            .map(Path::to_owned)
            .collect();
        for parent in parents {
            if let Some(entry) = self.tree.get(&parent) {
                layer.entry(parent).or_insert_with(|| entry.clone());
            }
        }
        layer
    }
}

/// A `COPY` or `ADD` at work.
struct Copying<'a, 'b> {
    copy: &'a Copy,
    context: &'a Context,
    source: &'a Tree,
    change: &'a mut Change<'b>,
}

impl Copying<'_, '_> {
    fn run(mut self) -> Result<()> {
        if self.copy.into_directory {
            let directory = self.change.resolve(&self.copy.destination)?;
            self.make_directory(&directory)?;
        }
        let mut copied = 0;
        for source in &self.copy.sources {
            copied += match source {
                Source::Inline { name, text } => {
                    let kind = Kind::Inline(text.as_str().into());
                    self.file(
                        Path::new(name),
                        Entry {
                            kind,
                            mode: 0o644,
                            owner: Owner::default(),
                        },
                    )?;
                    1
                }
                Source::Path { base, path } if self.copy.parents => {
                    self.with_parents(base, path)?
                }
                Source::Path { path, .. } => self.path(path)?,
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
    fn file(&mut self, name: &Path, entry: Entry) -> Result<()> {
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

    fn put(&mut self, path: PathBuf, mut entry: Entry) -> Result<()> {
        entry.owner = self.copy.owner.unwrap_or(entry.owner);
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
            .make_directory(path, self.copy.owner.unwrap_or_default())
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

    fn missing(&self, path: &Path) -> crate::model::error::Error {
        let place = self.change.place;
        let name = path.display();
        let hidden = self
            .context
            .hidden(path)
            .filter(|_| self.copy.from.is_none());
        match (self.copy.from, hidden) {
            (Some(stage), _) => place.failed(format!("stage {stage} has no `{name}`")),
            (None, Some(rule)) => place
                .failed(format!("`{name}` is kept out of the build by {rule}"))
                .hint(format!("a line `!{name}` below that rule lets it in")),
            (None, None) => place.failed(format!("the build context has no `{name}`")),
        }
    }

    /// `ADD` unpacks an archive of the context; refusing is better than a file where Docker makes a tree.
    fn refuse_archive(&self, entry: &Entry) -> Result<()> {
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
                .hint("COPY takes it as it is")),
            Err(cause) => Err(place
                .failed(format!("cannot read `{}`", path.display()))
                .because(cause)),
        }
    }
}
