//! Whether everybody who gets the fleet's commits can get their pins too: each is at the URL that `.gitmodules` lists for it.

use std::{collections::BTreeMap, num::NonZeroUsize, path::Path};

use bstr::{BStr, BString};
use gix::ObjectId;

use crate::{
    git::{
        Objects,
        gitmodules::Gitmodules,
        network::reachability::{self, Reachability},
        outgoing,
        repository::Repository,
        tree, upstream, url,
    },
    interrupt,
    model::{
        error::{Error, Result},
        fleet::{Submodule, without_credentials},
    },
    parallel,
};

/// A pin that commits of the fleet bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewPin {
    /// Where the service sits.
    pub path: BString,
    /// The commit.
    pub pin: ObjectId,
    /// What `.gitmodules` of the same commit says of it.
    pub listed: Option<Submodule>,
}

/// The pins that are in commits from `tip` down, and that the remote-tracking branches of `remote` do not have: whoever pushes
/// `tip` publishes them.
///
/// # Errors
/// Repository: a commit cannot be read.
pub(crate) fn new_pins(fleet: &Repository, tip: ObjectId, remote: &BString) -> Result<Vec<NewPin>> {
    let repo = fleet.to_local()?;
    let unreadable =
        |err: gix::Error| Error::repository("cannot walk the fleet's history").because(err);
    let mut known = upstream::tracking_tips(&repo, Some(remote.as_ref())).map_err(unreadable)?;
    let cut = repo.shallow_commits().map_err(unreadable)?;
    known.extend(cut.iter().flat_map(|cut| cut.iter()));
    let objects = Objects::new(&repo.objects);
    let walk = repo
        .rev_walk([tip])
        .with_hidden(known)
        .all()
        .map_err(unreadable)?;
    let mut found = BTreeMap::new();
    for info in walk {
        let info =
            info.map_err(|err| Error::repository("cannot walk the fleet's history").because(err))?;
        let root = objects.tree_of(info.id)?;
        let parents = info.parent_ids().map(|parent| parent.detach());
        let mut differences = Vec::new();
        let mut is_first = true;
        for parent in parents {
            let against = tree::diff(objects, objects.tree_of(parent)?, root)?;
            match is_first {
                true => differences = against,
                // A merge brings what none of its parents had.
                false => differences.retain(|one| against.iter().any(|it| it.path == one.path)),
            }
            is_first = false;
        }
        if is_first {
            differences = tree::diff(objects, None, root)?;
        }
        let mut listed = None;
        for one in differences {
            let Some((mode, pin)) = one.new else { continue };
            if !mode.is_commit() || found.contains_key(&(one.path.clone(), pin)) {
                continue;
            }
            let modules = match (listed.take(), root) {
                (Some(modules), _) => modules,
                (None, Some(root)) => Gitmodules::of_tree(objects, root)?,
                (None, None) => Gitmodules::default(),
            };
            let section = modules.at(one.path.as_ref()).cloned();
            listed = Some(modules);
            found.insert((one.path, pin), section);
        }
    }
    let pins = found.into_iter();
    Ok(pins
        .map(|((path, pin), listed)| NewPin { path, pin, listed })
        .collect())
}

/// Why pins cannot be had from where `.gitmodules` says, in their order; servers are asked.
///
/// # Errors
/// A server cannot be reached, or flota is interrupted.
pub(crate) fn missing(
    fleet: &Repository,
    pins: &[NewPin],
    jobs: NonZeroUsize,
) -> Result<Vec<Error>> {
    let asked = parallel::map(jobs, pins, |pin| match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted")),
        None => one(fleet, pin),
    })?;
    let asked = asked.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(asked.into_iter().flatten().collect())
}

/// Whether `remote` of the service in `dir` is the URL that `.gitmodules` lists.
pub(crate) fn is_listed(fleet: &Repository, pin: &NewPin, dir: &Path, remote: &BStr) -> bool {
    let url = pin.listed.as_ref().and_then(|listed| listed.url.as_ref());
    let listed = url::source(fleet, None, url.map(AsRef::as_ref));
    let pushed = outgoing::push_url(dir, remote);
    matches!((listed, pushed), (Ok(listed), Some(pushed)) if listed.url == pushed)
}

fn one(fleet: &Repository, pin: &NewPin) -> Result<Option<Error>> {
    let (path, short) = (&pin.path, pin.pin.to_hex_with_len(7));
    let url = pin.listed.as_ref().and_then(|listed| listed.url.as_ref());
    let Some(url) = url else {
        return Ok(Some(
            Error::repository(format!(
                "{path}: .gitmodules has no URL for it, so nobody else can fetch its pin {short}"
            ))
            .hint(format!("list it: git submodule add URL {path}")),
        ));
    };
    // Not by its name: the configuration here may name another URL, which others do not know.
    match reachability::ask(fleet, None, Some(url.as_ref()), pin.pin) {
        Ok(Reachability::OnBranch | Reachability::Loose) => Ok(None),
        Ok(Reachability::Absent) => Ok(Some(
            Error::repository(format!(
                "{path}: its pin {short} is not at {}, where .gitmodules says: nobody else can fetch it",
                without_credentials(url.as_ref())
            ))
            .hint(format!("push it there from a branch: flota push {path}"))
            .hint(format!(
                "see where it would go: git -C {path} remote --verbose"
            )),
        )),
        Err(error) => Err(error.within(path)),
    }
}
