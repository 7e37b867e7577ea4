//! What a run's exit code says (`flota help exit-codes` documents it).

/// The exit code of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// The work itself failed: an image that does not build, a clone that breaks off.
    WorkFailed = 1,
    /// The arguments or the configuration cannot be meant: mend the command line or `flota.toml`.
    Misuse = 2,
    /// The surroundings lack something: a tool, a server, a credential, room on the disk.
    Unavailable = 3,
    /// The repository is not in a state that allows this: missing history, an unpushed pin, a dirty tree.
    Repository = 4,
    /// SIGHUP (128 + 1), after every child was stopped.
    HungUp = 129,
    /// Ctrl-C (128 + SIGINT), after every child was stopped.
    Interrupted = 130,
    /// SIGTERM (128 + 15), after every child was stopped.
    Terminated = 143,
}

impl Exit {
    /// What a run of several things exits with: a signal's code, else the first of 2, 3, 4 and 1. Whoever reads it mends first what
    /// keeps the rest from being tried: the command line, then what is missing around it, then the repository, and the work last.
    pub fn worst(codes: impl IntoIterator<Item = Self>) -> Self {
        let rank = |code: &Self| match code {
            Self::Done => 0,
            Self::WorkFailed => 1,
            Self::Repository => 2,
            Self::Unavailable => 3,
            Self::Misuse => 4,
            Self::HungUp => 5,
            Self::Interrupted => 6,
            Self::Terminated => 7,
        };
        codes.into_iter().max_by_key(rank).unwrap_or(Self::Done)
    }

    /// Whether a signal ended the run, and not a fault.
    pub fn is_signal(self) -> bool {
        matches!(self, Self::HungUp | Self::Interrupted | Self::Terminated)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_one_to_mend_first_counts() {
        use Exit::{Done, Interrupted, Misuse, Repository, Terminated, Unavailable, WorkFailed};
        for (codes, want) in [
            (&[][..], Done),
            (&[Done, WorkFailed], WorkFailed),
            (&[WorkFailed, Repository, Done], Repository),
            (&[Repository, Unavailable, WorkFailed], Unavailable),
            (&[Unavailable, Misuse, Repository, WorkFailed], Misuse),
            (&[Misuse, Interrupted, WorkFailed], Interrupted),
            (&[Terminated, Repository], Terminated),
        ] {
            let backwards = codes.iter().rev().copied();
            assert_eq!(Exit::worst(codes.iter().copied()), want, "{codes:?}");
            assert_eq!(Exit::worst(backwards), want, "{codes:?}");
        }
    }
}
