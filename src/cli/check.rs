//! `flota check`

use clap::Args;

use super::shared::{Ends, ResultFormat};

/// Arguments of `flota check`.
#[derive(Args, Debug)]
pub struct Check {
    /// A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(value_name = "RANGE", conflicts_with = "base")]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Do not ask a server: use what the last fetch saw.
    #[arg(long)]
    pub offline: bool,
    /// How many services to read at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
