//! `flota template`

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::shared::ResultFormat;

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
    /// Merge the changes of the templates into the services that they created.
    ///
    /// Git does a three-way merge, in the service's worktree, into the branch that is checked out. The common ancestor is what the
    /// template rendered last time. Conflicts are left as git leaves them (exit 1).
    Update(TemplateUpdate),
    /// Show which services are behind their templates.
    ///
    /// Reads the pinned commits. A template in a Git repository is not fetched; its services are shown as `elsewhere`.
    Drift(TemplateDrift),
}

/// Arguments of `flota template update`.
#[derive(Args, Debug)]
pub struct TemplateUpdate {
    /// The services, given by path, name or glob [default: all that a template created].
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Use this template instead of the recorded one: a name, a directory, or URL[@REV].
    #[arg(short, long, value_name = "TEMPLATE", requires = "services")]
    pub template: Option<String>,
    /// A new answer to a question; can be given several times.
    #[arg(long = "answer", value_name = "NAME=VALUE", requires = "services")]
    pub answers: Vec<String>,
    /// Use the defaults for new questions, without asking.
    #[arg(long)]
    pub defaults: bool,
    /// Overwrite files that git ignores, if the template has them.
    #[arg(long)]
    pub overwrite_ignore: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}

/// Arguments of `flota template drift`.
#[derive(Args, Debug)]
pub struct TemplateDrift {
    /// The services, given by path, name or glob [default: all].
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// How many services to read at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
