//! `flota man`

use std::path::PathBuf;

use clap::Args;

/// Arguments of `flota man`.
#[derive(Args, Debug)]
pub struct Man {
    /// Write all pages into this folder, flota.1 and one for each command, instead of the first to standard output.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}
