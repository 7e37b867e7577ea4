//! The commits inside submodules whose pins differ between two commits of the fleet, wherever their objects are: checked out here, on
//! this machine, or fetched into stores of flota's own.

use std::num::NonZeroUsize;

use bstr::{BStr, BString};
use gix::ObjectId;

use super::{
    changed::{self, ChangedOptions},
    range::Ends,
};
use crate::{
    git::{
        Objects,
        gitmodules::Gitmodules,
        network::{
            fetch::{self, Depth, FetchOptions, PATIENCE, WantedCommits},
            patch::PatchSource,
            reachability,
        },
        repository::Repository,
        submodule::Store,
        tree, url,
    },
    interrupt,
    model::{
        change::{Changed, Unread},
        error::{Error, Result},
        event::Events,
        fleet::{NESTING_LIMIT, Submodule, ancestors},
        log::{Between, MovedService},
        settings::Settings,
    },
    parallel,
};

/// Looks for the services whose pins differ, and has `each` say what is inside of them; what it cannot read is in
/// [`Between::unread`].
///
/// # Errors
/// As for [`changed::changed`]; or flota is interrupted.
pub(crate) fn each_moved<T: Send>(
    fleet: &Repository,
    settings: &Settings,
    ends: Ends,
    options: ChangedOptions<'_>,
    each: impl Fn(&Inside<'_>, &MovedService) -> Result<T> + Sync + Send,
) -> Result<Between<T>> {
    let listings = listings(fleet, [Some(ends.head.commit), ends.base.commit])?;
    let changed = changed::changed(fleet, settings, ends, options)?;
    let inside = Inside {
        fleet,
        listings,
        offline: options.offline,
        events: options.events,
    };
    let moved = changed.services.iter().filter(|one| one.from != one.to);
    let moved: Vec<_> = moved.map(MovedService::from).collect();
    let found = parallel::map(options.jobs, &moved, |service| match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted")),
        None => each(&inside, service),
    })?;
    if let Some(exit) = interrupt::pending() {
        return Err(Error::new(exit, "interrupted while reading commits"));
    }
    let Changed {
        base,
        head,
        exceptions,
        warnings,
        mut unread,
        ..
    } = changed;
    let mut services = Vec::new();
    for (service, found) in moved.into_iter().zip(found) {
        match found {
            Ok(found) => services.push(found),
            Err(error) => unread.push(cannot_read(service, &error)),
        }
    }
    unread.sort();
    Ok(Between {
        base,
        head,
        exceptions,
        services,
        warnings,
        unread,
    })
}

/// What `.gitmodules` says at these commits.
fn listings(
    fleet: &Repository,
    commits: [Option<ObjectId>; 2],
) -> Result<Vec<(ObjectId, Gitmodules)>> {
    let objects = fleet.objects();
    let commits = commits.into_iter().flatten();
    let all = commits.map(|commit| {
        let root = fleet.tree_of(commit)?;
        Ok((root, Gitmodules::of_tree(Objects::new(&objects), root)?))
    });
    all.collect()
}

fn cannot_read(service: MovedService, error: &Error) -> Unread {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let null = ObjectId::null(gix::hash::Kind::Sha1);
    Unread {
        path: service.path,
        pin: service.to.or(service.from).unwrap_or(null),
        url: service.url,
        why: match cause {
            Some(cause) => format!("{error}\n{cause}"),
            None => error.to_string(),
        },
        hints: error.hints().to_vec(),
    }
}

/// Where the submodules of two commits of the fleet are found.
pub(crate) struct Inside<'a> {
    fleet: &'a Repository,
    /// Root trees of the fleet, and their `.gitmodules`, which are asked one after the other.
    listings: Vec<(ObjectId, Gitmodules)>,
    offline: bool,
    events: Events<'a>,
}

/// A submodule's repository.
struct Home {
    /// Its name in the fleet's `.gitmodules`; none for a submodule of a submodule.
    name: Option<BString>,
    /// Its URL, as it is listed; of a nested one, resolved.
    url: Option<BString>,
    /// Its own objects; none where it is not initialised.
    store: Option<Store>,
}

