//! `flota plan`

use clap::Args;

use super::{COMPARED, Ends, Reading, ResultFormat};

/// Arguments of `flota plan`.
#[derive(Args, Debug)]
pub struct Plan {
    /// A..B compares these two commits, A...B their merge base with B; a side left out is HEAD.
    #[arg(value_name = "RANGE", conflicts_with_all = ["base", "all"])]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Every service of HEAD, changed or not.
    #[arg(long, conflicts_with = "base", help_heading = COMPARED)]
    pub all: bool,
    /// Shared with changed.
    #[command(flatten)]
    pub reading: Reading,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
