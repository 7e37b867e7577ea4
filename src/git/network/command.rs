//! The command of every git that talks to a server, with all precautions: whoever uses it adds what is to be asked for.
//!
//! - The transports are those that the URL may use; nothing that comes from a server is counted as the user's own wish.
//! - Logins are in the environment, and no argument: those can be read by everybody. They go to no other server on a redirect.
//! - A server that says nothing is given up, by git too: a flota that was killed leaves nobody behind for long.
//! - git speaks English, since its words are looked at.

use std::{ffi::OsString, path::Path, time::Duration};

use bstr::{BStr, BString, ByteSlice};

use super::{configuration::Configuration, conversation::Conversation, fault::ServerFault};
use crate::{
    git::{
        command::git,
        repository::Repository,
        url::{self, Source},
    },
    model::error::Result,
    process::Command,
};

/// How long a server may be silent, when nobody says.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How much longer than flota a git waits for a server that says nothing.
const LONGER: Duration = Duration::from_secs(3);

/// The remote that every repository of flota's own has, and the only one.
const ORIGIN: &str = "origin";

/// What a URL is called in a repository that has no remote for it, as long as a command runs.
pub(in crate::git) const SOURCE: &str = "flota";

/// How every fetch begins: it reports progress, and touches nothing that it is not told to.
const FETCH: [&str; 8] = [
    "-c",
    "transfer.bundleURI=false",
    "fetch",
    "--progress",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
];

/// Nothing is tidied up on the way.
const NO_MAINTENANCE: [&str; 4] = ["-c", "gc.auto=0", "-c", "maintenance.auto=false"];

/// A git that is going to talk to a server.
#[derive(Clone, Debug)]
#[must_use = "nothing starts before `run`"]
pub(in crate::git) struct ServerCommand {
    command: Command,
    to: Conversation,
}

impl ServerCommand {
    /// In the repository `dir` of flota's own, whose `origin` is `source`. What it lacks is not fetched unasked.
    pub(crate) fn in_store(
        dir: &Path,
        source: &Source,
        configuration: &Configuration,
        patience: Duration,
    ) -> Self {
        let command = git(dir)
            .args(NO_MAINTENANCE)
            .arg("--git-dir=.")
            .env("GIT_NO_LAZY_FETCH", "1")
            // In a hook, git writes no refs anywhere; those of a store are nobody's push.
            .env_remove("GIT_QUARANTINE_PATH");
        Self::with_origin(command, source, configuration, patience)
    }

    /// Outside of any repository, which might have an `origin` of its own; here that is `source`.
    pub(crate) fn outside(
        source: &Source,
        configuration: &Configuration,
        patience: Duration,
    ) -> Self {
        Self::with_origin(git(Path::new("/")), source, configuration, patience)
    }

    /// In a folder where a repository is to be made of `source`, which is given as `given`: an argument.
    pub(crate) fn for_clone(
        parent: &Path,
        source: &Source,
        given: &BStr,
        configuration: &Configuration,
        patience: Duration,
    ) -> Self {
        let command = git(parent)
            .args(NO_MAINTENANCE)
            .args(["-c", "transfer.bundleURI=false"]);
        let mut made = Self::to_source(command, source, configuration, patience).patient();
        made.to.given = given.to_owned();
        if given != source.url {
            // A password in a URL is no argument: the environment says what the URL without it stands for.
            let key = format!("url.{}.insteadOf", source.url);
            made.to
                .settings
                .push((key, given.to_str_lossy().into_owned()));
        }
        made
    }

    /// In the git directory of a submodule, for a conversation with its own remote `remote`, by the submodule's own configuration.
    /// Its worktree may not be there yet. What it came from is `source`, unless the user has set another URL since.
    pub(crate) fn in_submodule(
        git_dir: &Path,
        remote: &BStr,
        source: &Source,
        configuration: &Configuration,
        patience: Duration,
    ) -> Self {
        let command = in_git_dir(git_dir);
        let told = configuration.inside(source);
        let own = gix::open(git_dir).map(|repo| Configuration::of_repository(&repo));
        let Ok(own) = own else {
            return Self::to_source(command, source, &told, patience).patient();
        };
        let given = own.url_of(remote, false);
        let given = given.unwrap_or_else(|| source.url.clone());
        // Its own rules count, and those of the fleet that git is told of.
        let rewritten = own.rewrite(given.as_ref(), false);
        let rewritten = match rewritten == given {
            true => told.rewrite(given.as_ref(), false),
            false => rewritten,
        };
        let mut made = match source.is_at(rewritten.as_ref()) {
            true => Self::to_source(command, source, &told, patience).patient(),
            // The user's own URL: git judges its transport.
            false => {
                let mut made = Self::new(command, patience).patient();
                made.to.settings = told.settings().to_vec();
                made
            }
        };
        made.to.goes_to(given, rewritten, &own);
        made.to.holds_redirects |= told.has_headers();
        made.to.follows_redirects &= told.follows_redirects(source.shown.as_ref());
        made
    }

    /// In the git directory of a submodule, for a conversation with `source`, which is there under the name [`SOURCE`] as long as
    /// the command runs: none of the submodule's own remotes need lead there.
    pub(crate) fn in_submodule_to(
        git_dir: &Path,
        source: &Source,
        configuration: &Configuration,
        patience: Duration,
    ) -> Self {
        let told = configuration.inside(source);
        let mut made = Self::to_source(in_git_dir(git_dir), source, &told, patience).patient();
        let key = format!("remote.{SOURCE}.url");
        made.to.settings.push((key, source.address()));
        made
    }

