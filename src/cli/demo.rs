//! `flota demo`

use std::path::PathBuf;

use clap::Args;

/// Arguments of `flota demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// The directory for the fleet; must be empty or not exist [default: a temporary directory, which is kept].
    #[arg(value_name = "DIR")]
    pub root: Option<PathBuf>,
}
