//! The two streams: results go to stdout, everything else to stderr.

use std::io::{self, Write};

use super::{
    ci::log_commands::{self, Dialect, Gravity},
    theme,
};
use crate::model::error::{Error, Result};

/// How the run speaks: settled once, from the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Results and errors only.
    pub quiet: bool,
    /// Causes and children's output too.
    pub verbose: bool,
    /// Whether bars may be drawn on stderr.
    pub bars: bool,
    /// How the log is spoken to; none where nothing but text is understood.
    pub dialect: Option<Dialect>,
}

/// Writes to stdout, whole.
///
/// # Errors
/// Those of the file that it is.
pub(crate) fn write(bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes.as_ref())
        .and_then(|()| stdout.flush())
}

impl Output {
    /// The same, but never quiet: for errors.
    pub(crate) fn loud(self) -> Self {
        Self {
            quiet: false,
            ..self
        }
    }

    /// Writes a result to stdout, whole; a full disk or a closed pipe is an error, not success.
    pub(crate) fn result(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        write(bytes)
            .map_err(|err| Error::unavailable("cannot write to standard output").because(err))
    }

    /// Writes a line of status to stderr, unless the run is quiet. That stderr is gone stops nothing.
    pub(crate) fn status(&self, line: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
        }
    }

    /// Says that what a dry run shows is what would be.
    pub(crate) fn dry_run(&self) {
        self.status("A dry run: nothing was changed.");
    }

    /// Writes a warning to stderr, with control characters escaped; in a CI system that has annotations, as one.
    pub(crate) fn warning(&self, message: &str) {
        let gravity = Gravity::Warning;
        let annotation = self
            .dialect
            .and_then(|it| it.annotation(gravity, "flota", None, message));
        if let Some(annotation) = annotation {
            self.status(annotation);
            return;
        }
        self.status(format!(
            "{} {}",
            theme::warning("warning:"),
            log_commands::child(self.dialect, message)
        ));
    }
}
