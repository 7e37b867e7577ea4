//! `flota record`

use std::path::PathBuf;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota record`.
#[derive(Args, Debug)]
pub struct Record {
    /// The build.json of the run, or one for each of its jobs, and its plan (flota plan --format json). A directory stands for
    /// every .json file below it [default: .flota/build.json; nothing with --base].
    #[arg(value_name = "REPORT")]
    pub reports: Vec<PathBuf>,
    /// The commit of the fleet that the run was compared with, if no report is its plan; empty if it was compared with nothing.
    /// Used only if there is no record yet.
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub base: Option<String>,
    /// The branch or environment to record for [default: the branch of this run].
    #[arg(long = "for", value_name = "NAME")]
    pub name: Option<String>,
    /// Also write report.html and junit.xml of the whole run to this directory, made from the build.json of all its jobs.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Push the record, so that later runs find it.
    #[arg(long, conflicts_with = "offline")]
    pub push: bool,
    /// Do not ask a server: use the local record.
    #[arg(long)]
    pub offline: bool,
    /// How many services to read at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
