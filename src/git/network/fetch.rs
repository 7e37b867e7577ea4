//! Commits of submodules that are not here: their trees are fetched, without a clone.
//!
//! A repository on this machine is read where it is, and nothing of it is copied ([`local`]). What comes from a server, by
//! `git fetch` ([`server`]), goes into scratch stores in the fleet's git directory ([`scratch`]), one for each URL. The
//! submodules' own worktrees and git directories are neither read nor written.
//!
//! What a server allows is found out by asking: the commits by their ids with a filter; without one where it has none;
//! its branches where it gives out nothing else. A commit that it does not have is final. No other commit is used in its place.

use std::{num::NonZeroUsize, time::Duration};

use bstr::ByteSlice;
use gix::ObjectId;
use log::info;
use rayon::prelude::*;

use super::{configuration::Configuration, fault::ServerFault};
use crate::{
    git::{
        repository::Repository,
        submodule::Store,
        url::{self, Source},
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::{Event, Events},
    },
    parallel,
    process::masked,
};

mod depth;
mod elsewhere;
mod lacking;
mod local;
mod scratch;
mod server;
mod wanted;

pub use super::command::PATIENCE;
pub use depth::Depth;
use elsewhere::SecondTries;
use lacking::Lack;
use scratch::Locked;
use scratch::Scratch;
use server::Server;
pub use wanted::{Fetched, Missing, WantedCommits};

/// Objects hang on each other twice: `.gitmodules` is known once its commit is here. The third round is for a store that
/// turns out to be damaged.
const ROUNDS: usize = 3;

/// How to fetch.
#[derive(Clone, Copy)]
pub struct FetchOptions<'a> {
    /// How much of each commit.
    pub depth: Depth,
    /// How many servers to ask at a time.
    pub jobs: NonZeroUsize,
    /// Whether to stay off the network: what is neither on this machine nor in a scratch store is missing.
    pub offline: bool,
    /// How long a server may be silent: [`PATIENCE`].
    pub patience: Duration,
    /// Where progress goes.
    pub events: Events<'a>,
}

/// Makes commits readable, and says of each submodule, in the order of `wanted`, what came of it.
///
/// What an earlier run fetched is not fetched again. One server that cannot be reached costs its own submodules only.
///
/// # Errors
/// When flota is interrupted, or threads cannot be started.
pub fn fetch(
    fleet: &Repository,
    wanted: &[WantedCommits],
    options: FetchOptions<'_>,
) -> Result<Vec<Fetched>> {
    let configuration = Configuration::of_fleet(&fleet.to_local()?);
    let threads = parallel::pool(options.jobs)?;
    let run = |wanted: &[WantedCommits]| -> Vec<Fetched> {
        let errands: Vec<_> = threads.install(|| {
            let errand = |wanted| Errand::of(fleet, wanted, &configuration, options);
            wanted.par_iter().map(errand).collect()
        });
        let open = errands.iter().filter(|errand| errand.is_open()).count();
        if open > 0 {
            (options.events)(Event::Fetching { repositories: open });
        }
        threads.install(|| errands.into_par_iter().map(Errand::run).collect())
    };
    let mut fetched = run(wanted);
    let second = SecondTries::of(fleet, wanted, &fetched);
    if !second.wanted.is_empty() && interrupt::pending().is_none() {
        second.join(run(&second.wanted), &mut fetched);
    }
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while fetching")),
        None => Ok(fetched),
    }
}

/// What one submodule needs.
struct Errand<'a> {
    wanted: &'a WantedCommits,
    configuration: &'a Configuration,
    options: FetchOptions<'a>,
    state: ErrandState,
}

enum ErrandState {
    /// There is nowhere to fetch from.
    Refused(Error),
    /// Everything is on this machine.
    Here(Box<Store>),
    /// Something is to be fetched.
    Open(Source, Scratch),
}

impl ErrandState {
    fn of(fleet: &Repository, wanted: &WantedCommits, depth: Depth) -> Self {
        let name = wanted.name.as_ref().map(AsRef::as_ref);
        let url = wanted.url.as_ref().map(AsRef::as_ref);
        let source = match url::source_at(fleet, wanted.path.as_ref(), name, url) {
            Ok(source) => source,
            Err(err) => return Self::Refused(err),
        };
        let (commits, objects) = (&wanted.commits, &wanted.objects);
        let in_place = source
            .local
            .as_ref()
            .and_then(|folder| local::open(folder, commits, objects, depth, fleet.object_hash()));
        if let Some(store) = in_place {
            return Self::Here(Box::new(store));
        }
        let scratch = Scratch::of(fleet, &source, depth);
        let lacking = scratch.lacking(commits, objects);
        let is_here = lacking.is_some_and(|lacking| lacking.is_empty());
        match scratch.open().filter(|_| is_here) {
            Some(store) => Self::Here(Box::new(store)),
            None => Self::Open(source, scratch),
        }
    }
}

impl<'a> Errand<'a> {
    fn of(
        fleet: &Repository,
        wanted: &'a WantedCommits,
        configuration: &'a Configuration,
        options: FetchOptions<'a>,
    ) -> Self {
        Self {
            wanted,
            configuration,
            options,
            state: ErrandState::of(fleet, wanted, options.depth),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, ErrandState::Open(..)) && !self.options.offline
    }

