//! `flota init`

use std::path::PathBuf;

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota init`.
#[derive(Args, Debug)]
pub struct Init {
    /// The repository; created if it does not exist [default: the current directory].
    #[arg(value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
