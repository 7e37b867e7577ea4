//! What changed inside the services between two commits of the fleet.
//!
//! The fleet's two trees say which pins moved ([`gitlinks`]), against one base or against several ([`bases`]). Inside each of
//! those submodules the two end points are compared ([`submodule`]); missing commits are fetched first ([`fetched`]).
//! [`rules`](crate::model::rules) decide what a difference means, and the configuration who else is built for it
//! ([`dependents`]). A repository that is itself a service is compared by its own directories ([`service`]).

use bstr::BString;

use self::{kind::RepositoryKind, trees::Trees};
use super::{range::Ends, select::Selector};
use crate::{
    git::{Objects, repository::Repository},
    model::{
        change::{Changed, Warning},
        error::{Error, Result},
        settings::Settings,
    },
};

mod bases;
mod children;
mod dependents;
mod fetched;
mod fleet;
mod gitlinks;
mod kind;
mod links;
mod missing;
mod options;
mod plain;
mod reverts;
mod service;
mod submodule;
mod trees;

pub use options::ChangedOptions;

/// Compares the two ends.
///
/// # Errors
/// Misuse: a service is named that does not exist. Repository: the fleet cannot be read, or with
/// [`strict`](ChangedOptions::strict) something deserves a warning. What single submodules lack is in [`Changed::unread`].
pub fn changed(
    repository: &Repository,
    settings: &Settings,
    ends: Ends,
    options: ChangedOptions<'_>,
) -> Result<Changed> {
    let trees = Trees::of(repository, &ends)?;
    let objects = repository.objects();
    let kind = RepositoryKind::of(Objects::new(&objects), settings, &trees)?;
    let mut changed = match kind {
        RepositoryKind::Fleet => fleet::in_fleet(repository, settings, ends, &trees, options)?,
        RepositoryKind::Service => {
            service::in_service(repository, settings, ends, &trees, options)?
        }
    };
    changed.services.sort_by(|a, b| a.path.cmp(&b.path));
    changed.warnings.sort();
    changed.unread.sort();
    if options.strict {
        refuse_warnings(&changed.warnings)?;
    }
    Ok(changed)
}

/// The paths of the services that are `only` to be looked at, sorted; `.` where the repository is itself the one.
///
/// # Errors
/// As for [`changed`].
pub fn chosen(
    repository: &Repository,
    settings: &Settings,
    ends: &Ends,
    only: &Selector,
) -> Result<Vec<BString>> {
    let trees = Trees::of(repository, ends)?;
    let objects = repository.objects();
    let objects = Objects::new(&objects);
    match RepositoryKind::of(objects, settings, &trees)? {
        RepositoryKind::Fleet => {
            let selection = only.in_trees(objects, trees.base, trees.head)?;
            Ok(selection.unwrap_or_default().iter().cloned().collect())
        }
        RepositoryKind::Service => {
            only.check_own(service::own_name(repository).as_ref())?;
            Ok(vec![".".into()])
        }
    }
}

/// Refuses a word of `only` that means submodules of which `changed` says, or the configuration, that none is a service.
///
/// # Errors
/// Misuse: there is such a word. And as for [`changed`].
pub fn refuse_plain(
    repository: &Repository,
    settings: &Settings,
    only: &Selector,
    changed: &Changed,
) -> Result<()> {
    let trees = Trees::of_commits(repository, changed.base.commit, changed.head.commit)?;
    let objects = repository.objects();
    let objects = Objects::new(&objects);
    if !only.is_named()
        || matches!(
            RepositoryKind::of(objects, settings, &trees)?,
            RepositoryKind::Service
        )
    {
        return Ok(());
    }
    for word in only.words_in_trees(objects, trees.base, trees.head)? {
        plain::refuse(settings, &word, changed)?;
    }
    Ok(())
}

/// Whether HEAD is a fleet, and not one service.
///
/// # Errors
/// It is neither.
pub fn is_fleet(repository: &Repository, settings: &Settings) -> Result<bool> {
    let objects = repository.objects();
    let trees = Trees {
        base: None,
        head: Some(repository.tree_of(repository.resolve("HEAD")?)?),
    };
    let kind = RepositoryKind::of(Objects::new(&objects), settings, &trees)?;
    Ok(matches!(kind, RepositoryKind::Fleet))
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
