//! A command run in every service.

use std::time::Duration;

use bstr::BString;

use super::{error::Error, exit::Exit};

/// One service's run.
#[derive(Debug)]
pub struct Ran {
    /// Where the service sits.
    pub path: BString,
    /// What the command printed, standard output and standard error in the order they were written.
    pub text: Vec<u8>,
    /// Its exit code; none when a signal ended it, or it was never started.
    pub code: Option<i32>,
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
    /// The services where the command failed, sorted, with the exit code that each calls for.
    pub failed: Vec<(BString, Exit)>,
    /// The services that it was not begun in, since it had failed elsewhere; sorted.
    pub not_begun: Vec<BString>,
    /// The services without a worktree to run it in, sorted.
    pub uninitialised: Vec<BString>,
}

impl Summary {
    /// The exit code: that of the worst run.
    pub fn exit(&self) -> Exit {
        Exit::worst(self.failed.iter().map(|(_, exit)| *exit))
    }
}
