//! `flota cache`

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota cache`.
#[derive(Args, Debug)]
pub struct Cache {
    /// Delete all of it, then show what is left.
    #[arg(long)]
    pub clear: bool,
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
