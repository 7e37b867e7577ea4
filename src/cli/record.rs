//! `flota record`

use std::path::PathBuf;

use clap::Args;

use super::ResultFormat;

/// Arguments of `flota record`.
#[derive(Args, Debug)]
pub struct Record {
    /// The run's build.json, or those of all its legs, and its plan (flota plan --format json); of a folder every .json
    /// file below it [default: .flota/build.json, and none with --base].
    #[arg(value_name = "REPORT")]
    pub reports: Vec<PathBuf>,
    /// The fleet's commit that the run was compared with, where no report is its plan; empty where that was nothing at all.
    /// It counts where nothing is recorded yet.
    #[arg(long, value_name = "REV", allow_hyphen_values = true)]
    pub base: Option<String>,
    /// The branch or environment that succeeded [default: the branch of this run].
    #[arg(long = "for", value_name = "NAME")]
    pub name: Option<String>,
    /// Push the record, so that later runs find it.
    #[arg(long, conflicts_with = "offline")]
    pub push: bool,
    /// Ask no server: go by what is here.
    #[arg(long)]
    pub offline: bool,
    /// How many services to read at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
