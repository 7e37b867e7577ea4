//! `flota worktree add`: git adds the worktree, and its services come to their pins as `flota update` brings them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bstr::BString;

use crate::{
    fleet::{
        lock::FleetLock,
        select::Selector,
        sync::{SyncOptions, sync},
    },
    git::{
        command::{self, argument, git},
        index,
        repository::Repository,
        switch,
    },
    model::{
        error::{Error, Result},
        sync::Synced,
    },
    process::Command,
};

/// What to add.
pub(crate) struct AddOptions<'a> {
    /// Where.
    pub directory: &'a Path,
    /// The branch to check out; a new one with the directory's name when nobody says.
    pub branch: Option<&'a str>,
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
