//! The command line: clap types and nothing else. The first line of each doc comment is `-h`, the rest `--help`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod build;
mod bump;
mod cache;
mod changed;
mod check;
mod ci;
mod clone;
mod completions;
mod deferred;
mod demo;
mod explain;
mod foreach;
mod init;
mod man;
mod new;
mod plan;
mod record;
mod resolve;
mod status;
mod switch;
mod template;
mod templates;
mod update;

pub use build::{Build, Builder};
pub use bump::Bump;
pub use cache::Cache;
pub use changed::{Changed, ChangedFormat};
pub use check::Check;
pub use ci::{Ci, CiSystem};
pub use clone::Clone;
pub use completions::Completions;
pub use deferred::Deferred;
pub use demo::Demo;
pub use explain::Explain;
pub use foreach::Foreach;
pub use init::Init;
pub use man::Man;
pub use new::{Forge, New};
pub use plan::{Plan, PlanFormat};
pub use record::Record;
pub use resolve::Resolve;
pub use status::Status;
pub use switch::Switch;
pub use template::{Template, TemplateCommand, TemplateDrift, TemplateUpdate};
pub use templates::Templates;
pub use update::Update;

/// The Git-native manager for a fleet of services, one repository each, linked as submodules.
#[derive(Debug, Parser)]
#[command(
    name = "flota",
    version = env!("FLOTA_VERSION"),
    propagate_version = true,
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
    /// Work as if started in DIR.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Read this instead of the fleet's flota.toml.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print results and errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: hints' causes, what children print.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colour.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: ColorWhen,
    /// Plain lines instead of progress bars.
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// In a CI system: plain lines instead of groups, annotations and a summary.
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
    /// Compares two commits of the fleet and looks inside every submodule whose pin differs, in process: nothing is checked
    /// out and no git runs. Inside a single service's repository it compares `code/` and `config/` there.
    ///
    /// Without a range the two ends are those that the CI system names, else the fleet's base branch and HEAD.
    Changed(Deferred<Changed>),
    /// Show what those changes call for: which image builds, which chart builds.
    ///
    /// Code that changed calls for an image build, which bakes the chart too; where only the configuration changed, the
    /// chart alone is baked.
    Plan(Deferred<Plan>),
    /// Say why a service is built or not, and which git commands show the same.
    Explain(Deferred<Explain>),
    /// Check a pull request: its pins are pushed, on a branch, and not gone back by accident.
    ///
    /// Whatever `flota changed` warns of is a failure here (exit 4), and so is a new pin that is on no branch of its
    /// submodule's remote. Servers are asked only where the last fetch does not settle it.
    Check(Deferred<Check>),
    /// Do it: build images and bake charts, in parallel, nothing twice.
    ///
    /// Builds from the commits, not from the worktrees: what is built is what is pinned. An image whose identity (code,
    /// build arguments, platform, Dockerfile) is at hand already is not built again, it only gets its further tags.
    ///
    /// With SERVICE and no range, these services are built as they are at HEAD; with neither, what changed is built.
    Build(Deferred<Build>),
    /// Note which services a run built, for --base last-success.
    ///
    /// A service that failed, or was not begun, keeps the commit at which it last succeeded, so that the next run builds it
    /// again though others went on. Kept in Git itself, under refs/flota/success/NAME; the remote's record goes before the one
    /// here, and several runs may record at once.
    Record(Deferred<Record>),
    /// Clone a fleet with all its submodules, nested ones too.
    ///
    /// What is on disk afterwards is what `git clone --recurse-submodules` leaves, so that every git command works. A submodule
    /// that cannot be brought is named (exit 1), and `flota update` brings it later.
    Clone(Deferred<Clone>),
    /// Bring worktrees to their pins, cloning and fetching what is missing.
    ///
    /// Never at the price of work: a service with uncommitted changes, or with commits that are on no branch, is left as it is
    /// and named (exit 4).
    ///
    /// With --remote the pins move first, to where their branches are: `branch` in .gitmodules, else the remote's HEAD.
    Update(Deferred<Update>),
    /// Show where every worktree stands: branch, pin, changes, commits to push.
    ///
    /// Services that need nothing are counted only, unless --all is given.
    Status(Deferred<Status>),
    /// Run a command in every service, in parallel.
    ///
    /// No shell reads it. It finds FLOTA_SERVICE, FLOTA_PATH, FLOTA_PIN and FLOTA_FLEET in its environment. What each prints stays
    /// together, in the order of the services' paths. After a failure no further one is begun, unless --keep-going is given; the
    /// exit code is that of the worst: 1 where the command failed, 3 where it cannot be started.
    Foreach(Deferred<Foreach>),
    /// Go to a branch in every service that has it, or make it in each.
    ///
    /// All services are looked at before the first one moves. As with git switch, changes come along where they can; a service
    /// whose changes or commits would be lost stays where it is and is named (exit 4), and the others go. Nothing is fetched.
    Switch(Deferred<Switch>),
    /// Stage the services' HEADs as their pins.
    ///
    /// All of the named services or none: one whose commits are not pushed is refused, since nobody else could check it out.
    Bump(Deferred<Bump>),
    /// Settle pins that a merge or rebase of the fleet left in conflict.
    ///
    /// Where one side's commit contains the other's, it is staged as the pin, also where the submodule is not checked out:
    /// history that is not here is fetched, without files. Where both sides have commits of their own, those are shown, the
    /// pin stays in conflict, and the exit code is 4.
    Resolve(Deferred<Resolve>),
    /// Show what flota keeps for later runs, and clear it.
    ///
    /// Under the fleet's git directory, facts about commits, and commits and trees of submodules that are not checked out; in
    /// the user's cache folder, objects for further clones of the same repositories. Nothing in it is needed: what is missing
    /// is read or fetched again.
    Cache(Deferred<Cache>),
    /// Make a repository a fleet.
    ///
    /// Adds flota.toml with every key explained, the folders of services and infrastructure, and a section in the README. What is
    /// there stays as it is: a fleet that has submodules already is taken as it stands, and a second run changes nothing.
    Init(Deferred<Init>),
    /// Make a new service: its repository, its remote, and its link in the fleet.
    ///
    /// The repository gets `code/` and `config/`, one commit, and the branches main and development, which are pushed. The fleet
    /// gets a submodule, staged. What fails on the way leaves everything as it was.
    ///
    /// What is not said is asked for on a terminal; elsewhere it is an error that names the flag.
    New(Deferred<New>),
    /// List the templates of new services, and what they ask.
    Templates(Deferred<Templates>),
    /// Bring services up to date with the templates they were made from.
    Template(Template),
    /// Write the pipelines of a CI system into the repository.
    ///
    /// For a fleet: one job decides, as many as needed build, one reports. For a service's own repository: a build of the image
    /// where code changed, of the chart where only its configuration did. Pull requests, and pushes to development, main and
    /// master. Files that flota did not write are left alone, unless --force is given.
    Ci(Deferred<Ci>),
    /// Make a small fleet, change it, and show changed, plan and build at work.
    Demo(Deferred<Demo>),
    /// Print a script that lets a shell complete flota's command line.
    ///
    /// For bash: flota completions bash >~/.local/share/bash-completion/completions/flota
    Completions(Deferred<Completions>),
    /// Print the manual page, or write one for each command.
    ///
    /// To read it: flota man | man -l -
    Man(Deferred<Man>),
}

