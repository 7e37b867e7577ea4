//! Arguments that several commands take.

use clap::{Args, ValueEnum};

/// The commits to compare.
#[derive(Args, Clone, Debug, Default)]
pub struct Ends {
    /// The older commit: compares the merge base of REV and --head with --head, as REV...HEAD does.
    ///
    /// With last-success, each service is compared with the commit of the fleet at which it last succeeded (flota record);
    /// last-success:NAME takes the record of another branch or environment.
    #[arg(long, value_name = "REV", allow_hyphen_values = true, help_heading = COMPARED)]
    pub base: Option<String>,
    /// The newer commit [default: HEAD].
    #[arg(long, value_name = "REV", requires = "base", allow_hyphen_values = true, help_heading = COMPARED)]
    pub head: Option<String>,
}

/// The heading of the flags that say what to compare.
pub(super) const COMPARED: &str = "What to compare";

/// How the read commands work.
#[derive(Args, Clone, Debug, Default)]
pub struct Reading {
    /// Treat warnings as errors (exit 4).
    #[arg(long)]
    pub strict: bool,
    /// Fetch nothing, and name what is missing.
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

/// For people, for pages, or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A table.
    Human,
    /// Markdown, for release notes.
    Markdown,
    /// Versioned JSON, `flota.<command>/v1`.
    Json,
}

/// How `flota clone` and `flota update` clone and fetch submodules.
#[derive(Args, Debug)]
pub struct Transfer {
    /// How many submodules to clone or fetch at a time [default: 8; 16 from HTTP servers].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Clone only the last N commits of each branch.
    #[arg(long, value_name = "N")]
    pub depth: Option<std::num::NonZeroU32>,
    /// Clone without the content of files that are not checked out; git fetches it when it is needed.
    #[arg(long, value_name = "SPEC", value_parser = ["blob:none"])]
    pub filter: Option<String>,
    /// Give up when a server sends nothing for this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub patience: std::num::NonZeroU32,
    /// Neither read nor write the object cache that this user's clones share.
    #[arg(long)]
    pub no_cache: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