impl Inside<'_> {
    /// The history of both pins of a service: its own, or what its server has.
    ///
    /// # Errors
    /// Repository: it is not here, and cannot be fetched.
    pub(crate) fn history(&self, service: &MovedService) -> Result<Store> {
        let home = self.home(service)?;
        let pins: Vec<_> = [service.from, service.to].into_iter().flatten().collect();
        let is_whole = |store: &Store| {
            let has = |pin: &ObjectId| matches!(store.tree_of(*pin), Ok(Some(_)));
            !store.is_shallow() && pins.iter().all(has)
        };
        let own = match home.store {
            Some(store) if is_whole(&store) => return Ok(store),
            own => own,
        };
        if self.offline {
            return Err(Error::repository(
                "its history is not in this clone, and flota must stay offline",
            )
            .hint("leave out --offline, and flota fetches it"));
        }
        let name = home.name.as_ref().map(AsRef::as_ref);
        let url = home.url.as_ref().map(AsRef::as_ref);
        let source = match (name, url) {
            (Some(_), _) => url::source_at(self.fleet, service.path.as_ref(), name, url)?,
            // It lies in another service.
            (None, Some(url)) => {
                let git_dir = own.as_ref().map(Store::git_dir);
                url::listed(self.fleet, git_dir, url)?
            }
            (None, None) => url::source(self.fleet, None, None)?,
        };
        let fetched = reachability::histories(self.fleet, &source, &pins)?;
        // A commit that was never pushed is in the submodule alone.
        Ok(match own {
            Some(own) => own.above(fetched),
            None => fetched,
        })
    }

    /// Where the files of both pins of a service are.
    ///
    /// # Errors
    /// Repository: they are not here, and cannot be fetched.
    pub(crate) fn files(&self, service: &MovedService) -> Result<PatchSource> {
        let home = self.home(service)?;
        let pins: Vec<_> = [service.from, service.to].into_iter().flatten().collect();
        if let Some(store) = &home.store {
            let has = |pin: &ObjectId| matches!(store.tree_of(*pin), Ok(Some(_)));
            if pins.iter().all(has) {
                return Ok(PatchSource::Own(store.git_dir().to_owned()));
            }
        }
        let store = self.trees(&service.path, &home, pins)?;
        let git_dir = store.git_dir().to_owned();
        let is_flotas = git_dir.starts_with(self.fleet.common_dir());
        Ok(match is_flotas {
            true => PatchSource::Fetched {
                git_dir,
                name: home.name,
                url: home.url,
            },
            false => PatchSource::Borrowed(git_dir),
        })
    }

    fn trees(&self, path: &BString, home: &Home, commits: Vec<ObjectId>) -> Result<Store> {
        let wanted = WantedCommits {
            path: path.clone(),
            name: home.name.clone(),
            url: home.url.clone(),
            commits,
            objects: Vec::new(),
        };
        let options = FetchOptions {
            depth: Depth::AllTrees,
            jobs: NonZeroUsize::MIN,
            offline: self.offline,
            patience: PATIENCE,
            events: self.events,
        };
        let fetched = fetch::fetch(self.fleet, &[wanted], options)?;
        let fetched = fetched.into_iter().next();
        let fetched = fetched.ok_or_else(|| Error::repository("nothing was fetched for it"))?;
        match (fetched.store, fetched.missing.into_iter().next()) {
            (_, Some(missing)) => Err(missing.error),
            (Some(store), None) => Ok(store),
            (None, None) => Err(Error::repository("its commits cannot be found")),
        }
    }

    fn home(&self, service: &MovedService) -> Result<Home> {
        if service.path == "." {
            // It is the repository itself.
            let git_dir = self.fleet.common_dir().to_owned();
            return Ok(Home {
                name: None,
                url: None,
                store: Store::at(git_dir, self.fleet.object_hash()),
            });
        }
        let path = service.path.as_ref();
        for (root, modules) in &self.listings {
            let Some(top) = above(modules, path) else {
                continue;
            };
            let store = Store::open(self.fleet, Some(top.name.as_ref()), top.path.as_ref())?;
            let home = Home {
                name: Some(top.name.clone()),
                url: top.url.clone(),
                store,
            };
            if top.path == path {
                return Ok(home);
            }
            let objects = self.fleet.objects();
            let pin = tree::entry_at(Objects::new(&objects), *root, top.path.as_ref())?;
            if let Some((_, pin)) = pin
                && let Some(nested) = self.nested(home, top.path.clone(), pin, path, 1)?
            {
                return Ok(nested);
            }
        }
        // A gitlink that no section lists may be initialised all the same.
        Ok(Home {
            name: None,
            url: None,
            store: Store::open(self.fleet, None, path)?,
        })
    }

    /// The submodule at `path` that lies in the one at `at`, whose commit is `pin`.
    fn nested(
        &self,
        parent: Home,
        at: BString,
        pin: ObjectId,
        path: &BStr,
        depth: usize,
    ) -> Result<Option<Home>> {
        if depth > NESTING_LIMIT {
            return Err(Error::repository(format!(
                "submodules are nested deeper than {NESTING_LIMIT} levels"
            )));
        }
        let own = parent.store.as_ref();
        let root = own.map(|store| store.tree_of(pin)).transpose()?.flatten();
        let fetched = match root {
            Some(_) => None,
            None => Some(self.trees(&at, &parent, vec![pin])?),
        };
        let Some(store) = fetched.as_ref().or(own) else {
            return Ok(None);
        };
        let Some(root) = store.tree_of(pin)? else {
            return Ok(None);
        };
        let modules = Gitmodules::of_tree(store.objects(), root)?;
        let inside = path[at.len() + 1..].into();
        let Some(listed) = above(&modules, inside) else {
            return Ok(None);
        };
        let name = parent.name.as_ref().map(AsRef::as_ref);
        let above_url = url::source(self.fleet, name, parent.url.as_ref().map(AsRef::as_ref));
        let url = match (above_url, &listed.url) {
            (Ok(above), Some(url)) => url::nested(above.url.as_ref(), url.as_ref()).ok(),
            _ => None,
        };
        let home = Home {
            name: None,
            url,
            store: match own {
                Some(own) => own.nested(listed.name.as_ref())?,
                None => None,
            },
        };
        let here: BString = [&at[..], b"/", &listed.path].concat().into();
        if here == path {
            return Ok(Some(home));
        }
        let pin = tree::entry_at(store.objects(), root, listed.path.as_ref())?;
        match pin {
            Some((_, pin)) => self.nested(home, here, pin, path, depth + 1),
            None => Ok(None),
        }
    }
}

/// The submodule at `path`, or that it lies in.
fn above<'a>(modules: &'a Gitmodules, path: &BStr) -> Option<&'a Submodule> {
    ancestors(path).find_map(|path| modules.at(path))
}
