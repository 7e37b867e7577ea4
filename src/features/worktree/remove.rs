//! `flota worktree remove`: git refuses to remove a worktree with submodules, and with `--force` it deletes their git directories without
//! a look. Here all that would be lost is looked for first.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use bstr::{BString, ByteSlice as _, ByteVec as _};

use super::{
    add::in_fleet,
    list::{list, whole},
};
use crate::{
    files,
    fleet::{lock::FleetLock, worktree},
    git::{command, config_file::ConfigFile, only_here, repository::Repository, status, submodule},
    model::{
        error::{Error, Result},
        status::Changes,
        worktree::{FleetWorktree, Obstacle, Removal, WorktreeKind},
    },
    parallel,
};

/// How deep git directories may lie in each other's `modules`: names have parts too.
const DEPTH_LIMIT: usize = 64;

/// Removes the worktree in `directory`, unless something would be lost. With `dry_run`, only looks.
///
/// # Errors
/// Misuse: it is no added worktree of the fleet. Repository: it is locked, or cannot be read. Unavailable: another run is in progress.
pub(crate) fn remove(fleet: &Repository, directory: &Path, dry_run: bool) -> Result<Removal> {
    let worktree = find(fleet, directory)?;
    let _lock = match dry_run {
        true => None,
        false => Some(FleetLock::take(fleet)?),
    };
    let git_dir = git_dir(fleet, &worktree.directory)?;
    let root = worktree.directory;
    let mut obstacles = Vec::new();
    if worktree.kind != WorktreeKind::Missing {
        let of_fleet = uncommitted(&root)?.or(worktree::unreachable_commits(&root, &git_dir)?);
        obstacles.extend(of_fleet.map(|error| Obstacle {
            path: BString::default(),
            error,
        }));
    }
    let mut services = Vec::new();
    find_git_dirs(&git_dir.join("modules"), DEPTH_LIMIT, &mut services)?;
    let found = parallel::map(parallel::default_jobs(), &services, |service| {
        look(fleet, &root, &git_dir, service)
    })?;
    obstacles.extend(found.into_iter().flatten());
    obstacles.sort_by(|one, other| one.path.cmp(&other.path));
    if obstacles.is_empty() && !dry_run {
        let command = in_fleet(fleet).args(["worktree", "remove", "--force", "--"]);
        command::run(
            command.arg(&root),
            format!("remove the worktree `{}`", root.display()),
        )?;
    }
    Ok(Removal {
        directory: root,
        obstacles,
    })
}

/// The worktree of the fleet that is in `directory`.
fn find(fleet: &Repository, directory: &Path) -> Result<FleetWorktree> {
    let wanted = whole(directory);
    let shown = wanted.display();
    let found = list(fleet)?.into_iter().find(|one| one.directory == wanted);
    let Some(found) = found else {
        return Err(
            Error::misuse(format!("`{shown}` is not a worktree of this fleet"))
                .hint("see which there are: flota worktree list"),
        );
    };
    match found.kind {
        WorktreeKind::Main | WorktreeKind::Bare => Err(Error::misuse(format!(
            "`{shown}` is the fleet itself, and was not added by flota worktree add"
        ))),
        WorktreeKind::Locked => Err(
            Error::repository(format!("the worktree `{shown}` is locked"))
                .hint(format!("unlock it: git worktree unlock {shown}")),
        ),
        WorktreeKind::Linked | WorktreeKind::Missing => Ok(found),
    }
}

/// The git directory of the linked worktree at `root`.
fn git_dir(fleet: &Repository, root: &Path) -> Result<PathBuf> {
    let repo = fleet.to_local()?;
    let unreadable = |err: gix::Error| {
        Error::repository(format!("cannot read the worktree `{}`", root.display())).because(err)
    };
    for proxy in repo
        .worktrees()
        .map_err(|err| unreadable(gix::Error::from_error(err)))?
    {
        let base = proxy.base().map_err(unreadable)?;
        if base.canonicalize().unwrap_or(base) == root {
            let git_dir = proxy.git_dir();
            return Ok(git_dir
                .canonicalize()
                .unwrap_or_else(|_| git_dir.to_owned()));
        }
    }
    Err(Error::repository(format!(
        "`{}` is no longer a worktree of this fleet",
        root.display()
    )))
}

