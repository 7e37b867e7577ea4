//! `flota log`

use std::ffi::OsString;

use clap::Args;

use super::shared::{Ends, Reading, ReportFormat};

/// Arguments of `flota log`.
#[derive(Args, Debug)]
pub struct Log {
    /// A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(value_name = "RANGE", conflicts_with = "base")]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Only this service, given by path, name or glob; can be given several times.
    #[arg(short, long = "service", value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Only the newest N commits of each service; of a service that is new in the fleet, 100 when nobody says.
    #[arg(short = 'n', long, value_name = "N")]
    pub max_count: Option<usize>,
    /// Shared with changed.
    #[command(flatten)]
    pub reading: Reading,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ReportFormat,
}
