//! `flota explain`

use std::ffi::OsString;

use clap::Args;

use super::shared::{Ends, ResultFormat};

/// Arguments of `flota explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// The service, given by path, name or glob.
    #[arg(value_name = "SERVICE")]
    pub service: OsString,
    /// A..B compares these two commits, A...B compares their merge base with B; a missing side is HEAD.
    #[arg(value_name = "RANGE", conflicts_with = "base")]
    pub range: Option<String>,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// Fetch nothing, and name what is missing.
    #[arg(long)]
    pub offline: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
