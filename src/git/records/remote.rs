//! flota's refs at the remote: asked for, fetched, and moved by compare-and-swap.

use std::{fmt, time::Duration};

use bstr::BString;
use gix::ObjectId;

use super::{local, shared_ref::SharedRef};
use crate::{
    git::{
        network::{
            ServerFault, ls_remote,
            push::{self, PushFault, RefMove},
            revision,
            shallow::RemoteAccess,
        },
        remote,
        repository::Repository,
    },
    interrupt,
    model::error::{Error, Result},
};

/// How often to look whether somebody else's push was the reason why one's own was refused.
const LOOKS: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// How often a ref may go while it is fetched.
const FETCHES: usize = 5;

/// The remote that the runs of a fleet share refs by.
pub struct RecordRemote<'a> {
    fleet: &'a Repository,
    name: BString,
    access: RemoteAccess,
}

/// A ref that is to move.
#[derive(Clone, Debug)]
pub struct RefUpdate<'a> {
    /// Which.
    pub reference: &'a SharedRef,
    /// What the remote must have until then; none where there must be no such ref.
    pub expected: Option<ObjectId>,
    /// What it is to have then; none removes the ref.
    pub new: Option<ObjectId>,
}

/// What came of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// All refs moved.
    Taken,
    /// One of them had moved already.
    Lost {
        /// How many have moved nevertheless, the first ones: none if the server can move several refs in one step.
        moved: usize,
        /// What somebody else wrote.
        winner: Winner,
    },
}

/// What somebody else wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Winner {
    /// The ref, at the remote or here.
    pub reference: String,
    /// What it has now; none if it is gone.
    pub commit: Option<ObjectId>,
}

impl fmt::Display for Winner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.commit {
            Some(commit) => write!(f, "{} is at {commit} now", self.reference),
            None => write!(f, "{} is gone", self.reference),
        }
    }
}

impl<'a> RecordRemote<'a> {
    /// The fleet's own remote; none when it has none.
    ///
    /// # Errors
    /// Repository: the configuration cannot be read.
    pub fn of(fleet: &'a Repository, access: RemoteAccess) -> Result<Option<Self>> {
        let repo = fleet.to_local()?;
        let name = remote::name(&repo);
        let found = remote::url(&repo, name.as_ref()).map(|_| name);
        Ok(found.map(|name| Self {
            fleet,
            name,
            access,
        }))
    }

    /// What the remote has under each of `refs`, in their order: one question for all.
    ///
    /// # Errors
    /// Unavailable: it does not answer.
    pub fn ask(&self, refs: &[&SharedRef]) -> Result<Vec<Option<ObjectId>>> {
        let names: Vec<_> = refs.iter().map(|it| it.there()).collect();
        ls_remote::commits_of(
            self.fleet,
            self.name.as_ref(),
            &names,
            self.access.patience,
            || {
                Error::unavailable(format!(
                    "cannot ask `{}` for {}",
                    self.name,
                    names.join(", ")
                ))
                .hint("use what is in this clone: --offline")
            },
        )
    }

    /// Takes over what the remote has under each of `refs`, in their order; what this clone has of them then. One that the remote does
    /// not have stays as it is here, and is none in the answer.
    ///
    /// # Errors
    /// Unavailable: the remote does not answer.
    pub fn fetch(&self, refs: &[&SharedRef]) -> Result<Vec<Option<ObjectId>>> {
        for _ in 0..FETCHES {
            let there = self.ask(refs)?;
            let is_news = |(reference, id): &(&&SharedRef, &Option<ObjectId>)| {
                id.is_some() && local::held(self.fleet, reference) != **id
            };
            let news: Vec<_> = refs.iter().zip(&there).filter(is_news).collect();
            let news: Vec<_> = news.into_iter().map(|(reference, _)| *reference).collect();
            if news.is_empty() {
                return Ok(there);
            }
            match self.fetch_all(&news)? {
                Ok(()) => {
                    let here = refs.iter().zip(there);
                    let here = here.map(|(reference, there)| {
                        there.and_then(|_| local::held(self.fleet, reference))
                    });
                    return Ok(here.collect());
                }
                // It went since it was asked for.
                Err(ServerFault::NotThere(_)) => {}
                // Another run in this clone fetched it at the same time, and git stops at its lock.
                Err(_) if self.are_here(&news, refs, &there) => {}
                Err(fault) => return Err(self.cannot_fetch(&news, fault)),
            }
        }
        Err(self.cannot_fetch(refs, ServerFault::NotThere("it comes and goes".to_owned())))
    }

