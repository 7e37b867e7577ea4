//! Long text on a terminal: shown by a pager, such as less(1).

use std::{
    ffi::OsString,
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Output;
use crate::model::error::Result;

/// What git(1) sets for less(1) where the user set nothing: quit if the text fits the screen (F), show colours (R), and leave
/// the text there in the end (X).
const LESS: (&str, &str) = ("LESS", "FRX");

/// Whether somebody would turn the pages: standard output is a terminal.
pub fn is_wanted() -> bool {
    std::io::stdout().is_terminal()
}

/// Shows `text` by `pager`, an absolute path and its arguments, and waits until that ends; without one it is printed.
///
/// # Errors
/// Environment: standard output takes nothing.
pub fn show(output: &Output, pager: Option<(PathBuf, Vec<OsString>)>, text: &str) -> Result<()> {
    let Some((program, args)) = pager else {
        return output.result(text);
    };
    match page(&program, &args, text) {
        Ok(()) => Ok(()),
        Err(err) => {
            output.warning(&format!(
                "cannot run the pager `{}`: {err}",
                program.display()
            ));
            output.result(text)
        }
    }
}

/// It shares flota's process group, and with that the terminal: a Ctrl-C is its own to take.
fn page(program: &Path, args: &[OsString], text: &str) -> std::io::Result<()> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped());
    if std::env::var_os(LESS.0).is_none() {
        command.env(LESS.0, LESS.1);
    }
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // Whoever leaves before the last page has seen enough.
        let _ = input.write_all(text.as_bytes());
    }
    child.wait()?;
    Ok(())
}