/// All git directories in `folder`, and in theirs.
fn find_git_dirs(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let cannot = |err| files::cannot("read", folder, err);
    let entries = match fs::read_dir(folder) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(cannot)?,
    };
    if depth == 0 {
        return Err(Error::repository(format!(
            "its git directories lie too deep in each other: `{}`",
            folder.display()
        )));
    }
    for entry in entries {
        let entry = entry.map_err(cannot)?;
        if !entry.file_type().map_err(cannot)?.is_dir() {
            continue;
        }
        let path = entry.path();
        match path.join("HEAD").is_file() {
            true => {
                find_git_dirs(&path.join("modules"), depth - 1, found)?;
                found.push(path);
            }
            false => find_git_dirs(&path, depth - 1, found)?,
        }
    }
    Ok(())
}

/// What would be lost with the service whose git directory `service` lies in that of the worktree `root`.
fn look(fleet: &Repository, root: &Path, git_dir: &Path, service: &Path) -> Option<Obstacle> {
    let below = service.strip_prefix(git_dir).unwrap_or(service);
    let work_dir = work_dir(service);
    let path = match &work_dir {
        Some(work_dir) => work_dir.strip_prefix(root).unwrap_or(work_dir),
        None => below.strip_prefix("modules").unwrap_or(below),
    };
    let look = || {
        if let Some(work_dir) = &work_dir
            && let Some(error) = uncommitted(work_dir)?
        {
            return Ok(Some(error));
        }
        only_here::of(service, &siblings(fleet, git_dir, below))
    };
    // What cannot be read could be lost.
    let error = look().unwrap_or_else(Some)?;
    Some(Obstacle {
        path: Vec::from_path_lossy(path).into_owned().into(),
        error,
    })
}

/// The same git directory in the fleet's other worktrees.
fn siblings(fleet: &Repository, git_dir: &Path, below: &Path) -> Vec<PathBuf> {
    let common = fleet.common_dir();
    let linked = fs::read_dir(common.join("worktrees"));
    let linked = linked.into_iter().flatten().flatten();
    let own = git_dir.file_name().map(OsString::from);
    let others = linked.filter(|entry| Some(entry.file_name()) != own);
    let all = std::iter::once(common.to_owned()).chain(others.map(|entry| entry.path()));
    all.map(|one| one.join(below)).collect()
}

/// The worktree of a service's git directory, if it is there and leads back.
fn work_dir(git_dir: &Path) -> Option<PathBuf> {
    let config = ConfigFile::of(git_dir).ok()?;
    let way = config.value("core", None, "worktree")?;
    let work_dir = git_dir.join(way.to_path_lossy()).canonicalize().ok()?;
    let leads_to = submodule::git_dir_of(&work_dir)?.canonicalize().ok()?;
    (leads_to == git_dir.canonicalize().ok()?).then_some(work_dir)
}

/// Work in the worktree `dir` that is in no commit, or a merge, rebase or the like that is not finished.
fn uncommitted(dir: &Path) -> Result<Option<Error>> {
    let found = status::of(dir, None)?;
    let see = format!("see what it is: git -C {} status", dir.display());
    if status::open(dir)?.state().is_some() {
        return Ok(Some(
            Error::repository("a merge, rebase or similar operation is in progress in it")
                .hint(see),
        ));
    }
    let Changes {
        staged,
        unstaged,
        untracked,
        conflicted,
    } = found.changes;
    Ok(match staged + unstaged + untracked + conflicted {
        0 => None,
        count => Some(
            Error::repository(format!("it has uncommitted or untracked files ({count})")).hint(see),
        ),
    })
}
