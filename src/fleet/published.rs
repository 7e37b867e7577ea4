//! Whether everybody who gets the fleet's commits can get their pins too: each is at the URL that `.gitmodules` lists for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    path::Path,
};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::nested_pins;
use crate::{
    git::{
        Objects,
        gitmodules::Gitmodules,
        history,
        network::reachability::{self, Reachability},
        outgoing,
        repository::Repository,
        submodule::{self, Store},
        tree, upstream, url,
    },
    interrupt,
    model::{
        error::{Error, Result},
        exit::Exit,
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
    /// The pin that it takes the place of; none of a service that is new.
    pub before: Option<ObjectId>,
    /// What `.gitmodules` of the same commit says of it.
    pub listed: Option<Submodule>,
}

/// The pins, newest first, that are in commits from `tip` down, and that the remote-tracking branches of `remote` do not have: whoever pushes
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
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
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
            if !mode.is_commit() || !known.insert((one.path.clone(), pin)) {
                continue;
            }
            let modules = match (listed.take(), root) {
                (Some(modules), _) => modules,
                (None, Some(root)) => Gitmodules::of_tree(objects, root)?,
                (None, None) => Gitmodules::default(),
            };
            found.push(NewPin {
                listed: modules.at(one.path.as_ref()).cloned(),
                before: one
                    .old
                    .and_then(|(mode, id)| mode.is_commit().then_some(id)),
                path: one.path,
                pin,
            });
            listed = Some(modules);
        }
    }
    Ok(found)
}

/// Why pins cannot be had from where `.gitmodules` says, by their services; servers are asked.
///
/// # Errors
/// A server cannot be reached, or flota is interrupted.
pub(crate) fn missing(
    fleet: &Repository,
    pins: &[NewPin],
    jobs: NonZeroUsize,
) -> Result<Vec<Error>> {
    let mut services = BTreeMap::<_, Vec<_>>::new();
    for pin in pins {
        let listed = pin.listed.as_ref().and_then(|listed| listed.url.as_ref());
        services.entry((&pin.path, listed)).or_default().push(pin);
    }
    let services: Vec<_> = services.into_values().collect();
    let asked = parallel::map(jobs, &services, |pins| of_service(fleet, pins))?;
    let asked = asked.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(asked.into_iter().flatten().collect())
}

/// The same of the pins of one service, newest first: what is in the history of one that is there is there too, and nobody is asked.
fn of_service(fleet: &Repository, pins: &[&NewPin]) -> Result<Vec<Error>> {
    let (mut found, mut missing) = (Vec::<ObjectId>::new(), Vec::new());
    let own = match pins {
        [] | [_] => None,
        [first, ..] => {
            let name = first.listed.as_ref().map(|listed| listed.name.as_ref());
            Store::open(fleet, name, first.path.as_ref())?
        }
    };
    for pin in pins {
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted"));
        }
        let is_below =
            |store: &Store, tip: &ObjectId| history::contains(store.objects(), *tip, pin.pin);
        let is_known = |store: &Store| found.iter().any(|tip| is_below(store, tip));
        if !own.as_ref().is_some_and(is_known) {
            match one(fleet, pin)? {
                None => found.push(pin.pin),
                Some(error) => {
                    missing.push(error);
                    continue;
                }
            }
        }
        let listed = pin.listed.as_ref();
        let nested = nested_pins::check_service(fleet, &pin.path, listed, pin.pin, pin.before);
        match nested.map_err(|error| error.within(&pin.path)) {
            Ok(()) => {}
            Err(error) if error.exit() == Exit::Repository => missing.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
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
    let name = pin.listed.as_ref().map(|listed| listed.name.as_ref());
    // Not by its name: the configuration here may name another URL, which others do not know.
    let asked = submodule::git_dir(fleet, name, path.as_ref())
        .and_then(|git_dir| url::listed(fleet, git_dir.as_deref(), url.as_ref()))
        .and_then(|source| reachability::ask(fleet, &source, pin.pin));
    match asked {
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
