//! `flota resolve`: pins that a merge or rebase of the fleet left in conflict. Where both sides went on from the pin that they began
//! with, and one side's commit contains the other's, it is the pin; git sees that only where the submodule is checked out and holds
//! both. Where a side went back, its commit is the older one, and is meant all the same.

use std::num::NonZeroUsize;

use bstr::{BStr, ByteSlice};
use gix::ObjectId;

use crate::{
    fleet::{lock::FleetLock, select::Selector},
    git::{
        history,
        index::{self, Conflicted},
        network::reachability,
        operation,
        repository::Repository,
        submodule::Store,
        url,
    },
    interrupt,
    model::{
        change::Direction,
        error::{Error, Result},
        resolve::{Conflict, Verdict},
        status::Operation,
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
pub(crate) fn next_step(fleet: &Repository) -> &'static str {
    match operation::under_way(fleet.git_dir()) {
        Some(Operation::Rebase) => "git rebase --continue",
        Some(Operation::Am) => "git am --continue",
        Some(Operation::CherryPick) => "git cherry-pick --continue",
        Some(Operation::Revert) => "git revert --continue",
        Some(Operation::Merge | Operation::Bisect) | None => "git commit",
    }
}

fn judge(fleet: &Repository, one: &Conflicted) -> Result<Verdict> {
    let (Some(ours), Some(theirs)) = (one.ours, one.theirs) else {
        return Err(one_sided(one));
    };
    let listed = one.listed.as_ref();
    let name = listed.map(|listed| listed.name.as_ref());
    let own = Store::open(fleet, name, one.path.as_ref())?;
    let seen = own.as_ref().map_or(Seen::UNKNOWN, |store| {
        Seen::of(store, one.base, [ours, theirs], || store.is_shallow())
    });
    if seen.is_certain() {
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
    let seen = Seen::of(&store, one.base, [ours, theirs], || is_cut);
    verdict(one, seen, Some(&store), [ours, theirs])
}

/// How the three commits of a conflict stand to each other.
#[derive(Clone, Copy)]
struct Seen {
    /// From ours to theirs.
    direction: Direction,
    /// Whether both sides went on from where they began; none when nobody can tell.
    went_on: Option<bool>,
}

impl Seen {
    const UNKNOWN: Self = Self {
        direction: Direction::Unknown,
        went_on: None,
    };

    fn of(
        store: &Store,
        base: Option<ObjectId>,
        [ours, theirs]: [ObjectId; 2],
        is_cut: impl Fn() -> bool,
    ) -> Self {
        let objects = store.objects();
        let direction = history::direction(objects, ours, theirs, &is_cut);
        // What the older of two contains, the newer one contains too.
        let older = match direction {
            Direction::Rollback => theirs,
            _ => ours,
        };
        let went_on = match base {
            // Both added the service: nothing was there to go back from.
            None => Some(true),
            Some(base) if base == older || history::contains(objects, older, base) => Some(true),
            Some(_) if is_cut() => None,
            Some(_) => Some(false),
        };
        Self { direction, went_on }
    }

    fn is_certain(self) -> bool {
        match self.direction {
            Direction::Unknown => false,
            Direction::Diverged => true,
            _ => self.went_on.is_some(),
        }
    }
}

fn verdict(
    one: &Conflicted,
    seen: Seen,
    store: Option<&Store>,
    [ours, theirs]: [ObjectId; 2],
) -> Result<Verdict> {
    let path = one.path.as_bstr();
    match (seen.direction, store) {
        (Direction::Forward, _) if seen.went_on == Some(true) => Ok(Verdict::Settled(theirs)),
        (Direction::Rollback, _) if seen.went_on == Some(true) => Ok(Verdict::Settled(ours)),
        (Direction::Forward | Direction::Rollback, _) if seen.went_on == Some(false) => {
            Err(went_back(path, ours, theirs))
        }
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

/// The newer commit would undo what one side did on purpose, a rollback for the most part.
fn went_back(path: &BStr, ours: ObjectId, theirs: ObjectId) -> Error {
    Error::repository("one side went back, or its history was rewritten, and flota does not choose")
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
