//! `flota pull`: the fleet's `git pull`, then its services at their pins.

use bstr::BString;
use gix::ObjectId;

use crate::{
    fleet::{
        lock::FleetLock,
        pins,
        select::Selector,
        sync::{SyncOptions, sync},
    },
    git::{Objects, index, network::own, repository::Repository, tree, upstream},
    model::{
        error::{Error, Result},
        pull::{Pulled, PulledPin},
    },
};

/// Pulls the branch that the fleet is on from its upstream, and brings the selected submodules to their pins. With `dry_run`, only
/// objects of the fleet are fetched, and nothing moves.
///
/// # Errors
/// Before anything moves: the fleet is on no branch, the branch has no upstream, something is in progress in the fleet, the server
/// cannot be reached, another run is in progress. Later: git stops at conflicts; then no service moves. What befalls single submodules
/// is in their [`SyncOutcome`](crate::model::sync::SyncOutcome).
pub(crate) fn pull(
    fleet: &Repository,
    selector: &Selector,
    dry_run: bool,
    options: SyncOptions<'_>,
) -> Result<Pulled> {
    let Some(root) = fleet.work_dir() else {
        return Err(Error::repository(
            "a bare repository has no branch to pull into",
        ));
    };
    pins::check_idle(fleet)?;
    let repo = fleet.to_local()?;
    let name = repo
        .head_name()
        .map_err(|err| Error::repository("cannot read the fleet's HEAD").because(err))?;
    let Some(name) = name else {
        return Err(Error::repository(
            "the fleet's HEAD is detached: there is no branch to pull into",
        )
        .hint("switch to a branch: git switch BRANCH")
        .hint("bring the services to their pins: flota update"));
    };
    let branch = name.shorten().to_owned();
    let Some((remote, merge)) = upstream::configured(&repo, branch.as_ref()) else {
        return Err(Error::repository(format!(
            "the fleet's branch `{branch}` has no upstream to pull from"
        ))
        .hint(format!(
            "set it: git branch --set-upstream-to REMOTE/BRANCH {branch}"
        )));
    };
    let short = merge.strip_prefix(b"refs/heads/").unwrap_or(&merge);
    let shown = BString::from([&remote[..], b"/", short].concat());
    let from = fleet.resolve_first(["HEAD"]).map(|(_, head)| head);
    if dry_run {
        let tip = own::objects(root, remote.as_ref(), merge.as_ref())?;
        let base = match from {
            Some(head) => fleet.merge_base(head, tip)?,
            None => None,
        };
        return Ok(Pulled {
            pins: moved(fleet, base, tip)?,
            branch,
            upstream: shown,
            from,
            to: tip,
            synced: Vec::new(),
        });
    }
    let lock = FleetLock::take(fleet)?;
    own::pull(root, remote.as_ref())?;
    // Its HEAD, its index and maybe its submodules are others now.
    let fleet = Repository::discover(root)?;
    let to = fleet.resolve("HEAD")?;
    let moved = moved(&fleet, from, to)?;
    let pins = selector.active_among(&fleet, index::of_index(&fleet)?)?;
    let synced = sync(&fleet, &lock, pins, options)?;
    Ok(Pulled {
        branch,
        upstream: shown,
        from,
        to,
        pins: moved,
        synced,
    })
}

/// The pins that differ between two commits.
fn moved(fleet: &Repository, from: Option<ObjectId>, to: ObjectId) -> Result<Vec<PulledPin>> {
    let objects = fleet.objects();
    let objects = Objects::new(&objects);
    let from = from.map(|commit| fleet.tree_of(commit)).transpose()?;
    let differences = tree::diff(objects, from, Some(fleet.tree_of(to)?))?;
    let pin = |entry: Option<tree::Entry>| {
        let entry = entry.filter(|(mode, _)| mode.is_commit());
        entry.map(|(_, id)| id)
    };
    let pins = differences.into_iter().map(|one| PulledPin {
        from: pin(one.old),
        to: pin(one.new),
        path: one.path,
    });
    Ok(pins.filter(|one| one.from != one.to).collect())
}
