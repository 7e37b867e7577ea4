//! The one error type: what failed, why, and the command that mends it.

use std::fmt;

use super::exit::Exit;

/// A failure that a user can read: one sentence naming the thing, the cause below it, hints with commands to run.
///
/// It may hold text read from a repository: it is printed in one place (`output::error`), which escapes control characters.
#[derive(Debug)]
pub struct Error {
    exit: Exit,
    message: String,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    hints: Vec<String>,
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that ends the run with `exit`; `message` names the thing that failed, without a full stop.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            cause: None,
            hints: Vec::new(),
        }
    }

    /// The work failed (exit 1).
    pub fn work(message: impl Into<String>) -> Self {
        Self::new(Exit::WorkFailed, message)
    }

    /// Arguments or configuration (exit 2).
    pub fn misuse(message: impl Into<String>) -> Self {
        Self::new(Exit::Misuse, message)
    }

    /// A tool, a server or a credential is missing (exit 3).
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unavailable, message)
    }

    /// The repository's state (exit 4).
    pub fn repository(message: impl Into<String>) -> Self {
        Self::new(Exit::Repository, message)
    }

    /// Puts the thing that it befell before it.
    pub fn within(mut self, name: impl fmt::Display) -> Self {
        self.message = format!("{name}: {}", self.message);
        self
    }

    /// Adds what lies below: printed as `caused by:` lines, down the whole chain.
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds a `hint:` line, best a command that can be run as it stands.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code this failure calls for.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What lies below, from the top down. A cause that what stands above it says already is left out: libraries often repeat
    /// what they wrap.
    pub fn causes(&self) -> Vec<String> {
        let mut said = self.message.clone();
        let below = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        let mut causes = Vec::new();
        for sentence in below.map(ToString::to_string) {
            if !said.contains(&sentence) {
                said.push_str(&sentence);
                causes.push(sentence);
            }
        }
        causes
    }

    /// The hints, in the order they were added.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_said_already_is_left_out() {
        let below = Error::work("the disk is full").because("ENOSPC");
        let wrapping = Error::work("cannot write: the disk is full").because(below);
        assert_eq!(wrapping.causes(), ["ENOSPC"]);
        let error = Error::work("cannot build").because(wrapping);
        assert_eq!(error.causes(), ["cannot write: the disk is full", "ENOSPC"]);
        assert_eq!(Error::work("alone").causes(), [""; 0]);
    }
}
