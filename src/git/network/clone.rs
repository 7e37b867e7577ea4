//! Clones a submodule's whole repository, by `git clone`, which knows every way to log in, every proxy and every
//! kind of server; from a repository on this machine ([`local`]) and from HTTP servers ([`http`]) more directly.

use std::{
    fs, io,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;
use log::info;

use super::{
    command::ServerCommand,
    configuration::Configuration,
    fault::{ServerFault, explain},
};
use crate::{
    files,
    git::{
        command::argument,
        config_file::ConfigFile,
        remote,
        repository::Repository,
        url::{self, Source},
        version,
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::Events,
    },
    parallel::Gate,
    process::masked,
};

pub mod cache;
mod connected;
mod http;
mod layout;
mod local;
mod obtain;
mod partial;
mod settings;
mod sibling;

use cache::ObjectCache;
#[cfg(any(test, fuzzing))]
pub use http::properties;
use http::{DirectFailure, HttpCloner};
use layout::NewClone;

/// What a partial clone leaves out.
const PARTIAL: &str = "--filter=blob:none";

/// How to bring repositories.
#[derive(Clone, Copy)]
pub struct CloneOptions<'a> {
    /// Of each branch so many of the newest commits; all of them when nobody says.
    pub depth: Option<NonZeroU32>,
    /// Whether to leave out the content of files but for those of the pin: `--filter=blob:none` (git-rev-list(1)).
    pub is_partial: bool,
    /// How long a server may be silent.
    pub patience: Duration,
    /// How many children (`git clone`, `git upload-pack`) may be at work at a time.
    pub children: NonZeroUsize,
    /// Whether the user's object cache is read and filled.
    pub is_cached: bool,
    /// Where progress goes.
    pub events: Events<'a>,
}

/// The ways to repositories.
pub struct Access<'a> {
    options: CloneOptions<'a>,
    configuration: Configuration,
    /// None where `git clone` is to find out everything by itself.
    direct: Option<Direct<'a>>,
    /// What the fleet's configuration says of the file system; nothing where it says nothing, and is not to be asked.
    file_system: Vec<(&'static str, BString)>,
    children: Gate,
}

/// What it takes to clone in process.
struct Direct<'a> {
    http: HttpCloner<'a>,
    cache: Option<ObjectCache>,
}

impl<'a> Access<'a> {
    /// With what `fleet`'s own configuration says of servers.
    pub fn new(fleet: &Repository, options: CloneOptions<'a>) -> Result<Self> {
        let repo = fleet.to_local()?;
        let configuration = Configuration::of_fleet(&repo);
        let CloneOptions {
            patience, events, ..
        } = options;
        let direct = Direct {
            http: HttpCloner::new(&repo, configuration.settings(), patience, events),
            cache: ObjectCache::of_user().filter(|_| options.is_cached),
        };
        // Clones that leave something out have a configuration and files of their own, which are git's to write.
        let gits = settings::of_git(configuration.file());
        if let Some(key) = gits {
            info!("git clones all of them, since the configuration says {key}");
        }
        // A repository that git makes says of the file system what git finds out.
        let file_system = match gits {
            Some(_) => Vec::new(),
            None => layout::file_system(&repo),
        };
        let is_plain = options.depth.is_none() && !options.is_partial && !file_system.is_empty();
        Ok(Self {
            direct: Some(direct).filter(|_| is_plain),
            file_system,
            configuration,
            ..Self::of_user(options)
        })
    }

    /// With nothing but the user's and the system's configuration: for the fleet itself.
    pub fn of_user(options: CloneOptions<'a>) -> Self {
        Self {
            options,
            configuration: Configuration::of_user(),
            direct: None,
            file_system: Vec::new(),
            children: Gate::new(options.children),
        }
    }

    /// What the remote of a new clone is called.
    ///
    /// # Errors
    /// Misuse: the user's name for it is none.
    pub fn remote(&self) -> Result<BString> {
        self.configuration.remote_of_new_clones()
    }

    /// Notes in the new clone `git_dir` where it came from, as it was given.
    ///
    /// # Errors
    /// Unavailable: its configuration cannot be written.
    pub fn note_source(&self, git_dir: &Path, source: &Source) -> Result<()> {
        set_url(git_dir, self.remote()?.as_ref(), source)
    }

    /// Brings the repository at `source`, its branches and tags, into `into`, which is a worktree without files then. HEAD is
    /// on `branch`, else where the server's is. It is `depth` commits deep.
    ///
    /// # Errors
    /// Work: the server cannot be reached, or does not have it. Unavailable: git is needed and not installed. Nothing of it is kept.
    pub fn clone(
        &self,
        source: &Source,
        branch: Option<&str>,
        depth: Option<NonZeroU32>,
        into: &Path,
    ) -> Result<()> {
        url::check_password(self.configuration.file(), source.url.as_ref())?;
        if let Some(direct) = &self.direct
            && branch.is_none()
            && depth.is_none()
        {
            match self.directly(direct, source, &self.remote()?, into) {
                Ok(()) => return Ok(()),
                Err(DirectFailure::Unfit(said)) if interrupt::pending().is_none() => {
                    let said = masked(said.as_bytes());
                    info!("{}: git clones it, since {}", source.shown, said.as_bstr());
                    discard(into)?;
                }
                Err(DirectFailure::Unfit(said) | DirectFailure::Final(said)) => {
                    let fault = ServerFault::Failed(said);
                    return Err(explain(&fault, source, "cannot be cloned"));
                }
            }
        }
        self.by_git(source, branch, depth, into)
    }

