//! `flota update --prune`: what is left of services that the fleet does not link any more goes, if nothing in it is lost by that.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use bstr::{BStr, BString, ByteSlice};
use gix::{
    ObjectId,
    index::entry::{Flags, Mode},
};

use crate::{
    files,
    fleet::{
        leftover::{self, Remains},
        lock::FleetLock,
    },
    git::{
        command::git,
        config_file::ConfigFile,
        head, index,
        network::{
            ls_remote::Servers,
            reachability::{self, Reachability},
        },
        operation, remote,
        repository::Repository,
        status, submodule, url,
    },
    interrupt,
    model::{
        error::{Error, Result},
        leftover::Pruned,
    },
};

/// What git may list of files, in bytes.
const LISTING_LIMIT: usize = 256 << 20;

/// Removes worktree and git directory of each, or with `dry_run` only tells which would go. Sorted by name.
///
/// # Errors
/// The fleet's index cannot be read, another run is in progress, or flota is interrupted. Why single ones stay is in
/// [`Pruned::left`].
pub(crate) fn prune(fleet: &Repository, patience: Duration, dry_run: bool) -> Result<Vec<Pruned>> {
    let all = leftover::find(fleet, &index::of_index(fleet)?);
    let lock = match dry_run {
        true => None,
        false => Some(FleetLock::take(fleet)?),
    };
    let servers = Servers::new(fleet, patience)?;
    let mut pruned = Vec::new();
    for one in all {
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(
                exit,
                "interrupted while looking for work in leftovers",
            ));
        }
        let done = check(fleet, &servers, &one).and_then(|()| match &lock {
            Some(lock) => remove(fleet, lock, &one),
            None => Ok(()),
        });
        pruned.push(Pruned {
            left: done.err(),
            path: one.path,
            name: one.name,
        });
    }
    Ok(pruned)
}

/// Whether nothing in it would be lost.
fn check(fleet: &Repository, servers: &Servers, one: &Remains) -> Result<()> {
    let is_within = |work_dir: &Path| {
        let root = fleet.folder();
        root.is_ok_and(|root| work_dir.starts_with(root))
    };
    if let Some(work_dir) = one.work_dir.as_deref().filter(|dir| !is_within(dir)) {
        return Err(Error::repository(format!(
            "its files are in `{}`, outside of the fleet",
            work_dir.display()
        )));
    }
    if is_tracked(fleet, one.path.as_ref())? {
        return Err(Error::repository(
            "the fleet has files of its own in its directory",
        ));
    }
    check_repository(fleet, servers, one, Some(one.name.as_ref()))?;
    for nested in one.nested() {
        check_repository(fleet, servers, &nested, None)
            .map_err(|error| error.within(format!("its submodule `{}`", nested.name)))?;
    }
    Ok(())
}

fn is_tracked(fleet: &Repository, path: &BStr) -> Result<bool> {
    let cannot = |err| Error::repository("cannot read the fleet's index").because(err);
    let repo = fleet.to_local()?;
    let index = repo.index_or_empty().map_err(cannot)?;
    let below: BString = [path.as_bytes(), b"/"].concat().into();
    Ok(index.entry_by_path(path).is_some() || index.prefixed_entries(below.as_ref()).is_some())
}

fn check_repository(
    fleet: &Repository,
    servers: &Servers,
    one: &Remains,
    name: Option<&BStr>,
) -> Result<()> {
    let repo = status::open_git_dir(&one.git_dir)?;
    let folder = one.work_dir.as_deref().unwrap_or(&one.git_dir);
    if let Some(operation) = operation::under_way(&one.git_dir) {
        return Err(operation::in_progress(operation, folder));
    }
    let dir = folder.display();
    let has_entries =
        |folder: &Path| fs::read_dir(folder).is_ok_and(|mut all| all.next().is_some());
    if has_entries(&one.git_dir.join("worktrees")) {
        return Err(Error::repository("it has other worktrees")
            .hint(format!("list them: git -C {dir} worktree list")));
    }
    if let Some(work_dir) = &one.work_dir {
        check_files(work_dir, &one.git_dir)?;
    }
    if status::stashes(&repo)? > 0 {
        return Err(Error::repository("it has stashed changes")
            .hint(format!("list them: git -C {dir} stash list")));
    }
    check_pushed(fleet, servers, &repo, name, folder)
}

/// That every file is as HEAD has it, and there is no other, an ignored one neither.
fn check_files(work_dir: &Path, git_dir: &Path) -> Result<()> {
    let dir = work_dir.display();
    let see = format!("see which: git -C {dir} status --ignored");
    let listed = git(work_dir)
        .args(["status", "--porcelain", "-z", "--untracked-files=all"])
        .args(["--ignored", "--ignore-submodules=all"])
        .stdout_as_data(LISTING_LIMIT)
        .run()?
        .check(|| Error::repository("git cannot tell what is uncommitted in it"))?;
    if !listed.stdout.is_empty() {
        return Err(Error::repository("it has changed, untracked or ignored files").hint(see));
    }
    let repo = status::open(work_dir)?;
    let index = repo
        .index_or_empty()
        .map_err(|err| status::unreadable(work_dir, err))?;
    for entry in index.entries() {
        let path = work_dir.join(entry.path(&index).to_path_lossy());
        // Of these git tells no change.
        let is_hidden = entry
            .flags
            .intersects(Flags::ASSUME_VALID | Flags::SKIP_WORKTREE)
            && path.symlink_metadata().is_ok();
        if is_hidden {
            return Err(Error::repository(
                "it has files of which git is told not to look for changes",
            )
            .hint(format!("see which: git -C {dir} ls-files -v")));
        }
        if entry.mode == Mode::COMMIT && !is_own_submodule(&path, git_dir) {
            return Err(Error::repository(format!(
                "the directory `{}` of its submodule has files, or a repository of its own",
                entry.path(&index)
            )));
        }
    }
    Ok(())
}

