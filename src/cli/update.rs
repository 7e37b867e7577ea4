//! `flota update`

use clap::Args;

use super::Bringing;

/// Arguments of `flota update`.
#[derive(Args, Debug)]
pub struct Update {
    /// Only these services, by name, path or glob; without them, all that are active.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// How to bring submodules.
    #[command(flatten)]
    pub bringing: Bringing,
}
