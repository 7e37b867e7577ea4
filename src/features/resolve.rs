//! `flota resolve`: pins that a merge or rebase of the fleet left in conflict. Where one side's commit contains the other's it
//! is the pin; git sees that only where the submodule is checked out and holds both.

use std::num::NonZeroUsize;

use bstr::{BStr, ByteSlice};
use gix::{ObjectId, state::InProgress};

use crate::{
    fleet::{lock::FleetLock, select::Selector},
    git::{
        history,
        index::{self, Conflicted},
        network::reachability,
        repository::Repository,
        submodule::Store,
        url,
    },
    interrupt,
    model::{
        change::Direction,
        error::{Error, Result},
        resolve::{Conflict, Verdict},
    },
    parallel,
};

/// How many commits of each side are shown.
const SHOWN: usize = 10;

/// Looks at the conflicts among the selected services, or at all of them; sorted by path. Nothing is changed but flota's own store of
/// commits, into which history that is not here is fetched.
///
/// # Errors
/// The fleet's index cannot be read, a name is not one of its services, or flota is interrupted.
pub(crate) fn plan(
    fleet: &Repository,
    selector: &Selector,
    jobs: NonZeroUsize,
) -> Result<Vec<Conflict>> {
    let conflicted = selector.among(index::of_index(fleet)?)?.conflicted;
    let found = parallel::map(jobs, &conflicted, |one| Conflict {
        path: one.path.clone(),
        base: one.base,
        ours: one.ours,
        theirs: one.theirs,
        verdict: judge(fleet, one).unwrap_or_else(Verdict::Open),
    })?;
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while comparing histories")),
        None => Ok(found),
    }
}

/// Stages what is settled in the fleet's index, in one go.
///
/// # Errors
/// Work: git cannot write the index; then none is staged. Unavailable: another run is in progress.
pub(crate) fn stage(fleet: &Repository, conflicts: &[Conflict]) -> Result<()> {
    let _lock = FleetLock::take(fleet)?;
    let settled = conflicts
        .iter()
        .filter_map(|conflict| Some((conflict.path.as_ref(), conflict.pin()?)));
    index::stage(fleet, settled)
}

/// The command that goes on with what the conflicts interrupted.
///
/// # Errors
/// The fleet's repository cannot be opened.
pub(crate) fn next_step(fleet: &Repository) -> Result<&'static str> {
    Ok(match fleet.to_local()?.state() {
        Some(InProgress::Rebase | InProgress::RebaseInteractive) => "git rebase --continue",
        Some(InProgress::CherryPick | InProgress::CherryPickSequence) => {
            "git cherry-pick --continue"
        }
        Some(InProgress::Revert | InProgress::RevertSequence) => "git revert --continue",
        _ => "git commit",
    })
}

fn judge(fleet: &Repository, one: &Conflicted) -> Result<Verdict> {
    let (Some(ours), Some(theirs)) = (one.ours, one.theirs) else {
        return Err(one_sided(one));
    };
    let listed = one.listed.as_ref();
    let name = listed.map(|listed| listed.name.as_ref());
    let own = Store::open(fleet, name, one.path.as_ref())?;
    let seen = own.as_ref().map_or(Direction::Unknown, |store| {
        history::direction(store.objects(), ours, theirs, || store.is_shallow())
    });
    if seen != Direction::Unknown {
        return verdict(one, seen, own.as_ref(), [ours, theirs]);
    }
    let url = listed.and_then(|listed| Some(listed.url.as_ref()?.as_ref()));
    let source = url::source_at(fleet, one.path.as_ref(), name, url)?;
    let fetched = reachability::histories(fleet, &source, &[ours, theirs])?;
    let is_cut = fetched.is_shallow();
    // A commit that was never pushed is in the submodule alone.
    let store = match own {
        Some(own) => own.above(fetched),
        None => fetched,
    };
    let seen = history::direction(store.objects(), ours, theirs, || is_cut);
    verdict(one, seen, Some(&store), [ours, theirs])
}

fn verdict(
    one: &Conflicted,
    seen: Direction,
    store: Option<&Store>,
    [ours, theirs]: [ObjectId; 2],
) -> Result<Verdict> {
    let path = one.path.as_bstr();
    match (seen, store) {
        (Direction::Forward, _) => Ok(Verdict::Settled(theirs)),
        (Direction::Rollback, _) => Ok(Verdict::Settled(ours)),
        (Direction::Diverged, Some(store)) => {
            let objects = store.objects();
            Ok(Verdict::Diverged {
                ours: history::between(objects, theirs, ours, SHOWN)?,
                theirs: history::between(objects, ours, theirs, SHOWN)?,
                error: diverged(path, store, ours, theirs),
            })
        }
        _ => Err(lacking(store, ours, theirs)),
    }
}

fn diverged(path: &BStr, store: &Store, ours: ObjectId, theirs: ObjectId) -> Error {
    let both = format!("{ours}...{theirs}");
    let git_dir = format!("--git-dir={}", store.git_dir().display());
    let compare = ["git", &git_dir, "log", "--oneline", "--left-right", &both];
    let bump = ["flota", "bump", &path.to_str_lossy()];
    Error::repository("both sides have commits of their own, and flota does not choose")
        .hint(format!("compare them: {}", line(&compare)))
        .hint(format!(
            "merge them in the service, push, and pin that: {}",
            line(&bump)
        ))
        .hint(format!("take ours: {}", choose(path, ours)))
        .hint(format!("take theirs: {}", choose(path, theirs)))
}

/// The submodule is gone on one side, or files took its place.
fn one_sided(one: &Conflicted) -> Error {
    let without = if one.ours.is_none() { "ours" } else { "theirs" };
    let path = one.path.to_str_lossy();
    let error = Error::repository(format!(
        "{without} has no submodule there, but the other side has one"
    ));
    let error = match one.ours.or(one.theirs) {
        Some(pin) => error.hint(format!("keep it: {}", choose(one.path.as_ref(), pin))),
        None => error,
    };
    error.hint(format!(
        "remove it: {}",
        line(&["git", "rm", "--cached", "--", &path])
    ))
}

fn lacking(store: Option<&Store>, ours: ObjectId, theirs: ObjectId) -> Error {
    let is_here = |id| store.is_some_and(|store| matches!(store.tree_of(id), Ok(Some(_))));
    match [ours, theirs].into_iter().find(|id| !is_here(*id)) {
        Some(id) => Error::repository(format!(
            "its commit {id} is neither in this clone nor on its server"
        ))
        .hint("push it from the clone that has it"),
        None => Error::repository("its history is shallow, here and on its server")
            .hint("fetch the full history in the clone that has it: git fetch --unshallow"),
    }
}

/// The command that settles a pin by hand.
fn choose(path: &BStr, pin: ObjectId) -> String {
    let entry = format!("160000,{pin},{}", path.to_str_lossy());
    line(&["git", "update-index", "--cacheinfo", &entry])
}

fn line(words: &[&str]) -> String {
    shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" "))
}
