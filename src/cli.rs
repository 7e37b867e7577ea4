//! The command line: clap types and nothing else. The first line of each doc comment is `-h`, the rest `--help`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

mod branch;
mod build;
mod bump;
mod cache;
mod changed;
mod check;
mod ci;
mod clone;
mod commit;
mod completions;
mod deferred;
mod demo;
mod diff;
mod explain;
mod fetch;
mod foreach;
mod format;
mod graph;
mod help;
mod init;
mod log;
mod man;
mod new;
pub mod parse;
mod plan;
mod pull;
mod push;
mod record;
mod resolve;
mod shared;
mod status;
mod switch;
mod sync;
mod template;
mod templates;
mod update;
mod worktree;

pub use branch::Branch;
pub use build::{Build, Builder};
pub use bump::Bump;
pub use cache::Cache;
pub use changed::{Changed, ChangedFormat};
pub use check::Check;
pub use ci::{Ci, CiSystem};
pub use clone::Clone;
pub use commit::Commit;
pub use completions::Completions;
pub use deferred::Deferred;
pub use demo::Demo;
pub use diff::{Diff, DiffFormat};
pub use explain::Explain;
pub use fetch::Fetch;
pub use foreach::Foreach;
pub use graph::{Graph, GraphFormat};
pub use help::{Help, TOPICS};
pub use init::Init;
pub use log::Log;
pub use man::Man;
pub use new::{Forge, New};
pub use plan::{Plan, PlanFormat};
pub use pull::Pull;
pub use push::Push;
pub use record::Record;
pub use resolve::Resolve;
pub use shared::{Ends, Reading, ReportFormat, ResultFormat, Transfer};
pub use status::Status;
pub use switch::Switch;
pub use sync::Sync;
pub use template::{Template, TemplateCommand, TemplateDrift, TemplateUpdate};
pub use templates::Templates;
pub use update::Update;
pub use worktree::{WorktreeAdd, WorktreeArgs, WorktreeCommand, WorktreeList, WorktreeRemove};

/// The crate's version, and in a release build the commit that it was built from.
pub const VERSION: &str = env!("FLOTA_VERSION");

