//! What became of one of several services: done, left as it is, or failed.

use super::{error::Error, exit::Exit};

/// What became of a service. `D` names what was done, in a word.
#[derive(Debug)]
pub enum Outcome<D> {
    /// It went as it should.
    Done(D),
    /// Its state does not allow it, or work could be lost: it stays as it is.
    Left(Error),
    /// It could not be done.
    Failed(Error),
}

impl<D: Copy + Into<&'static str>> Outcome<D> {
    /// Its name in JSON and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(done) => (*done).into(),
            Self::Left(_) => "left",
            Self::Failed(_) => "failed",
        }
    }
}

impl<D> Outcome<D> {
    /// Why it is not done.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Done(_) => None,
            Self::Left(error) | Self::Failed(error) => Some(error),
        }
    }

    /// The exit code that it calls for.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Done(_) => Exit::Done,
            Self::Left(_) => Exit::Repository,
            Self::Failed(error) => match error.exit() {
                // Neither is a fault of what was to be done.
                exit if exit.is_signal() || exit == Exit::Unavailable => exit,
                _ => Exit::WorkFailed,
            },
        }
    }
}

impl<D> From<Error> for Outcome<D> {
    /// The repository's state is a reason to leave it; whatever else went wrong is a failure.
    fn from(error: Error) -> Self {
        match error.exit() {
            Exit::Repository => Self::Left(error),
            _ => Self::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_left_and_a_failure_fails() {
        for (outcome, name, exit) in [
            (Outcome::Done("made"), "made", Exit::Done),
            (Error::repository("dirty").into(), "left", Exit::Repository),
            (Error::work("broken").into(), "failed", Exit::WorkFailed),
            (Error::misuse("odd").into(), "failed", Exit::WorkFailed),
            (
                Error::unavailable("full").into(),
                "failed",
                Exit::Unavailable,
            ),
            (
                Error::new(Exit::Interrupted, "interrupted").into(),
                "failed",
                Exit::Interrupted,
            ),
        ] {
            assert_eq!((outcome.name(), outcome.exit()), (name, exit));
            assert_eq!(outcome.error().is_some(), name != "made");
        }
    }
}
