//! `flota man`

use std::path::PathBuf;

use clap::Args;

/// Arguments of `flota man`.
#[derive(Args, Debug)]
pub struct Man {
    /// Write all pages to this directory: flota.1, one page for each command, and one for each topic (flota-rules.7).
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