    /// The same from one of `siblings`, the git directories that the fleet's other worktrees have for it, without a server; `false`
    /// where none of them serves.
    ///
    /// # Errors
    /// Unavailable: what was begun cannot be removed, or there is no room.
    pub fn clone_from_sibling(
        &self,
        source: &Source,
        siblings: &[PathBuf],
        into: &Path,
    ) -> Result<bool> {
        let remote = self.remote()?;
        let new = NewClone {
            into,
            remote: remote.as_ref(),
            url: source.url.as_ref(),
            file_system: &self.file_system,
        };
        let here = siblings.iter().filter(|one| one.join("HEAD").is_file());
        for from in here.filter(|_| !self.file_system.is_empty()) {
            match sibling::clone(from, &new) {
                Ok(()) => return Ok(true),
                Err(error) if files::is_full(&error) => return Err(error),
                Err(error) => {
                    info!("{}: {}", from.display(), ServerFault::failed(&error).said());
                    discard(into)?;
                }
            }
        }
        Ok(false)
    }

    fn directly(
        &self,
        direct: &Direct<'_>,
        source: &Source,
        remote: &BString,
        into: &Path,
    ) -> Result<(), DirectFailure> {
        let CloneOptions {
            patience, events, ..
        } = self.options;
        let new = NewClone {
            into,
            remote: remote.as_ref(),
            url: source.url.as_ref(),
            file_system: &self.file_system,
        };
        match (&source.local, &source.http) {
            (Some(from), _) => {
                let _entered = self.children.enter();
                local::clone(from, &new, patience, events)
                    .map_err(|fault| DirectFailure::Unfit(fault.said()))
            }
            (None, Some(address)) => {
                let address = address.as_ref();
                let shelf = direct.cache.as_ref().map(|cache| cache.shelf(address));
                direct.http.clone(address, &new, shelf.as_ref())
            }
            (None, None) => Err(DirectFailure::Unfit("its transport is git's".to_owned())),
        }
    }

    fn by_git(
        &self,
        source: &Source,
        branch: Option<&str>,
        depth: Option<NonZeroU32>,
        into: &Path,
    ) -> Result<()> {
        // Before it is run, so that a git that is not installed, or too old, is not held against the server.
        version::check()?;
        let shown: &BStr = match &source.local {
            Some(_) => source.url.as_ref(),
            None => source.shown.as_ref(),
        };
        let is_relative =
            source.local.is_some() && !shown.starts_with(b"/") && !shown.contains_str("://");
        let from = match &source.local {
            Some(folder) if is_relative => argument(folder),
            _ => shown.to_os_str_lossy().into_owned(),
        };
        let parent = into.parent().unwrap_or(into);
        let patience = self.options.patience;
        let command =
            ServerCommand::for_clone(parent, source, shown, &self.configuration, patience)
                .args(["-c", "advice.detachedHead=false"])
                .args(["clone", "--progress", "--no-checkout", "--no-local"])
                .args(["--no-recurse-submodules", "--template="])
                .arg(format!("--origin={}", self.remote()?))
                .args(depth.map(|depth| format!("--depth={depth}")))
                .args(depth.map(|_| "--no-single-branch"))
                .args(self.options.is_partial.then_some(PARTIAL))
                .args(branch.map(|branch| format!("--branch={branch}")))
                .arg("--")
                .arg(from)
                .arg(argument(into));
        self.run(&command)
            .map_err(|fault| explain(&fault, source, "cannot be cloned"))
    }

    /// How much of the history of a new clone to bring: as much as the user says, else as is `recommended`.
    pub fn depth(&self, recommended: Option<NonZeroU32>) -> Option<NonZeroU32> {
        self.options.depth.or(recommended)
    }

    /// Makes sure that `commit` and its files are in the repository `git_dir`, which came from `source`: no branch need lead
    /// to a pin. What it takes is `depth` commits deep; of a repository that is not new nobody may say so, since that would cut its
    /// history.
    ///
    /// # Errors
    /// Repository: the server does not have it. No other commit is used in its place.
    pub fn obtain(
        &self,
        git_dir: &Path,
        source: &Source,
        commit: ObjectId,
        depth: Option<NonZeroU32>,
    ) -> Result<()> {
        self.obtain_commit(git_dir, source, commit, depth)?;
        let lacking = partial::lacking(git_dir, commit)?;
        if lacking.is_empty() {
            return Ok(());
        }
        let ids: String = lacking.iter().map(|id| format!("{id}\n")).collect();
        // As git itself fetches what a partial clone lacks: nothing here leads to any of it.
        let remote = remote_of(git_dir);
        let CloneOptions { patience, .. } = self.options;
        let command = ServerCommand::in_submodule(
            git_dir,
            remote.as_ref(),
            source,
            &self.configuration,
            patience,
        )
        .args(["-c", "fetch.negotiationAlgorithm=noop"])
        .fetch()
        .args([PARTIAL, "--stdin", "--"])
        .arg(remote.to_os_str_lossy().into_owned())
        .input(ids);
        self.run(&command)
            .map_err(|fault| explain(&fault, source, "cannot be fetched from"))
    }

    fn run(&self, command: &ServerCommand) -> std::result::Result<(), ServerFault> {
        let _entered = self.children.enter();
        command.run()
    }
}

/// Removes what was begun.
fn discard(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            Err(Error::unavailable(format!("cannot remove `{}`", folder.display())).because(err))
        }
        _ => Ok(()),
    }
}

/// The remote of the repository `git_dir`.
fn remote_of(git_dir: &Path) -> BString {
    gix::open(git_dir).map_or_else(|_| remote::ORIGIN.into(), |repo| remote::name(&repo))
}

fn set_url(git_dir: &Path, remote: &BStr, source: &Source) -> Result<()> {
    let mut config = ConfigFile::of(git_dir)?;
    config.set("remote", Some(remote), "url", &source.url)?;
    config.write()
}
