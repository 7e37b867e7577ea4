//! `flota diff`

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::shared::{Ends, Reading};

/// Arguments of `flota diff`.
#[derive(Args, Debug)]
pub struct Diff {
    /// A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(value_name = "RANGE", conflicts_with = "base")]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Only this service, given by path, name or glob; can be given several times.
    #[arg(short, long = "service", value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Only the table, without the patches.
    #[arg(long)]
    pub stat: bool,
    /// Shared with changed.
    #[command(flatten)]
    pub reading: Reading,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: DiffFormat,
}

/// Formats of `flota diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// A table, and the patches.
    Human,
    /// The patches alone, byte for byte, for programs such as patch(1).
    Patch,
    /// Markdown.
    Markdown,
    /// `flota.diff/v1`.
    Json,
}