/// The commits to compare.
#[derive(Args, Clone, Debug, Default)]
pub struct Ends {
    /// The older side; means BASE...HEAD, the merge base, as CI tools read it.
    ///
    /// last-success, or last-success:NAME of a branch or an environment: for each service the commit of the fleet at which
    /// it last succeeded (flota record).
    #[arg(long, value_name = "REV", allow_hyphen_values = true, help_heading = COMPARED)]
    pub base: Option<String>,
    /// The newer side [default: HEAD].
    #[arg(long, value_name = "REV", requires = "base", allow_hyphen_values = true, help_heading = COMPARED)]
    pub head: Option<String>,
}

/// The heading of the flags that say what to compare.
const COMPARED: &str = "What to compare";

/// How the read commands work.
#[derive(Args, Clone, Debug, Default)]
pub struct Reading {
    /// Treat warnings as errors (exit 4).
    #[arg(long)]
    pub strict: bool,
    /// Fetch nothing: say what is missing instead.
    #[arg(long)]
    pub offline: bool,
    /// How many services to read at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResultFormat {
    /// A table.
    Human,
    /// Versioned JSON, `flota.<command>/v1`.
    Json,
}

/// How `flota clone` and `flota update` bring submodules.
#[derive(Args, Debug)]
pub struct Bringing {
    /// How many submodules to bring at a time [default: 8, from HTTP servers 16].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Clone no more than the last N commits of each branch.
    #[arg(long, value_name = "N")]
    pub depth: Option<std::num::NonZeroU32>,
    /// Clone without the content of files that are in no worktree; git fetches it when it is looked at.
    #[arg(long, value_name = "SPEC", value_parser = ["blob:none"])]
    pub filter: Option<String>,
    /// Give up a server that says nothing for this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub patience: std::num::NonZeroU32,
    /// Neither use nor fill the object cache that this user's clones share.
    #[arg(long)]
    pub no_cache: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
