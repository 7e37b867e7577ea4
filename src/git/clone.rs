//! A submodule's repository brought here as a whole, by `git clone`, which knows every way to log in, every proxy and every
//! kind of server; from a repository on this machine ([`local`]) and from HTTP servers ([`http`]) more directly.

use std::{fs, io, num::NonZeroU32, path::Path, time::Duration};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    command::{argument, git},
    fetch::{
        attempt::{self, Fault},
        remote::{self, Setting},
    },
    repository::Repository,
    submodule::Store,
    url::Source,
};
use crate::{
    interrupt,
    model::error::{Error, Result},
    process::Command,
};

mod http;
mod layout;
mod local;

use http::{Http, Refusal};

/// How to bring repositories.
pub struct Access {
    settings: Vec<Setting>,
    /// None where `git clone` is to find out everything by itself.
    direct: Option<Direct>,
    depth: Option<NonZeroU32>,
    patience: Duration,
}

/// What it takes to clone in process.
struct Direct {
    http: Http,
    /// What the fleet's configuration says of the file system.
    file_system: Vec<(&'static str, BString)>,
}

impl Access {
    /// With what `fleet`'s own configuration says of servers; of each branch the newest `depth` commits, or all. A server that
    /// says nothing for `patience` is given up.
    pub fn new(fleet: &Repository, depth: Option<NonZeroU32>, patience: Duration) -> Result<Self> {
        let repo = fleet.to_local()?;
        let settings = remote::settings(&repo);
        let direct = Direct {
            http: Http::new(&repo, &settings, patience),
            file_system: layout::file_system(&repo),
        };
        Ok(Self {
            direct: Some(direct).filter(|direct| !direct.file_system.is_empty()),
            settings,
            depth,
            patience,
        })
    }

    /// With nothing but the user's and the system's configuration: for the fleet itself.
    pub fn of_user(depth: Option<NonZeroU32>, patience: Duration) -> Self {
        Self {
            settings: Vec::new(),
            direct: None,
            depth,
            patience,
        }
    }

    /// Brings the repository at `source`, its branches and tags, into `into`, which is a worktree without files then. HEAD is
    /// on `branch`, else where the server's is.
    ///
    /// # Errors
    /// Work: the server cannot be reached, or does not have it. Nothing of it stays.
    pub fn clone(&self, source: &Source, branch: Option<&str>, into: &Path) -> Result<()> {
        if let Some(direct) = &self.direct
            && branch.is_none()
            && self.depth.is_none()
        {
            match direct.clone(source, into, self.patience) {
                Ok(()) => return Ok(()),
                Err(Refusal::Unfit(_)) if interrupt::pending().is_none() => discard(into)?,
                Err(Refusal::Unfit(said) | Refusal::Silent(said)) => {
                    return Err(explain(Fault::Failed(said), source, "cannot be cloned"));
                }
            }
        }
        let parent = into.parent().unwrap_or(into);
        let mut command = git(parent)
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"])
            .args(["-c", "transfer.bundleURI=false"])
            .args(["-c", "advice.detachedHead=false"])
            .args(["clone", "--progress", "--no-checkout", "--no-local"])
            .args(["--no-recurse-submodules", "--template=", "--origin=origin"]);
        if let Some(depth) = self.depth {
            command = command.args([format!("--depth={depth}"), "--no-single-branch".into()]);
        }
        if let Some(branch) = branch {
            command = command.arg(format!("--branch={branch}"));
        }
        // A password in a URL is no argument: the environment says what the URL without it stands for.
        let url: &BStr = match &source.local {
            Some(_) => source.url.as_ref(),
            None => source.shown.as_ref(),
        };
        let secret = (url != source.url).then(|| {
            (
                format!("url.{}.insteadOf", source.url),
                url.to_str_lossy().into_owned(),
            )
        });
        let is_relative =
            source.local.is_some() && !url.starts_with(b"/") && !url.contains_str("://");
        let from = match &source.local {
            Some(folder) if is_relative => argument(folder),
            _ => url.to_os_str_lossy().into_owned(),
        };
        let command = command.arg("--").arg(from).arg(argument(into));
        self.run(command, source, secret.as_ref())
            .map_err(|fault| explain(fault, source, "cannot be cloned"))
    }

