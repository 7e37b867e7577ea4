//! Whether a pin is on a branch of its submodule's remote: what the last fetch saw, else what the server says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gix::ObjectId;

use super::{
    command::{PATIENCE, ServerCommand},
    configuration::Configuration,
    fault::ServerFault,
    store::{self, HeldStore, StoreKind},
};
use crate::{
    files,
    git::{
        command::git, history, objects::Objects, remote, repository::Repository, sharing,
        submodule::Store, url::Source,
    },
    interrupt,
    model::error::{Error, Result},
};

/// Where a commit stands at its remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// A branch contains it.
    OnBranch,
    /// The server has it, and no branch contains it: it may be gone after the next clean-up.
    Loose,
    /// The server does not have it: it was never pushed, or is gone already.
    Absent,
}

/// Whether a remote-tracking branch of an initialised submodule contains `commit`: what the last fetch or push saw. Only branches
/// of a remote that is where `.gitmodules` says count: whoever clones the fleet knows no other.
pub fn seen_on_branch(store: &Store, source: &Source, commit: ObjectId) -> Result<bool> {
    let listed = source.of_gitmodules();
    let git_dir = store.git_dir();
    let repo = gix::open_opts(git_dir, gix::open::Options::default()).map_err(|err| {
        Error::repository(format!("cannot open `{}`", git_dir.display())).because(err)
    })?;
    for (name, url) in remote::urls(&repo) {
        let prefix = format!("refs/remotes/{name}/");
        if listed.is_at(url.as_ref()) && contained(store.objects(), tips(&repo, &prefix)?, commit) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Asks the server where `.gitmodules` says that the submodule of `source` is. Only commits are fetched, into a repository of
/// flota's own under the fleet's git directory: the submodule's stays untouched.
pub fn ask(fleet: &Repository, source: &Source, commit: ObjectId) -> Result<Reachability> {
    let remote = Remote::of(fleet, source.of_gitmodules())?;
    remote.fetch_branches()?;
    let repo = open(&remote.scratch)?;
    if contained(
        Objects::new(&repo.objects),
        tips(&repo, "refs/heads/")?,
        commit,
    ) {
        return Ok(Reachability::OnBranch);
    }
    match remote.fetch(&[], &commit.to_string()) {
        Ok(()) => Ok(Reachability::Loose),
        Err(ServerFault::NotThere(_) | ServerFault::Unadvertised(_)) => Ok(Reachability::Absent),
        Err(fault) => Err(remote.unreachable(fault)),
    }
}

/// The commits of the submodule at `source`, without trees: all that its branches lead to, and those that lead to the
/// commits of `more` that the server gives out. The submodule's own repository stays untouched.
///
/// # Errors
/// The server cannot be reached.
pub fn histories(fleet: &Repository, source: &Source, more: &[ObjectId]) -> Result<Store> {
    let first = histories_at(fleet, source, more)?;
    let has = |commit: &ObjectId| matches!(first.tree_of(*commit), Ok(Some(_)));
    match &source.listed {
        Some(listed) if !more.iter().all(has) => {
            Ok(first.above(histories_at(fleet, listed, more)?))
        }
        _ => Ok(first),
    }
}

fn histories_at(fleet: &Repository, source: &Source, more: &[ObjectId]) -> Result<Store> {
    let remote = Remote::of(fleet, source)?;
    remote.fetch_branches()?;
    for commit in more {
        if !matches!(remote.store()?.tree_of(*commit), Ok(Some(_))) {
            // One that nobody pushed is not to be had; whoever needs it finds that out.
            let _ = remote.fetch(&[], &commit.to_string());
        }
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted while fetching"));
        }
    }
    remote.store()
}

/// A submodule's server, and flota's own repository of the commits that it has.
struct Remote {
    source: Source,
    configuration: Configuration,
    scratch: PathBuf,
    /// This run alone writes to the repository.
    _lock: HeldStore,
}

impl Remote {
    fn of(fleet: &Repository, source: &Source) -> Result<Self> {
        let configuration = Configuration::of_fleet(&fleet.to_local()?);
        let (scratch, lock) = scratch(fleet, source)?;
        Ok(Self {
            source: source.clone(),
            configuration,
            scratch,
            _lock: lock,
        })
    }

    fn fetch_branches(&self) -> Result<()> {
        // A branch that is gone at the server vouches for nothing.
        self.fetch(&["--prune"], "+refs/heads/*:refs/heads/*")
            .map_err(|fault| self.unreachable(fault))
    }

    fn fetch(&self, options: &[&str], refspec: &str) -> std::result::Result<(), ServerFault> {
        ServerCommand::in_store(&self.scratch, &self.source, &self.configuration, PATIENCE)
            .fetch()
            .arg("--filter=tree:0")
            .args(options.iter().copied())
            .args(["--", "origin", refspec])
            .run()
    }

    fn unreachable(&self, fault: ServerFault) -> Error {
        let shown = &self.source.shown;
        let error = Error::unavailable(format!("cannot fetch the branches of {shown}"));
        fault.raise(error.hint(format!(
            "see whether you can reach it: git ls-remote {shown}"
        )))
    }

    fn store(&self) -> Result<Store> {
        let hash = open(&self.scratch)?.object_hash();
        Store::at(self.scratch.clone(), hash)
            .ok_or_else(|| Error::unavailable(format!("cannot read `{}`", self.scratch.display())))
    }
}

/// One repository for each URL, made when it is not there, and its lock.
fn scratch(fleet: &Repository, source: &Source) -> Result<(PathBuf, HeldStore)> {
    let dir = StoreKind::Histories.path(fleet, source.url.as_ref(), &[]);
    let cannot = |err| files::cannot("write", &dir, err);
    let lock = store::hold(&dir, sharing::of(&fleet.to_local()?))?;
    fs::create_dir_all(&dir).map_err(cannot)?;
    store::sweep(&dir);
    let format = format!("--object-format={}", fleet.object_hash());
    let init = git(&dir).args(["init", "--quiet", "--bare", "--template=", &format, "."]);
    init.run()?.check(|| {
        Error::unavailable(format!("cannot create a repository in `{}`", dir.display()))
    })?;
    Ok((std::path::absolute(&dir).map_err(cannot)?, lock))
}

fn open(git_dir: &Path) -> Result<gix::Repository> {
    gix::open_opts(git_dir, gix::open::Options::isolated()).map_err(|err| {
        Error::repository(format!("cannot open `{}`", git_dir.display())).because(err)
    })
}

/// The commits that the refs under `prefix` point to.
fn tips(repo: &gix::Repository, prefix: &str) -> Result<Vec<ObjectId>> {
    let unreadable = |err| Error::repository("cannot read the branches").because(err);
    let platform = repo.references().map_err(unreadable)?;
    let refs = platform.prefixed(prefix).map_err(unreadable)?;
    let mut tips: Vec<_> = refs
        .flatten()
        .filter_map(|r| r.into_fully_peeled_id().ok())
        .collect();
    tips.dedup();
    Ok(tips.into_iter().map(|id| id.detach()).collect())
}

fn contained(objects: Objects<'_>, tips: Vec<ObjectId>, commit: ObjectId) -> bool {
    tips.contains(&commit)
        || tips
            .into_iter()
            .any(|tip| history::contains(objects, tip, commit))
}
