//! What changed inside the services between two commits.
//!
//! The fleet's two trees say which pins moved ([`gitlinks`]); inside each of those submodules the two end points are
//! compared ([`submodule`]); [`rules`](crate::model::rules) decide what that means.

use std::num::NonZeroUsize;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::range::Ends;
use crate::{
    git::{
        Objects,
        content_id::{CODE, CONFIG},
        gitmodules::{self, Gitmodules},
        repository::Repository,
        tree,
    },
    model::{
        change::{Changed, Warning},
        error::{Error, Result},
        event::Events,
        settings::Settings,
    },
};

mod bases;
mod dependents;
mod fetched;
mod fleet;
mod gitlinks;
mod nested;
pub mod selection;
mod service;
mod submodule;

/// How to look.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether to list the files that differ.
    pub files: bool,
    /// Whether warnings are errors.
    pub strict: bool,
    /// How many services to read at a time; the result is the same for every number.
    pub jobs: NonZeroUsize,
    /// Only these services, by name or path; all when empty.
    pub only: &'a [BString],
    /// Whether to stay off the network: commits that are not here are missing.
    pub offline: bool,
    /// Where the progress of a fetch goes.
    pub events: Events<'a>,
}

/// Compares the two ends.
pub fn changed(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    options: Options<'_>,
) -> Result<Changed> {
    let trees = Trees::of(repository, &ends)?;
    let objects = repository.objects();
    let objects = Objects::new(&objects);
    let mut changed = match scope(objects, settings, &trees)? {
        Scope::Fleet => fleet::in_fleet(repository, settings, ends, &trees, options)?,
        Scope::Service => service::in_service(repository, settings, ends, &trees, options)?,
    };
    changed.services.sort_by(|a, b| a.path.cmp(&b.path));
    changed.warnings.sort();
    changed.unread.sort();
    if options.strict {
        refuse_warnings(&changed.warnings)?;
    }
    Ok(changed)
}

/// The root trees of the two ends.
struct Trees {
    base: Option<ObjectId>,
    head: Option<ObjectId>,
}

impl Trees {
    fn of(repository: &Repository, ends: &Ends) -> Result<Self> {
        let base = ends
            .base
            .commit
            .map(|commit| repository.tree_of(commit))
            .transpose()?;
        Ok(Self {
            base,
            head: Some(repository.tree_of(ends.head.commit)?),
        })
    }

    fn each(&self) -> impl Iterator<Item = ObjectId> {
        self.base.into_iter().chain(self.head)
    }
}

/// Whether HEAD is a fleet, and not one service.
///
/// # Errors
/// It is neither.
pub fn is_fleet(repository: &Repository, settings: &Settings) -> Result<bool> {
    let objects = repository.objects();
    let head = repository.tree_of(repository.resolve("HEAD")?)?;
    let trees = Trees {
        base: None,
        head: Some(head),
    };
    let scope = scope(Objects::new(&objects), settings, &trees)?;
    Ok(matches!(scope, Scope::Fleet))
}

/// What kind of repository this is.
enum Scope {
    /// Submodules are its services.
    Fleet,
    /// It is one service: `code/` and `config/` are its own folders.
    Service,
}

/// A fleet has submodules outside of `code/`, `config/` and `charts/`; a service has those folders and none elsewhere.
fn scope(objects: Objects<'_>, settings: &Settings, trees: &Trees) -> Result<Scope> {
    let mut has_parts = false;
    for root in trees.each() {
        let names: Vec<_> = tree::entries(objects, root)?
            .into_iter()
            .filter(|(_, (mode, _))| mode.is_tree() || mode.is_blob())
            .map(|(name, _)| name)
            .collect();
        let parts = names.iter().any(|name| is_part(name.as_ref()));
        let lists = names.iter().any(|name| name == gitmodules::FILE);
        if lists && (!parts || lists_outside_parts(objects, root)?) {
            return Ok(Scope::Fleet);
        }
        has_parts |= parts;
    }
    if settings.fleet != Default::default() {
        return Ok(Scope::Fleet);
    }
    if has_parts {
        return Ok(Scope::Service);
    }
    // Gitlinks that no `.gitmodules` lists are a fleet all the same.
    for root in trees.each() {
        if !tree::gitlinks(objects, root)?.is_empty() {
            return Ok(Scope::Fleet);
        }
    }
    Err(Error::repository(
        "neither a fleet nor a service: no submodules, no code/, config/ or charts/",
    )
    .hint("link a service's repository: git submodule add URL code-repos/NAME")
    .hint("to see a fleet at work first: flota demo"))
}

fn is_part(name: &BStr) -> bool {
    name == CODE || CONFIG.iter().any(|folder| name == *folder)
}

fn lists_outside_parts(objects: Objects<'_>, root: ObjectId) -> Result<bool> {
    let listed = Gitmodules::of_tree(objects, root)?;
    let outside = |path: &BStr| !is_part(path.split_str("/").next().unwrap_or_default().as_bstr());
    Ok(listed
        .iter()
        .any(|submodule| outside(submodule.path.as_ref())))
}

fn refuse_warnings(warnings: &[Warning]) -> Result<()> {
    let Some(first) = warnings.first() else {
        return Ok(());
    };
    let more = match warnings.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Err(Error::repository(format!("{}{more}", first.message))
        .hint("without --strict this is a warning"))
}