    /// Makes sure that `commit` is in the repository `git_dir`, which came from `source`: no branch need lead to a pin.
    ///
    /// # Errors
    /// Repository: the server does not have it. No other commit stands in for it.
    pub fn obtain(&self, git_dir: &Path, source: &Source, commit: ObjectId) -> Result<()> {
        let is_here = || {
            Store::at(git_dir.to_owned(), commit.kind())
                .is_some_and(|store| matches!(store.tree_of(commit), Ok(Some(_))))
        };
        if is_here() {
            return Ok(());
        }
        let fetch = |depth: Option<String>, refspecs: &[String]| {
            let command = git(git_dir)
                .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"])
                // Its own worktree may not be there yet.
                .args(["--git-dir=.", "--work-tree=."])
                .args(attempt::FETCH)
                .args(depth)
                .args(["--", "origin"])
                .args(refspecs);
            self.run(command, source, None)
        };
        let depth = self.depth.map(|depth| format!("--depth={depth}"));
        // By its id, which any forge gives; a server that does not may have it on a branch.
        let by_id = fetch(depth, &[commit.to_string()]);
        if is_here() {
            return Ok(());
        }
        let brought = match by_id {
            Err(Fault::Unadvertised(_)) => {
                fetch(None, &["+refs/heads/*:refs/remotes/origin/*".to_owned()])
            }
            ended => ended,
        };
        match brought {
            Ok(()) if is_here() => Ok(()),
            Ok(()) => Err(lacking(commit, source)),
            Err(Fault::NotThere(said) | Fault::Unadvertised(said)) => {
                Err(lacking(commit, source).because(said))
            }
            Err(fault) => Err(explain(fault, source, "cannot be fetched from")),
        }
    }

    fn run(
        &self,
        command: Command,
        source: &Source,
        more: Option<&Setting>,
    ) -> std::result::Result<(), Fault> {
        let command = command
            .env("GIT_ALLOW_PROTOCOL", source.protocols)
            .env("GIT_PROTOCOL_FROM_USER", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .patience(self.patience);
        attempt::run(&remote::with_settings(
            command,
            self.settings.iter().chain(more),
        ))
    }
}

impl Direct {
    fn clone(&self, source: &Source, into: &Path, patience: Duration) -> Result<(), Refusal> {
        let url = source.url.as_ref();
        match (&source.local, &source.http) {
            (Some(from), _) => local::clone(from, url, into, &self.file_system, patience)
                .map_err(|fault| Refusal::Unfit(said(fault))),
            (None, Some(address)) => {
                self.http
                    .clone(address.as_ref(), url, into, &self.file_system)
            }
            (None, None) => Err(Refusal::Unfit("its transport is git's".to_owned())),
        }
    }
}

/// Removes what was begun.
fn discard(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            Err(Error::environment(format!("cannot remove `{}`", folder.display())).because(err))
        }
        _ => Ok(()),
    }
}

fn lacking(commit: ObjectId, source: &Source) -> Error {
    Error::repository(format!("its commit {commit} is not at {}", source.shown))
        .hint("push it from where it was made, or pin a commit that the server has")
}

fn explain(fault: Fault, source: &Source, what: &str) -> Error {
    Error::work(format!("{} {what}", source.shown))
        .because(said(fault))
        .hint(format!(
            "see whether it answers: git ls-remote {}",
            source.shown
        ))
}

fn said(fault: Fault) -> String {
    match fault {
        Fault::NotThere(said) | Fault::Unadvertised(said) | Fault::Failed(said) => said,
        Fault::Offline => "flota is told to stay offline".to_owned(),
    }
}
