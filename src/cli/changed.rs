//! `flota changed`

use clap::{Args, ValueEnum};

use super::{Ends, Reading};

/// Arguments of `flota changed`.
#[derive(Args, Debug)]
pub struct Changed {
    /// A..B compares these two commits, A...B their merge base with B; a side left out is HEAD.
    #[arg(value_name = "RANGE", conflicts_with = "base")]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// List the files that differ inside each service.
    #[arg(long)]
    pub files: bool,
    /// Shared with plan.
    #[command(flatten)]
    pub reading: Reading,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ChangedFormat,
    /// End names with NUL, unescaped (with --format names).
    #[arg(short = 'z')]
    pub null: bool,
}

/// Forms of `flota changed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChangedFormat {
    /// A table.
    Human,
    /// `flota.changed/v1`.
    Json,
    /// One service name a line.
    Names,
}
