//! `flota pull`

use std::ffi::OsString;

use clap::Args;

use super::shared::Transfer;

/// Arguments of `flota pull`.
#[derive(Args, Debug)]
pub struct Pull {
    /// Update only these services, given by path, name or glob [default: all that are active].
    #[arg(value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Only show what would be pulled, and which pins would move.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// How to clone and fetch submodules.
    #[command(flatten)]
    pub bringing: Transfer,
}
