//! `flota completions`

use clap::Args;
use clap_complete::Shell;

/// Arguments of `flota completions`.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
