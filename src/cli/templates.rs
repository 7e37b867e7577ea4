//! `flota templates`

use clap::Args;

use super::shared::ResultFormat;

/// Arguments of `flota templates`.
#[derive(Args, Debug)]
pub struct Templates {
    /// The format of the result.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
}