    /// Whether this clone has what `there` says of `news`, which are among `refs`.
    fn are_here(
        &self,
        news: &[&SharedRef],
        refs: &[&SharedRef],
        there: &[Option<ObjectId>],
    ) -> bool {
        let is_new = |reference: &&SharedRef| news.contains(reference);
        let mut known = refs.iter().zip(there).filter(|(it, _)| is_new(it));
        known.all(|(reference, id)| local::held(self.fleet, reference) == *id)
    }

    fn fetch_all(&self, refs: &[&SharedRef]) -> Result<std::result::Result<(), ServerFault>> {
        let specs = refs.iter().map(|it| (it.there(), it.here()));
        revision::references(self.fleet, self.name.as_ref(), specs, self.access)
    }

    fn cannot_fetch(&self, refs: &[&SharedRef], fault: ServerFault) -> Error {
        let (names, remote) = (names(refs.iter().copied()), &self.name);
        fault.explain(
            Error::unavailable(format!("cannot fetch {names} from `{remote}`")).hint(format!(
                "see whether you can reach it: git ls-remote {remote}"
            )),
        )
    }

    /// Moves all of `updates`, if the remote has what each of them expects. A server that cannot move several refs in one step
    /// (git-push(1), `--atomic`) gets them one after the other, in their order.
    ///
    /// # Errors
    /// Unavailable: the remote does not accept it, although nobody else has written.
    pub fn push(&self, updates: &[RefUpdate<'_>]) -> Result<Pushed> {
        match self.push_together(updates)? {
            Some(pushed) => Ok(pushed),
            None => {
                for (moved, update) in updates.iter().enumerate() {
                    let one = self.push_together(std::slice::from_ref(update))?;
                    if let Some(Pushed::Lost { winner, .. }) = one {
                        return Ok(Pushed::Lost { moved, winner });
                    }
                }
                Ok(Pushed::Taken)
            }
        }
    }

    /// In one step; none where the server cannot do that.
    fn push_together(&self, updates: &[RefUpdate<'_>]) -> Result<Option<Pushed>> {
        let moves: Vec<_> = updates.iter().map(RefUpdate::as_move).collect();
        let fault = match push::replace(self.fleet, self.name.as_ref(), &moves, self.access)? {
            Ok(()) => return Ok(Some(Pushed::Taken)),
            Err(PushFault::NotAtomic) => return Ok(None),
            Err(PushFault::Server(fault)) => fault,
        };
        let refs: Vec<_> = updates.iter().map(|it| it.reference).collect();
        // Whatever git or the server said of it: that a ref moved meanwhile tells. Whoever holds its lock is about to.
        for _ in 0..LOOKS {
            let there = self.ask(&refs)?;
            // The answer got lost on the way.
            if updates.iter().zip(&there).all(|(it, id)| it.new == *id) {
                return Ok(Some(Pushed::Taken));
            }
            let mut lost = updates.iter().zip(&there);
            if let Some((update, id)) = lost.find(|(it, id)| it.expected != **id) {
                let winner = Winner {
                    reference: update.reference.there().to_owned(),
                    commit: *id,
                };
                return Ok(Some(Pushed::Lost { moved: 0, winner }));
            }
            interrupt::pause(BETWEEN_LOOKS);
        }
        let (names, remote) = (names(refs.into_iter()), &self.name);
        Err(fault.raise(
            Error::unavailable(format!("cannot push {names} to `{remote}`")).hint(
                "the job needs permission to write to the repository; in GitHub Actions: permissions: contents: write",
            ),
        ))
    }
}

impl RefUpdate<'_> {
    fn as_move(&self) -> RefMove<'_> {
        RefMove {
            reference: self.reference.there(),
            expected: self.expected,
            new: self.new,
        }
    }
}

/// The names of refs at the remote, for a sentence.
fn names<'r>(refs: impl Iterator<Item = &'r SharedRef>) -> String {
    refs.map(SharedRef::there).collect::<Vec<_>>().join(", ")
}
