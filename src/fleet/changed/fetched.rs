//! Commits that no local repository has: what was fetched of them, and what cannot be fetched.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf};

use bstr::{BStr, BString};
use gix::ObjectId;

use crate::{
    git::{
        network::fetch::{self, Depth, PATIENCE, WantedCommits},
        repository::Repository,
        submodule::Store,
    },
    model::{
        error::{Error, Result},
        event::Events,
    },
};

/// How to get what is not here.
#[derive(Clone, Copy)]
pub(super) struct Fetching<'a> {
    /// Whether to stay off the network.
    pub offline: bool,
    /// How many servers at a time.
    pub jobs: NonZeroUsize,
    /// Where progress goes.
    pub events: Events<'a>,
}

/// What a submodule needs.
pub(super) struct FetchRequest {
    /// Its path from the fleet's root, its URL, its commits.
    pub wanted: WantedCommits,
    /// How much of them.
    pub depth: Depth,
}

/// What came of all requests so far, by the submodule's path from the fleet's root.
#[derive(Default)]
pub(super) struct Fetched(BTreeMap<BString, FetchedSubmodule>);

struct FetchedSubmodule {
    /// The stores with everything that could be had: paths, so that every thread can open them for itself.
    git_dirs: Vec<PathBuf>,
    depth: Depth,
    missing: BTreeMap<ObjectId, Missing>,
}

/// Why a commit cannot be fetched, and what to do about it.
pub(super) struct Missing {
    pub why: String,
    pub hints: Vec<String>,
}

impl Missing {
    /// The cause, without the sentence about submodule and commit that every report makes for itself.
    fn of(error: &Error) -> Self {
        let cause = std::error::Error::source(error);
        Self {
            why: cause.map_or_else(
                || error.to_string(),
                |cause| cause.to_string().trim_end().to_owned(),
            ),
            hints: error.hints().to_vec(),
        }
    }
}

impl Fetched {
    /// What was fetched for the submodule at `path`.
    pub(super) fn open(&self, path: &BStr, hash: gix::hash::Kind) -> Option<Store> {
        let git_dirs = self.0.get(path)?.git_dirs.iter();
        let stores = git_dirs.filter_map(|git_dir| Store::borrowed(git_dir.clone(), hash));
        stores.reduce(Store::above)
    }

    /// How much was fetched for it; none when nothing was.
    pub(super) fn depth(&self, path: &BStr) -> Option<Depth> {
        self.0.get(path).map(|one| one.depth)
    }

    /// Why `commit` of the submodule at `path` cannot be fetched; none when nobody tried.
    pub(super) fn missing(&self, path: &BStr, commit: ObjectId) -> Option<&Missing> {
        self.0.get(path)?.missing.get(&commit)
    }

    /// Gets what is asked for. What cannot be fetched is remembered with the reason; that is no error.
    pub(super) fn get(
        &mut self,
        repository: &Repository,
        requests: Vec<FetchRequest>,
        how: Fetching<'_>,
    ) -> Result<()> {
        let (shallow, deep): (Vec<_>, Vec<_>) = requests
            .into_iter()
            .partition(|request| request.depth == Depth::Trees);
        for (depth, requests) in [(Depth::Trees, shallow), (Depth::AllTrees, deep)] {
            if requests.is_empty() {
                continue;
            }
            let wanted: Vec<_> = requests.into_iter().map(|request| request.wanted).collect();
            let options = fetch::FetchOptions {
                depth,
                jobs: how.jobs,
                offline: how.offline,
                patience: PATIENCE,
                events: how.events,
            };
            let found = fetch::fetch(repository, &wanted, options)?;
            for (wanted, fetched) in wanted.into_iter().zip(found) {
                let missing = fetched
                    .missing
                    .into_iter()
                    .map(|one| (one.commit, Missing::of(&one.error)));
                let one = FetchedSubmodule {
                    git_dirs: fetched.store.as_ref().map(git_dirs).unwrap_or_default(),
                    depth,
                    missing: missing.collect(),
                };
                self.0.insert(wanted.path, one);
            }
        }
        Ok(())
    }
}

fn git_dirs(store: &Store) -> Vec<PathBuf> {
    store.git_dirs().map(ToOwned::to_owned).collect()
}
