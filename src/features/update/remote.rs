//! `flota update --remote`: pins follow their branches, and the message of the fleet's commit lists the new commits.

use bstr::BString;
use gix::ObjectId;

use super::commit_message;
use crate::{
    fleet::{
        lock::FleetLock,
        parent::source,
        pins,
        select::Selector,
        sync::{SyncOptions, sync},
        worktree,
    },
    git::{
        history,
        index::{self, Pins},
        network::{
            ls_remote::{Servers, Tip},
            reachability::{self, Reachability},
        },
        repository::Repository,
        submodule::{self, Store},
        url::Source,
        vet::Link,
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::Event,
        sync::{Followed, Move, SyncOutcome, Synced},
    },
    parallel,
};

/// How many commits of each service are listed.
const LISTED: usize = 20;

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Say which pins would move: servers are asked, and nothing is changed.
    Show,
    /// Move the worktrees, and stage the pins.
    Stage,
    /// Commit them too, and nothing else that is staged.
    Commit,
}

/// Moves the pins of the selected services to where their branches are, and their worktrees with them. A service whose worktree
/// cannot go there keeps its pin.
///
/// # Errors
/// Before anything is touched: as [`super::update()`]; and with [`Extent::Commit`] a merge under way, of which git makes no
/// partial commit. Later: git cannot stage or commit; then the worktrees have moved.
pub(crate) fn follow(
    fleet: &Repository,
    selector: &Selector,
    extent: Extent,
    options: SyncOptions<'_>,
) -> Result<Followed> {
    let Pins { links, conflicted } = selector.active_among(fleet, index::of_index(fleet)?)?;
    if extent == Extent::Commit {
        pins::check_idle(fleet)
            .map_err(|error| error.hint("or leave out --commit, and the pins are only staged"))?;
    }
    let lock = FleetLock::take(fleet)?;
    let asked = ask(fleet, &links, options)?;
    let (mut moves, mut reached, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (link, tip) in links.into_iter().zip(asked) {
        match tip {
            Ok(tip) => {
                moves.push(a_move(&link, &tip));
                reached.push(Link {
                    pin: tip.commit,
                    ..link
                });
            }
            Err(error) => failed.push(Synced {
                path: link.path,
                pin: Some(link.pin),
                outcome: SyncOutcome::Failed(error),
            }),
        }
    }
    let mut synced = match extent {
        Extent::Show => Vec::new(),
        Extent::Stage | Extent::Commit => {
            let pins = Pins {
                links: reached,
                conflicted,
            };
            sync(fleet, &lock, pins, options)?
        }
    };
    synced.extend(failed);
    synced.sort_by(|one, other| one.path.cmp(&other.path));
    let stays = |path: &BString| {
        synced
            .iter()
            .any(|one| one.path == *path && one.outcome.error().is_some())
    };
    moves.retain(|one| one.from != one.to && !stays(&one.path));
    for one in &mut moves {
        describe(fleet, one)?;
    }
    if !moves.is_empty() && extent != Extent::Show {
        index::stage(fleet, moves.iter().map(|one| (one.path.as_ref(), one.to)))?;
    }
    let commit = match extent {
        Extent::Commit if !moves.is_empty() => {
            let paths = moves.iter().map(|one| one.path.as_ref());
            Some(pins::commit(fleet, paths, &commit_message::of(&moves))?)
        }
        _ => None,
    };
    Ok(Followed {
        synced,
        moves,
        commit,
    })
}

fn a_move(link: &Link, tip: &Tip) -> Move {
    Move {
        path: link.path.clone(),
        branch: tip.branch.clone(),
        from: link.pin,
        to: tip.commit,
        gained: None,
        lost: None,
    }
}

/// Where each branch is, in the order of `links`.
fn ask(fleet: &Repository, links: &[Link], options: SyncOptions<'_>) -> Result<Vec<Result<Tip>>> {
    let servers = Servers::new(fleet, options.access.patience)?;
    (options.access.events)(Event::Fetching {
        repositories: links.len(),
    });
    let asked = parallel::map(options.access.children, links, |link| {
        let tip = source(fleet, link).and_then(|source| {
            let branch = branch(fleet, link)?;
            let tip = servers.tip(&source, branch.as_ref().map(AsRef::as_ref))?;
            check_listed(fleet, link, &source, &tip)?;
            Ok(tip)
        });
        (options.access.events)(Event::Fetched);
        tip
    })?;
    match interrupt::pending() {
        Some(exit) => Err(Error::new(exit, "interrupted while asking servers")),
        None => Ok(asked),
    }
}

/// A pin is for whoever clones the fleet, and finds the service where `.gitmodules` says: a tip from another place that the user has
/// configured is none unless it is there, too.
fn check_listed(fleet: &Repository, link: &Link, source: &Source, tip: &Tip) -> Result<()> {
    let Some(listed) = &source.listed else {
        return Ok(());
    };
    if tip.commit == link.pin
        || reachability::ask(fleet, source, tip.commit)? == Reachability::OnBranch
    {
        return Ok(());
    }
    let path = &link.path;
    Err(Error::repository(format!(
        "the tip of its branch, {}, is at {}, and not at {}, which .gitmodules lists",
        tip.commit, source.shown, listed.shown
    ))
    .hint(format!(
        "to follow .gitmodules: flota sync {path}, or git submodule sync -- {path}"
    ))
    .hint(format!(
        "or push the commit to where it is listed: git push {}",
        listed.shown
    )))
}

/// As git-submodule(1) has it for `--remote`: `submodule.<name>.branch`, of the configuration before `.gitmodules`; `.` is the
/// branch that the fleet is on; without any, the remote's HEAD.
fn branch(fleet: &Repository, link: &Link) -> Result<Option<BString>> {
    let repo = fleet.to_local()?;
    let config = repo.config_snapshot();
    let configured = config
        .plumbing()
        .string_by("submodule", Some(link.name()), "branch");
    let listed = || link.listed.as_ref()?.branch.clone();
    match configured.or_else(listed) {
        Some(branch) if branch == "." => {
            let own = repo.head_name().map_err(|err| {
                Error::repository("cannot read the branch that the fleet is on").because(err)
            })?;
            let own = own.ok_or_else(|| {
                Error::repository(
                    "its branch is the fleet's own (`.`), and the fleet is on no branch",
                )
                .hint("switch to one: git switch BRANCH")
            })?;
            Ok(Some(own.shorten().to_owned()))
        }
        branch => Ok(branch),
    }
}

/// What the move brings, as far as the service's history is here.
fn describe(fleet: &Repository, moved: &mut Move) -> Result<()> {
    let Some(root) = fleet.work_dir() else {
        return Ok(());
    };
    let work_dir = worktree::of(root, moved.path.as_ref())?;
    let store = submodule::git_dir_of(&work_dir).and_then(|dir| Store::at(dir, moved.to.kind()));
    let Some(store) = store else { return Ok(()) };
    let is_here = |id: ObjectId| matches!(store.tree_of(id), Ok(Some(_)));
    if !is_here(moved.from) || !is_here(moved.to) || store.is_shallow() {
        return Ok(());
    }
    let alone = |known, tip| history::between(store.objects(), known, tip, LISTED);
    moved.gained = Some(alone(moved.from, moved.to)?);
    moved.lost = Some(alone(moved.to, moved.from)?);
    Ok(())
}
