//! A repository whose submodules are updated: the fleet, or one of its submodules.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicUsize},
};

use bstr::BString;
use gix::ObjectId;

use crate::{
    git::{
        repository::Repository,
        url::{self, Source},
        vet::Link,
    },
    model::error::{Error, Result},
};

/// A repository whose submodules are brought.
pub(super) struct Parent {
    pub repository: Repository,
    /// Its worktree's root and its git directory (of a linked worktree, its own), absolute.
    pub root: PathBuf,
    pub git_dir: PathBuf,
    /// The git directories that the fleet's other worktrees have in the place of this one (git-worktree(1)); each may be missing.
    pub siblings: Vec<PathBuf>,
    /// Where it sits, from the fleet's root; empty for the fleet.
    pub path: BString,
    /// The commits of the submodules it lies in, itself included.
    pub above: Vec<ObjectId>,
    /// How many nested submodules were found so far in the service it is or lies in; the fleet lies in none.
    pub nested: Option<Arc<AtomicUsize>>,
}

impl Parent {
    /// Where its submodule sits, from the fleet's root.
    pub(super) fn path_of(&self, link: &Link) -> BString {
        self.path_below(&link.path)
    }

    /// The same of a path in its worktree.
    pub(super) fn path_below(&self, path: &BString) -> BString {
        match self.path.is_empty() {
            true => path.clone(),
            false => [&self.path[..], b"/", path].concat().into(),
        }
    }
}

/// Where the repository of a submodule of `repository` comes from.
///
/// # Errors
/// Repository: git would refuse its URL, it leads where submodules may not lead, or there is none.
pub(crate) fn source(repository: &Repository, link: &Link) -> Result<Source> {
    let listed = link.listed.as_ref();
    let name = listed.map(|listed| listed.name.as_ref());
    let url = listed.and_then(|listed| Some(listed.url.as_ref()?.as_ref()));
    url::source_at(repository, link.path.as_ref(), name, url).map_err(|error| {
        let hints = error.hints().to_vec();
        let error = Error::new(
            error.exit(),
            format!("the submodule `{}`: {error}", link.name()),
        );
        hints.into_iter().fold(error, Error::hint)
    })
}

/// Whether `repository` has another URL configured for a submodule than `.gitmodules` lists; a look that costs little.
///
/// # Errors
/// Repository: its configuration cannot be read.
pub(crate) fn has_other_url(repository: &Repository, link: &Link) -> Result<bool> {
    let listed = link.listed.as_ref().and_then(|listed| listed.url.as_ref());
    let (Some(url), Some(configured)) = (listed, url::configured(repository, link.name())?) else {
        return Ok(false);
    };
    let listed = url::BaseUrl::of(repository)?.resolve(url.as_ref());
    Ok(listed.is_ok_and(|listed| listed != configured))
}

/// Refuses URLs that git would refuse, or that lead where submodules may not lead, before any of them is asked.
///
/// # Errors
/// As for [`source`], but for a submodule without a URL: it cannot be brought, and the others can.
pub(crate) fn check_urls(repository: &Repository, links: &[Link]) -> Result<()> {
    for link in links {
        let url = link.listed.as_ref().and_then(|listed| listed.url.as_ref());
        if url.is_some() {
            source(repository, link)?;
        }
    }
    Ok(())
}
