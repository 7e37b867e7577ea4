//! `flota worktree add`: git adds the worktree, and its services come to their pins as `flota update` brings them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bstr::BString;
use gix::ObjectId;

use super::list::{list, whole};
use crate::{
    fleet::{
        lock::FleetLock,
        select::Selector,
        sync::{SyncOptions, sync},
    },
    git::{
        Objects,
        command::{self, argument, git},
        index::{self, Pins},
        repository::Repository,
        switch, vet,
    },
    model::{
        error::{Error, Result},
        sync::{SyncOutcome, Synced},
    },
    process::Command,
};

/// What to add.
pub(crate) struct AddOptions<'a> {
    /// Where.
    pub directory: &'a Path,
    /// The branch to check out; a new one with the directory's name when nobody says.
    pub branch: Option<&'a str>,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
    /// How to bring the services.
    pub sync: SyncOptions<'a>,
}

/// A worktree that was added.
pub(crate) struct Added {
    /// Where it is.
    pub directory: PathBuf,
    /// Its submodules, nested ones too, sorted by path.
    pub synced: Vec<Synced>,
}

/// Adds it, with those services that are active (gitsubmodules(7)).
///
/// # Errors
/// Then nothing of it stays but a branch that was created. Misuse: something is in the directory, or the branch has no valid name. Repository: git does
/// not add it, or one of its submodules is refused. Unavailable: another run is in progress. The results of single submodules are in
/// [`Added::synced`].
pub(crate) fn add(fleet: &Repository, options: &AddOptions<'_>) -> Result<Added> {
    let directory = std::path::absolute(options.directory).map_err(|err| {
        Error::misuse(format!("`{}` is no directory", options.directory.display())).because(err)
    })?;
    if fs::read_dir(&directory).is_ok_and(|mut entries| entries.next().is_some()) {
        let shown = directory.display();
        return Err(Error::misuse(format!(
            "`{shown}` already exists and is not empty"
        )));
    }
    if let Some(branch) = options.branch {
        switch::check_name(branch)?;
    }
    if options.dry_run {
        let directory = whole(&directory);
        let synced = planned(fleet, &directory, options.branch)?;
        return Ok(Added { directory, synced });
    }
    let lock = FleetLock::take(fleet)?;
    let command = in_fleet(fleet).args(["worktree", "add", "--quiet"]);
    let command = match options.branch {
        Some(branch) if is_new(fleet, branch)? => {
            command.args(["-b", branch, "--"]).arg(argument(&directory))
        }
        Some(branch) => command.arg("--").arg(argument(&directory)).arg(branch),
        None => command.arg("--").arg(argument(&directory)),
    };
    command
        .run()?
        .check(|| Error::repository(format!("git does not add `{}`", directory.display())))?;
    let directory = directory.canonicalize().unwrap_or(directory);
    let bring = || {
        let worktree = Repository::discover(&directory)?;
        let pins = Selector::ANY.active_among(&worktree, index::of_index(&worktree)?)?;
        sync(&worktree, &lock, pins, options.sync)
    };
    match bring() {
        Ok(synced) => Ok(Added { directory, synced }),
        Err(error) => {
            let undo = in_fleet(fleet).args(["worktree", "remove", "--force", "--"]);
            // Nothing was in it before; why it cannot stay is the reason to tell.
            let _ = command::run(undo.arg(argument(&directory)), "remove the worktree");
            Err(error)
        }
    }
}

/// The services that a new worktree would get, each cloned: those that are active at the commit that git would check out. What they have
/// of submodules is not known before.
fn planned(fleet: &Repository, directory: &Path, branch: Option<&str>) -> Result<Vec<Synced>> {
    let own = directory.file_name().unwrap_or_default().to_string_lossy();
    let name = branch.unwrap_or(&own);
    switch::check_name(name)?;
    let shown = directory.display();
    let refuses =
        |why: String| Err(Error::repository(format!("git does not add `{shown}`")).because(why));
    let is_branch = fleet
        .resolve_first([format!("refs/heads/{name}").as_str()])
        .is_some();
    for one in list(fleet)? {
        if one.directory == directory {
            return refuses(format!("`{shown}` is a worktree whose directory is gone"));
        }
        if is_branch && one.branch.as_ref().is_some_and(|branch| branch == name) {
            let place = one.directory.display();
            return refuses(format!("`{name}` is already checked out at `{place}`"));
        }
    }
    let commit = match branch {
        Some(branch) if is_new(fleet, branch)? => fleet.head()?,
        Some(branch) => match fleet.resolve_first([branch]) {
            Some((_, commit)) => Some(commit),
            None => at_one_remote(fleet, branch)?,
        },
        None if is_branch => fleet.resolve_first([name]).map(|(_, commit)| commit),
        None => fleet.head()?,
    };
    let Some(commit) = commit else {
        return refuses(format!("`{name}` names no commit"));
    };
    let tree = fleet.tree_of(commit)?;
    let pins = Pins {
        links: vet::links_of_tree(Objects::new(&fleet.objects()), tree)?,
        conflicted: Vec::new(),
    };
    let pins = Selector::ANY.active_among(fleet, pins)?.all();
    let cloned = |(path, pin)| Synced {
        path,
        pin,
        outcome: SyncOutcome::Cloned,
    };
    Ok(pins.into_iter().map(cloned).collect())
}

/// The commit of `branch` at the only remote that has it.
fn at_one_remote(fleet: &Repository, branch: &str) -> Result<Option<ObjectId>> {
    let names = fleet.to_local()?.remote_names();
    let refs = names
        .iter()
        .map(|remote| format!("refs/remotes/{remote}/{branch}"));
    let mut found = refs.filter_map(|name| fleet.resolve_first([name.as_str()]).map(|it| it.1));
    Ok(match (found.next(), found.next()) {
        (Some(commit), None) => Some(commit),
        _ => None,
    })
}

/// Whether nothing is called `branch`, here or at a remote.
fn is_new(fleet: &Repository, branch: &str) -> Result<bool> {
    if fleet.resolve_first([branch]).is_some() {
        return Ok(false);
    }
    let repo = fleet.to_local()?;
    let is_at = |remote: BString| {
        let name = format!("refs/remotes/{remote}/{branch}");
        matches!(repo.try_find_reference(name.as_str()), Ok(Some(_)))
    };
    Ok(!repo.remote_names().into_iter().any(is_at))
}

/// git at work in the fleet, also in one that is bare, where it has to be told so.
pub(super) fn in_fleet(fleet: &Repository) -> Command {
    match fleet.work_dir() {
        Some(root) => git(root),
        None => git(fleet.git_dir()).arg("--git-dir=."),
    }
}
