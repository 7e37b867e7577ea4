//! A command run in every service.

use std::time::Duration;

use bstr::BString;

use super::error::Error;

/// One service's run.
#[derive(Debug)]
pub struct Ran {
    /// Where the service sits.
    pub path: BString,
    /// What the command printed, standard output and standard error in the order they were written.
    pub text: Vec<u8>,
    /// How it ended: nothing when it succeeded.
    pub failure: Option<Error>,
    /// How long it took.
    pub took: Duration,
}

/// What it all came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many runs succeeded.
    pub succeeded: usize,
    /// The services where the command failed, sorted.
    pub failed: Vec<BString>,
    /// How many services it was not begun in, since it had failed elsewhere.
    pub not_begun: usize,
    /// The services without a worktree to run it in, sorted.
    pub uninitialised: Vec<BString>,
}