/// A Git-native manager for a fleet of services that are linked as submodules.
#[derive(Debug, Parser)]
#[command(
    name = "flota",
    version = VERSION,
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Run as if started in DIR.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Read FILE instead of the fleet's flota.toml.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// In the folder of a service that is checked out in a fleet: work in the service's own repository, and not in the fleet.
    #[arg(long, global = true)]
    pub service_only: bool,
    /// Print only results and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say what is done: a line for each child process and each request, with its time. Twice: more.
    ///
    /// `-v` also says why a faster way was not taken, and shows what child processes printed; `-vv` says where they ran and what was
    /// tried again. The environment variable `FLOTA_LOG` (`off`, `info`, `debug`) does the same where no flag can be added. Known
    /// secrets appear as `***`.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: ColorWhen,
    /// Print plain lines instead of progress bars.
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// In a CI system, print plain lines instead of groups, annotations and a summary.
    #[arg(long, global = true)]
    pub no_ci_commands: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what changed inside the services between two commits.
    ///
    /// Compares two commits of the fleet, and looks inside every submodule whose pin differs. Nothing is checked out; commits
    /// that are missing are fetched, and the submodules stay as they are. Inside the repository of a single service, it compares `code/` and `config/` there.
    ///
    /// Without a range, the CI system says which commits to compare; outside of CI they are the fleet's base branch and HEAD.
    Changed(Deferred<Changed>),
    /// Show the commits inside the services between two commits.
    ///
    /// Lists, for each service whose pin differs between two commits of the fleet, the commits that are new and those that are gone. The
    /// services need not be checked out: history that is missing is fetched, without files, and the services stay as they are.
    ///
    /// With --format markdown, for release notes.
    Log(Deferred<Log>),
    /// Show the patches inside the services between two commits.
    ///
    /// Shows, for each service whose pin differs between two commits of the fleet, how its files differ, as git diff --submodule=diff does.
    /// The services need not be checked out: what is missing is fetched, and the services stay as they are. Of a service that is gone there is
    /// no patch.
    Diff(Deferred<Diff>),
    /// Show which images and charts have to be built, and why.
    ///
    /// A change of the code calls for a new image and a new chart. A change of the configuration alone calls for a new chart.
    Plan(Deferred<Plan>),
    /// Explain why a service is built or not.
    ///
    /// Names the rule that decided (see flota help rules), both content ids, and git commands that show the same.
    Explain(Deferred<Explain>),
    /// Show which services build on others or depend on them.
    ///
    /// A service builds on the image of another if its Dockerfile names it; it depends on another if the configuration says so.
    /// With RANGE, also what the range calls for.
    Graph(Deferred<Graph>),
    /// Check the pins of a pull request.
    ///
    /// Each new pin must be pushed, be on a branch of its submodule's remote, and not go back by accident. Everything that
    /// `flota changed` warns about is a failure here (exit 4). A server is asked only if the last fetch does not give the answer.
    Check(Deferred<Check>),
    /// Build images and package charts, in parallel.
    ///
    /// The sources are the pinned commits, not the worktrees. An image that exists already (with the same code, build arguments,
    /// platform and Dockerfile) is not built again: it only gets its new tags.
    ///
    /// With SERVICE and without a range, these services are built as they are at HEAD. With neither, flota builds what changed.
    Build(Deferred<Build>),
    /// Record which services were built, for --base last-success.
    ///
    /// A service that failed, or whose build did not start, keeps the commit at which it last succeeded, so that the next run
    /// builds it again even if other services moved on. The record is kept in Git, under refs/flota/success/NAME. The record
    /// of the remote takes precedence over the local one, and several runs may record at the same time.
    Record(Deferred<Record>),
    /// Clone a fleet with all its submodules, in parallel.
    ///
    /// The result on disk is that of `git clone --recurse-submodules`, so that every git command works. If a submodule cannot be
    /// cloned, it is named (exit 1), and `flota update` can clone it later.
    Clone(Deferred<Clone>),
    /// Check out the pinned commits in the services.
    ///
    /// Clones and fetches what is missing. No work is lost: a service with uncommitted changes, with commits that are on no branch,
    /// or with an operation of git in progress, is not touched, and is named (exit 4).
    ///
    /// With --remote, the pins first move to the tips of their branches: `branch` in .gitmodules, else the remote's HEAD.
    Update(Deferred<Update>),
    /// Show the branch, the pin and the changes of each service.
    ///
    /// Also shows which commits are not pushed, stashes, and how many commits a branch is behind its upstream, by the last fetch. Services
    /// that need nothing are only counted, unless --all is given.
    Status(Deferred<Status>),
    /// Run a command in every service, in parallel.
    ///
    /// The command is not passed to a shell. Its environment has FLOTA_SERVICE, FLOTA_PATH, FLOTA_PIN and FLOTA_FLEET. The output
    /// of each service is printed in one piece, in the order of the services' paths. After a failure no further command is started,
    /// unless --keep-going is given. The exit code is that of the worst failure: 1 if a command failed, 3 if it could not be started.
    Foreach(Deferred<Foreach>),
    /// Switch services to a branch, or create it in them.
    ///
    /// All services are checked before the first one moves. As with git switch, uncommitted changes are kept where possible. A
    /// service that would lose changes or commits, or has an operation of git in progress, is not switched, and is named (exit 4); the
    /// others are switched. Without SERVICE, services that do not have the branch are left as they are. Services are not fetched; their
    /// own submodules follow to the pins of the branch, as with flota update.
    Switch(Deferred<Switch>),
    /// Let the clones of services follow the URLs in .gitmodules.
    ///
    /// Does what `git submodule sync --recursive` does, and fetches the branches of the new URL, so that no branch of the old one
    /// counts as pushed. A service whose new URL does not answer keeps the old one. `flota update` follows by itself if an
    /// earlier commit of the fleet listed the old URL; this command also replaces a URL of your own.
    Sync(Deferred<Sync>),
    /// List, create or delete branches of the services.
    ///
    /// Without BRANCH, lists the branches of each service, their upstreams, and whether the default branch of the remote has their commits.
    /// With BRANCH, creates it: from the remote's branch of that name if there is one, else from HEAD, which stays where it is.
    ///
    /// --delete deletes a branch only where the remote has its commits; where it does not, the branch is left and named (exit 4).
    Branch(Deferred<Branch>),
    /// Commit what is staged in the services, then their pins.
    ///
    /// Commits in every service that has staged changes, with the same message, then the new pins of these services in the fleet, and
    /// nothing else: what else is staged stays staged. Hooks and signing work as for git commit.
    ///
    /// A service whose HEAD is detached, or that is in the middle of a merge or similar, is left as it is, and is named (exit 4). If a
    /// commit fails, its service is named (exit 1), and its pin is not committed.
    Commit(Deferred<Commit>),
    /// Fetch from the remotes of the services and the fleet.
    ///
    /// Fetches from the remote of each service's branch, and from the fleet's, as git fetch does there. Neither branches nor files change;
    /// that is for flota pull, flota update and git.
    Fetch(Deferred<Fetch>),
    /// Pull the fleet's branch, then check out the pins.
    ///
    /// Does git pull in the fleet, as its configuration says, then what flota update does. No work is lost: if git stops at a conflict, or
    /// does not pull in this state of the fleet, no service moves (exit 4), and a service with work of its own is left and named.
    Pull(Deferred<Pull>),
    /// Push the services' branches, then the fleet's.
    ///
    /// Pushes the branch of each service that has commits for its remote, with git's hooks, and never by force. A branch that is new
    /// gets an upstream. As with git push, `push.default` and `pushRemote` say where a branch goes.
    ///
    /// Then the fleet's branch follows, if every pin that it brings is at the URL that .gitmodules lists for it; else it is left (exit 4),
    /// since nobody else could clone it. A service whose HEAD is detached at commits of its own, or whose branch has diverged from that of
    /// its remote, is left and named too. If a push fails, its service is named (exit 1).
    Push(Deferred<Push>),
    /// Stage the services' HEADs as their new pins.
    ///
    /// Stages all named services or none. A service whose commits are not pushed is refused, since nobody else could check it out.
    Bump(Deferred<Bump>),
    /// Resolve pins that are in conflict after a merge or rebase.
    ///
    /// If the commit of one side contains that of the other, and both contain the pin before, it is staged as the pin, also if the
    /// submodule is not checked out: missing history is fetched, without files. If both sides have commits of their own, these are
    /// shown. If one side went back, nothing says which commit is meant. In both cases the pin stays in conflict, and the exit code
    /// is 4.
    Resolve(Deferred<Resolve>),
    /// Show or clear what flota keeps for later runs.
    ///
    /// The fleet's git directory has facts about commits, and commits and trees of submodules that are not checked out. The user's
    /// cache directory has objects for further clones of the same repositories, and base images of the embedded builder. All of it can
    /// be deleted: flota reads or fetches again what is missing.
    Cache(Deferred<Cache>),
    /// Add, list or remove further worktrees of the fleet.
    Worktree(WorktreeArgs),
    /// Turn a repository into a fleet.
    ///
    /// Adds a flota.toml that explains every key, directories for services and infrastructure, and a section in the README.
    /// Existing files and submodules are not changed, and a second run changes nothing.
    Init(Deferred<Init>),
    /// Create a service and add it to the fleet.
    ///
    /// Creates a repository with `code/`, `config/` and one commit, pushes its branches main and development, and adds it to the
    /// fleet as a staged submodule. If a step fails, everything is as it was before.
    ///
    /// On a terminal, flota asks for what is missing. Elsewhere that is an error, which names the flag.
    New(Deferred<New>),
    /// List the templates for new services and their questions.
    Templates(Deferred<Templates>),
    /// Update services from the templates that created them.
    Template(Template),
    /// Write the pipelines of a CI system into the repository.
    ///
    /// In a fleet: one job makes the plan, as many jobs as needed build, one job reports. In the repository of a service: the image
    /// is built if the code changed, the chart if only the configuration changed. The pipelines run for pull requests, and for pushes
    /// to development, main and master. Files that flota did not write are not overwritten, unless --force is given.
    Ci(Deferred<Ci>),
    /// Create a small fleet and try flota on it.
    ///
    /// Creates three services, changes them, and runs changed, plan and build.
    Demo(Deferred<Demo>),
    /// Print a completion script for a shell.
    ///
    /// For bash: flota completions bash >~/.local/share/bash-completion/completions/flota
    Completions(Deferred<Completions>),
    /// Print flota's manual page, or write all pages to a directory.
    ///
    /// To read it: flota man | man -l -
    Man(Deferred<Man>),
    /// Show help for a command or a topic.
    ///
    /// On a terminal, topics are shown by a pager: the one in FLOTA_PAGER, else in PAGER, else less. An empty value, or `cat`, means no
    /// pager.
    Help(Deferred<Help>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
