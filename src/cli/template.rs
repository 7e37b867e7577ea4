//! `flota template`

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::ResultFormat;

/// Arguments of `flota template`.
#[derive(Args, Debug)]
pub struct Template {
    /// What to do.
    #[command(subcommand)]
    pub command: TemplateCommand,
}

/// What to do with services and their templates.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// Merge what the templates have become into the services that they made.
    ///
    /// A three-way merge by git, in the service's worktree, into the branch that is checked out: the common ancestor is what the
    /// template made last time. What is in conflict is left as git leaves it (exit 1).
    Update(TemplateUpdate),
    /// Show which services are behind their templates.
    ///
    /// Read from the pinned commits, in process. A template in a Git repository is not asked: `elsewhere`.
    Drift(TemplateDrift),
}

/// Arguments of `flota template update`.
#[derive(Args, Debug)]
pub struct TemplateUpdate {
    /// The services, by path, name or glob; all that a template made when none is named.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Another template than the recorded one: a name, a folder, or URL[@REV].
    #[arg(short, long, value_name = "TEMPLATE", requires = "services")]
    pub template: Option<String>,
    /// An answer that is to be another; may be given again.
    #[arg(long = "answer", value_name = "NAME=VALUE", requires = "services")]
    pub answers: Vec<String>,
    /// Answer new questions with their defaults, without asking.
    #[arg(long)]
    pub defaults: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// Arguments of `flota template drift`.
#[derive(Args, Debug)]
pub struct TemplateDrift {
    /// The services, by path, name or glob; all of them when none is named.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// How many services to read at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
