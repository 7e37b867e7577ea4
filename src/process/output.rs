//! How a child process ended, and what it printed.

use std::{process::ExitStatus, time::Duration};

use crate::model::error::{Error, Result};

/// What a child left behind when it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, when it was read as data; else empty.
    pub stdout: Vec<u8>,
    /// What it said, as bytes, with known secrets masked: standard error, and standard output unless that was read as
    /// data. Of very long text the first 64 KiB and the last MiB.
    pub text: Vec<u8>,
    /// From its start to its end.
    pub duration: Duration,
}

impl Output {
    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The output if the child succeeded.
    ///
    /// # Errors
    /// `error` otherwise, with the child's status and last lines as its cause.
    pub fn check(self, error: impl FnOnce() -> Error) -> Result<Self> {
        if self.success() {
            return Ok(self);
        }
        let lines = last_lines(&self.text);
        Err(error().because(match lines.is_empty() {
            true => self.status.to_string(),
            false => format!("{}\n{lines}", self.status),
        }))
    }
}

/// The end of a text as a cause to show: at most 20 lines and 4 KiB.
pub(super) fn last_lines(text: &[u8]) -> String {
    let text = text.trim_ascii();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4 << 10)..]);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
