//! `flota changed`

use clap::{Args, ValueEnum};

use super::shared::{Ends, Reading};

/// Arguments of `flota changed`.
#[derive(Args, Debug)]
pub struct Changed {
    /// A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(value_name = "RANGE", conflicts_with = "base")]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Also list the files that differ in each service.
    #[arg(long)]
    pub files: bool,
    /// Shared with plan.
    #[command(flatten)]
    pub reading: Reading,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ChangedFormat,
    /// End names with NUL and do not escape them (with --format names).
    #[arg(short = 'z')]
    pub null: bool,
}

/// Formats of `flota changed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChangedFormat {
    /// A table.
    Human,
    /// `flota.changed/v1`.
    Json,
    /// One service name per line.
    Names,
}
