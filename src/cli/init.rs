//! `flota init`

use std::path::PathBuf;

use clap::Args;

use super::ResultFormat;

/// Arguments of `flota init`.
#[derive(Args, Debug)]
pub struct Init {
    /// The repository, which is made if it is none yet [default: here].
    #[arg(value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
