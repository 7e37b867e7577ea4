//! Long text on a terminal: shown by a pager, such as less(1).

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Seek as _, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::Output;
use crate::model::error::Result;

/// What git(1) sets for less(1) if the user set nothing: quit if the text fits the screen (F), show colours (R), and leave
/// the text there at the end (X).
const LESS: (&str, &str) = ("LESS", "FRX");

/// Whether somebody would turn the pages: standard output is a terminal.
pub(crate) fn is_wanted() -> bool {
    io::stdout().is_terminal()
}

/// Shows `text` by `pager`, an absolute path and its arguments. Nothing of flota runs after that, and the exit code is that of
/// the pager. Without a pager, or if it cannot be run, which is a warning, the text is printed.
///
/// # Errors
/// Unavailable: standard output cannot be written.
pub(crate) fn show(
    output: &Output,
    pager: Option<(PathBuf, Vec<OsString>)>,
    text: &str,
) -> Result<()> {
    if let Some((program, args)) = pager {
        let err = become_pager(&program, &args, text);
        output.warning(&format!(
            "cannot run the pager `{}`: {err}",
            program.display()
        ));
    }
    output.result(text)
}

/// Replaces this process, so that signals from the terminal are the pager's alone: less(1) stays after a Ctrl-C, while flota
/// would end and leave the terminal to two programs. Returns only what prevented it.
fn become_pager(program: &Path, args: &[OsString], text: &str) -> io::Error {
    let written = || {
        let mut file = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok(file)
    };
    let file = match written() {
        Ok(file) => file,
        Err(err) => return err,
    };
    let mut command = Command::new(program);
    command.args(args).stdin(file);
    if std::env::var_os(LESS.0).is_none() {
        command.env(LESS.0, LESS.1);
    }
    command.exec()
}