    /// In the repository in which `command` runs, whose `origin` is `source`; it may ask on the terminal.
    pub(crate) fn in_repository(
        command: Command,
        source: &Source,
        configuration: &Configuration,
    ) -> Self {
        let mut made = Self::to_source(command, source, configuration, PATIENCE);
        made.command = made.command.may_prompt();
        made
    }

    /// In the fleet's own repository, for a conversation with its remote `remote`, by the fleet's own configuration; it may ask on
    /// the terminal.
    ///
    /// # Errors
    /// The configuration cannot be read, or nothing may be written there.
    pub(crate) fn in_fleet(
        fleet: &Repository,
        remote: &BStr,
        is_push: bool,
        patience: Duration,
    ) -> Result<Self> {
        fleet.check_writable()?;
        let command = git(fleet.work_dir().unwrap_or(fleet.common_dir()))
            .arg("--git-dir")
            .arg(fleet.git_dir())
            .may_prompt();
        let made = Self::to_remote(command, &fleet.to_local()?, remote, is_push, patience);
        Ok(made.patient())
    }

    /// A push, fetch or pull that the user called for, in the repository of their own in which `command` runs, with its remote
    /// `remote` and by its own configuration. Where hooks run, they may take their time.
    pub(crate) fn of_user(
        command: Command,
        repository: &gix::Repository,
        remote: &BStr,
        is_push: bool,
    ) -> Self {
        Self::to_remote(command, repository, remote, is_push, PATIENCE)
    }

    fn to_remote(
        command: Command,
        repository: &gix::Repository,
        remote: &BStr,
        is_push: bool,
        patience: Duration,
    ) -> Self {
        let configuration = Configuration::of_repository(repository);
        // What is no name of a remote is a URL.
        let given = configuration.url_of(remote, is_push);
        let given = given.unwrap_or_else(|| remote.to_owned());
        let http = configuration.rewrite(given.as_ref(), is_push);
        let mut made = Self::new(command, patience);
        made.to.goes_to(given, http, &configuration);
        made
    }

    fn new(command: Command, patience: Duration) -> Self {
        let seconds = (patience + LONGER).as_secs();
        Self {
            command: command
                .env("LC_ALL", "C")
                // git-config(1), `http.lowSpeedTime`.
                .env("GIT_HTTP_LOW_SPEED_LIMIT", "1")
                .env("GIT_HTTP_LOW_SPEED_TIME", seconds.to_string()),
            to: Conversation::new(patience),
        }
    }

    /// To a server that somebody else's URL may name.
    fn to_source(
        command: Command,
        source: &Source,
        configuration: &Configuration,
        patience: Duration,
    ) -> Self {
        let command = command
            .env(
                "GIT_ALLOW_PROTOCOL",
                url::allowed(configuration.file(), source.protocols),
            )
            .env("GIT_PROTOCOL_FROM_USER", "0");
        let mut made = Self::new(command, patience);
        let http = match source.local {
            Some(_) => BString::default(),
            None => configuration.rewrite(source.url.as_ref(), false),
        };
        made.to
            .goes_to(source.address().into(), http, configuration);
        made.to.settings = configuration.settings().to_vec();
        made.to.is_complete = configuration.is_complete();
        made
    }

    fn with_origin(
        command: Command,
        source: &Source,
        configuration: &Configuration,
        patience: Duration,
    ) -> Self {
        let configuration = configuration.of_source(source);
        let mut made = Self::to_source(command, source, &configuration, patience).patient();
        let key = format!("remote.{ORIGIN}.url");
        made.to.settings.push((key, source.address()));
        made
    }

    /// Given up once it says nothing for as long as a server may be silent: for what reports its progress.
    pub(crate) fn patient(mut self) -> Self {
        self.command = self.command.patience(self.to.patience);
        self
    }

    /// Lets git get what the store lacks when it comes upon it.
    pub(crate) fn completing(mut self) -> Self {
        self.command = self.command.env_remove("GIT_NO_LAZY_FETCH");
        self
    }

    /// Adds the beginning of a fetch.
    pub(crate) fn fetch(self) -> Self {
        self.args(FETCH)
    }

    /// Adds an argument. Secrets do not belong here: every user of the machine can read them.
    pub(crate) fn arg(self, arg: impl Into<OsString>) -> Self {
        self.args([arg])
    }

    /// Adds arguments.
    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command = self.command.args(args);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.command = self.command.env(name, value);
        self
    }

    /// What git reads on standard input.
    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.command = self.command.input(bytes);
        self
    }

    /// Runs it to its end, again where that is worth it.
    pub(crate) fn run(&self) -> std::result::Result<(), ServerFault> {
        self.to.hold(&self.command).map(drop)
    }

    /// The same, and gives its standard output: at most `limit` bytes.
    pub(crate) fn read(&self, limit: usize) -> std::result::Result<Vec<u8>, ServerFault> {
        self.to.hold(&self.command.clone().stdout_as_data(limit))
    }
}

/// git in the git directory of a submodule, whose worktree may not be there.
fn in_git_dir(git_dir: &Path) -> Command {
    git(git_dir)
        .args(NO_MAINTENANCE)
        .args(["--git-dir=.", "--work-tree=."])
}