    fn run(self) -> Fetched {
        let commits = &self.wanted.commits;
        match self.state {
            ErrandState::Here(store) => Fetched {
                store: Some(*store),
                missing: Vec::new(),
            },
            ErrandState::Refused(why) => {
                let missing = |commit| Missing {
                    error: why.hints().iter().fold(
                        self.wanted.error(commit, None).because(why.to_string()),
                        |error, hint| error.hint(hint),
                    ),
                    commit,
                };
                Fetched {
                    store: None,
                    missing: commits.iter().copied().map(missing).collect(),
                }
            }
            ErrandState::Open(ref source, ref scratch) => {
                let faults = if self.options.offline {
                    offline(scratch, self.wanted)
                } else {
                    let filled = self.fill(source, scratch);
                    (self.options.events)(Event::Fetched);
                    filled.unwrap_or_else(|err| {
                        let failed = |commit: &ObjectId| (*commit, ServerFault::failed(&err));
                        commits.iter().map(failed).collect()
                    })
                };
                self.settle(source, scratch, faults)
            }
        }
    }

    /// Fetches until nothing lacks; what cannot be fetched is returned, by its commit.
    fn fill(&self, source: &Source, scratch: &Scratch) -> Result<Vec<(ObjectId, ServerFault)>> {
        let locked = scratch.lock()?;
        let mut commits = self.wanted.commits.clone();
        let mut faults = Vec::new();
        for _ in 0..ROUNDS {
            let lacking = locked.prepare(&commits, &self.wanted.objects)?;
            if lacking.is_empty() {
                return Ok(faults);
            }
            let objects: Vec<_> = lacking.iter().map(|lack| lack.object).collect();
            for (object, fault) in self.bring(source, &locked, &objects) {
                for Lack { commit, .. } in lacking.iter().filter(|lack| lack.object == object) {
                    commits.retain(|other| other != commit);
                    faults.push((*commit, fault.clone()));
                }
            }
        }
        let incomplete = || {
            ServerFault::NotThere(
                "the object with this id on the server is not a complete commit".to_owned(),
            )
        };
        for Lack { commit, .. } in locked.prepare(&commits, &self.wanted.objects)? {
            faults.push((commit, incomplete()));
        }
        Ok(faults)
    }

    /// Fetches objects all at once, or one by one where the server lacks one of them; returns those that fail.
    fn bring(
        &self,
        source: &Source,
        scratch: &Locked<'_>,
        objects: &[ObjectId],
    ) -> Vec<(ObjectId, ServerFault)> {
        match (self.ask(source, scratch, objects), objects) {
            (Ok(()), _) => Vec::new(),
            (Err(ServerFault::Unadvertised(_)), [only]) => {
                let is_found = || scratch.has(*only);
                match self.server(source).search(scratch, is_found) {
                    Ok(()) => Vec::new(),
                    Err(fault) => vec![(*only, fault)],
                }
            }
            (Err(fault), _) if fault.is_of_the_server() => {
                objects.iter().map(|id| (*id, fault.clone())).collect()
            }
            (Err(fault), [only]) => vec![(*only, fault)],
            (Err(_), several) => several
                .iter()
                .flat_map(|id| self.bring(source, scratch, &[*id]))
                .collect(),
        }
    }

    fn ask(
        &self,
        source: &Source,
        scratch: &Locked<'_>,
        objects: &[ObjectId],
    ) -> Result<(), ServerFault> {
        if let Some(folder) = &source.local {
            let FetchOptions {
                depth, patience, ..
            } = self.options;
            match local::fetch(scratch, folder, objects, depth, patience) {
                // An old git, a bundle, a repository of somebody else's: git has the last word.
                Err(fault) if fault.is_of_the_server() && interrupt::pending().is_none() => {
                    let said = masked(fault.said().as_bytes());
                    info!(
                        "{}: git fetches from it, since {}",
                        source.shown,
                        said.as_bstr()
                    );
                }
                answered => return answered,
            }
        }
        self.server(source).fetch(scratch, objects)
    }

    fn server<'s>(&'s self, source: &'s Source) -> Server<'s> {
        Server {
            source,
            depth: self.options.depth,
            configuration: self.configuration,
            patience: self.options.patience,
        }
    }

    fn settle(
        &self,
        source: &Source,
        scratch: &Scratch,
        faults: Vec<(ObjectId, ServerFault)>,
    ) -> Fetched {
        let store = scratch
            .open()
            .filter(|_| faults.len() < self.wanted.commits.len());
        let missing = faults.into_iter().map(|(commit, fault)| Missing {
            error: self.explain(fault, commit, source),
            commit,
        });
        Fetched {
            store,
            missing: missing.collect(),
        }
    }

    fn explain(&self, fault: ServerFault, commit: ObjectId, source: &Source) -> Error {
        let error = self.wanted.error(commit, Some(source));
        match &fault {
            ServerFault::Offline => error
                .because("it is not in this clone, and flota must stay offline")
                .hint("leave out --offline, and flota fetches it"),
            ServerFault::NotThere(_) | ServerFault::Unadvertised(_) => {
                let push = format!(
                    "push it from the clone that has it: git push origin {commit}:refs/heads/BRANCH"
                );
                let error = error.because(fault.said()).hint(push);
                match self.wanted.in_fleet() {
                    Some(path) => error.hint(format!(
                        "or pin what the server has: flota update --remote {path}"
                    )),
                    None => error,
                }
            }
            ServerFault::Failed(_) | ServerFault::Stopped(_) => error.because(fault.said()).hint(
                format!("see whether it answers: git ls-remote {}", source.shown),
            ),
        }
    }
}

fn offline(scratch: &Scratch, wanted: &WantedCommits) -> Vec<(ObjectId, ServerFault)> {
    let commits = &wanted.commits;
    let lacking = match scratch.lacking(commits, &wanted.objects) {
        Some(lacking) => lacking.into_iter().map(|lack| lack.commit).collect(),
        None => commits.to_vec(),
    };
    lacking
        .into_iter()
        .map(|commit| (commit, ServerFault::Offline))
        .collect()
}
