//! What features report while they work; the output floor turns it into bars or lines.

use std::{sync::Arc, time::Duration};

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Work is known: how many jobs there are, beside those known before.
    Planned {
        /// The number of jobs to come.
        jobs: usize,
    },
    /// A job began.
    Started {
        /// Which one, counted from 0 in the plan's order.
        job: usize,
        /// The service's name.
        name: String,
        /// What is done to it, in a word.
        doing: &'static str,
    },
    /// A running job entered another step (`image`, `chart`, `push`).
    Step {
        /// Which job.
        job: usize,
        /// The step's name.
        step: &'static str,
    },
    /// A job ended.
    Finished {
        /// Which job.
        job: usize,
        /// The service's name.
        name: String,
        /// How it ended.
        ending: Ending,
        /// How long it took.
        took: Duration,
        /// What its children printed, whole.
        log: Option<Arc<[u8]>>,
    },
    /// Commits that are not here are about to be fetched.
    Fetching {
        /// From how many repositories.
        repositories: usize,
    },
    /// One of those repositories has answered, or given up.
    Fetched,
    /// Branches are about to be pushed.
    Pushing {
        /// From how many repositories.
        repositories: usize,
    },
    /// One of those has been pushed, or refused.
    Pushed,
    /// More of the repositories that are cloned is here.
    Received {
        /// How many objects more.
        objects: u64,
        /// How many bytes more.
        bytes: u64,
    },
    /// Something worth a line of its own, which stops nothing.
    Notice(String),
    /// Something that may be as it should be, and that nobody has to act on.
    Note(String),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It made something; what, in a few words.
    Done(String),
    /// It was there already.
    Reused(String),
    /// It failed; the report says why.
    Failed,
    /// A signal ended it in mid-work.
    Stopped,
    /// It never began, because another failed or the run was interrupted.
    Cancelled,
}

/// Where features send their events: called from several threads.
pub type Events<'a> = &'a (dyn Fn(Event) + Sync);
