//! `flota demo`

use std::path::PathBuf;

use clap::Args;

/// Arguments of `flota demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// Where to make the fleet; must be empty or not there [default: a temporary folder, kept].
    #[arg(value_name = "DIR")]
    pub root: Option<PathBuf>,
}
