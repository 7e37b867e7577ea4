//! `flota cache`

use clap::Args;

use super::ResultFormat;

/// Arguments of `flota cache`.
#[derive(Args, Debug)]
pub struct Cache {
    /// Remove it all first.
    #[arg(long)]
    pub clear: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
