//! Whether a pin is on a branch of its submodule's remote: what the last fetch saw, else what the server says.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use bstr::BStr;
use gix::ObjectId;
use sha2::{Digest, Sha256};

use super::fetch::{
    kept,
    remote::{self, Setting},
};
use crate::{
    git::{
        Objects,
        command::git,
        history,
        repository::Repository,
        submodule::Store,
        url::{self, Source},
    },
    model::error::{Error, Result},
    process::Command,
};

/// How long a server may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a commit stands at its remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A branch contains it.
    OnBranch,
    /// The server has it, and no branch contains it: it may be gone after the next clean-up.
    Loose,
    /// The server does not have it: it was never pushed, or is gone already.
    Absent,
}

/// Whether a remote-tracking branch of an initialised submodule contains `commit`: what the last fetch or push saw.
pub fn seen_on_branch(store: &Store, commit: ObjectId) -> Result<bool> {
    let repo = open(store.git_dir())?;
    Ok(contained(
        store.objects(),
        tips(&repo, "refs/remotes/")?,
        commit,
    ))
}

/// Asks the server of the submodule `name` at `url`. Only commits are fetched, into a repository of flota's own under the
/// fleet's git directory: the submodule's stays untouched.
pub fn ask(
    fleet: &Repository,
    name: Option<&BStr>,
    url: Option<&BStr>,
    commit: ObjectId,
) -> Result<Standing> {
    let remote = Remote::of(fleet, name, url)?;
    remote.fetch_branches()?;
    let repo = open(&remote.scratch)?;
    if contained(
        Objects::new(&repo.objects),
        tips(&repo, "refs/heads/")?,
        commit,
    ) {
        return Ok(Standing::OnBranch);
    }
    Ok(
        match remote.fetch(&[], &commit.to_string()).run()?.success() {
            true => Standing::Loose,
            false => Standing::Absent,
        },
    )
}

/// The commits of the submodule `name` at `url`, without trees: all that its branches lead to, and those that lead to the
/// commits of `more` that the server gives out. The submodule's own repository stays untouched.
///
/// # Errors
/// The server cannot be reached.
pub fn histories(
    fleet: &Repository,
    name: Option<&BStr>,
    url: Option<&BStr>,
    more: &[ObjectId],
) -> Result<Store> {
    let remote = Remote::of(fleet, name, url)?;
    remote.fetch_branches()?;
    for commit in more {
        if !matches!(remote.store()?.tree_of(*commit), Ok(Some(_))) {
            // One that nobody pushed is not to be had; whoever needs it finds that out.
            remote.fetch(&[], &commit.to_string()).run()?;
        }
    }
    remote.store()
}

/// Where the repositories of commits are, one for each URL; it need not exist.
pub(super) fn folder(fleet: &Repository) -> PathBuf {
    fleet.common_dir().join("flota/branches")
}

/// A submodule's server, and flota's own repository of the commits that it has.
struct Remote {
    source: Source,
    settings: Vec<Setting>,
    scratch: PathBuf,
    /// This run alone writes to the repository.
    _lock: File,
}

impl Remote {
    fn of(fleet: &Repository, name: Option<&BStr>, url: Option<&BStr>) -> Result<Self> {
        let source = url::source(fleet, name, url)?;
        let mut settings = remote::settings(&fleet.to_local()?);
        // It may hold a password, and arguments can be read by everybody.
        settings.push(("remote.origin.url".to_owned(), source.address()));
        let (scratch, lock) = scratch(fleet, &source)?;
        Ok(Self {
            source,
            settings,
            scratch,
            _lock: lock,
        })
    }

    fn fetch_branches(&self) -> Result<()> {
        let branches = self.fetch(&["--prune"], "+refs/heads/*:refs/heads/*");
        branches.run()?.check(|| {
            let shown = &self.source.shown;
            Error::unavailable(format!("cannot fetch the branches of {shown}")).hint(format!(
                "see whether you can reach it: git ls-remote {shown}"
            ))
        })?;
        Ok(())
    }

    fn fetch(&self, options: &[&str], refspec: &str) -> Command {
        let command = git(&self.scratch)
            .env("GIT_ALLOW_PROTOCOL", self.source.protocols)
            .arg("--git-dir=.")
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-recurse-submodules", "--no-auto-maintenance"])
            .arg("--filter=tree:0")
            .args(options.iter().copied())
            .args(["--", "origin", refspec])
            .patience(PATIENCE);
        remote::with_settings(command, self.settings.iter())
    }

    fn store(&self) -> Result<Store> {
        let hash = open(&self.scratch)?.object_hash();
        Store::at(self.scratch.clone(), hash)
            .ok_or_else(|| Error::unavailable(format!("cannot read `{}`", self.scratch.display())))
    }
}

/// One repository for each URL, made when it is not there, and its lock.
fn scratch(fleet: &Repository, source: &Source) -> Result<(PathBuf, File)> {
    let hash = Sha256::digest(&*source.url);
    let name: String = hash
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let dir = folder(fleet).join(name);
    let cannot = |err| Error::unavailable(format!("cannot write `{}`", dir.display())).because(err);
    let lock = kept::hold(&dir)?;
    fs::create_dir_all(&dir).map_err(cannot)?;
    // What a killed run's git left: with the lock held, nobody is at work on it.
    for stale in ["packed-refs.lock", "shallow.lock", "config.lock"] {
        let _ = fs::remove_file(dir.join(stale));
    }
    let format = format!("--object-format={}", fleet.object_hash());
    let init = git(&dir).args(["init", "--quiet", "--bare", "--template=", &format, "."]);
    init.run()?
        .check(|| Error::unavailable(format!("cannot make a repository in `{}`", dir.display())))?;
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
