//! `flota commit`

use std::ffi::OsString;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota commit`.
#[derive(Args, Debug)]
pub struct Commit {
    /// Only these services, given by path, name or glob.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// The message of every commit; given several times, each is a paragraph.
    #[arg(
        short,
        long = "message",
        value_name = "MESSAGE",
        required = true,
        allow_hyphen_values = true
    )]
    pub messages: Vec<String>,
    /// Only show in which services something would be committed.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How many services to commit in at a time [default: the number of cores]. With 1, hooks may ask on the terminal.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
