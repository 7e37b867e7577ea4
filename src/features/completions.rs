//! `flota completions`: a script that lets a shell complete flota's command line.

use clap::Command;
use clap_complete::Shell;

/// The script for `shell`.
pub(crate) fn script(shell: Shell, mut command: Command) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}