/// Whether the folder of a submodule is empty, or has its git directory where it goes along, and is looked at.
fn is_own_submodule(folder: &Path, git_dir: &Path) -> bool {
    match submodule::git_dir_of(folder) {
        Some(nested) => {
            let modules = git_dir.join("modules").canonicalize();
            let nested = nested.canonicalize();
            nested.is_ok_and(|nested| modules.is_ok_and(|modules| nested.starts_with(modules)))
        }
        None => match fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => folder.symlink_metadata().is_err(),
        },
    }
}

/// That the server has HEAD, every branch and every tag, and whatever else a ref leads to.
fn check_pushed(
    fleet: &Repository,
    servers: &Servers,
    repo: &gix::Repository,
    name: Option<&BStr>,
    folder: &Path,
) -> Result<()> {
    let unreadable = |err| status::unreadable(folder, err);
    let origin = remote::name(repo);
    let config = repo.config_snapshot();
    let url = config
        .plumbing()
        .string_by("remote", Some(origin.as_ref()), "url");
    let url = url.as_ref().map(|url| url.as_bstr());
    let source = url::source(fleet, name, url)?;
    // Where it was pushed to, whatever the fleet has configured for it.
    let source = source.of_gitmodules();
    let there: BTreeMap<_, _> = servers.refs(source)?.into_iter().collect();
    let ids: BTreeSet<_> = there.values().copied().collect();
    let missing = |what: &str| {
        Error::repository(format!("{what} is not at {}", source.shown)).hint(format!(
            "push it, or see what it is: git -C {} log --branches --tags HEAD --not --remotes",
            folder.display()
        ))
    };
    let mut commits = BTreeMap::<ObjectId, String>::new();
    let all = repo.references().map_err(unreadable)?;
    for reference in all.all().map_err(unreadable)? {
        let reference = reference
            .map_err(|err| Error::repository("a ref of it cannot be read").because(err))?;
        let name = reference.name().as_bstr().to_owned();
        let Some(id) = reference.try_id() else {
            continue;
        };
        if name.starts_with(b"refs/tags/") {
            if there.get(&name) != Some(&id.detach()) {
                return Err(missing(&format!(
                    "its tag `{}`",
                    reference.name().shorten()
                )));
            }
        } else if !name.starts_with(b"refs/remotes/") {
            commits.insert(id.detach(), format!("`{}`", reference.name().shorten()));
        }
    }
    if let Some(head) = head::commit(repo).map_err(unreadable)? {
        commits.entry(head).or_insert_with(|| "its HEAD".into());
    }
    for (commit, what) in commits {
        if ids.contains(&commit) {
            continue;
        }
        match reachability::ask(fleet, source, commit)? {
            Reachability::OnBranch => {}
            Reachability::Loose | Reachability::Absent => return Err(missing(&what)),
        }
    }
    Ok(())
}

/// Takes worktree and git directory away at once, and then deletes them; and what the fleet's configuration says of the service.
fn remove(fleet: &Repository, lock: &FleetLock, one: &Remains) -> Result<()> {
    let scratch = lock.scratch()?;
    let cannot = |path: &Path, err| files::cannot("remove", path, err);
    let files = scratch.path().join("files");
    if let Some(work_dir) = &one.work_dir {
        fs::rename(work_dir, &files).map_err(|err| cannot(work_dir, err))?;
    }
    if let Err(err) = fs::rename(&one.git_dir, scratch.path().join("git")) {
        if let Some(work_dir) = &one.work_dir {
            fs::rename(&files, work_dir).map_err(|err| cannot(work_dir, err))?;
        }
        return Err(cannot(&one.git_dir, err));
    }
    if let Ok(git_dir) = fleet.git_dir().canonicalize() {
        remove_empty(one.git_dir.parent(), &git_dir.join("modules"));
    }
    if let (Some(work_dir), Ok(root)) = (&one.work_dir, fleet.folder()) {
        remove_empty(work_dir.parent(), &root);
    }
    let mut config = ConfigFile::of(fleet.common_dir())?;
    config.remove("submodule", one.name.as_ref());
    config.write()?;
    let folder = scratch.path().to_owned();
    scratch.close().map_err(|err| cannot(&folder, err))
}

/// Removes a folder and those above it, as long as they are empty and below `root`.
fn remove_empty(folder: Option<&Path>, root: &Path) {
    let mut above = folder;
    while let Some(folder) = above.filter(|folder| *folder != root && folder.starts_with(root)) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
        above = folder.parent();
    }
}
