//! What several commands print beside their result: progress, warnings, what could not be done, and the exit code of it all.

use crate::{
    model::{
        change::{Unread, Warning},
        error::Result,
        event::Events,
        exit::Exit,
    },
    output::{Output, error, progress::Progress},
};

/// Runs what may take a while, with its progress on stderr.
pub(super) fn with_progress<T>(
    output: &Output,
    work: impl FnOnce(Events<'_>) -> Result<T>,
) -> Result<T> {
    let progress = Progress::new(*output);
    let done = work(&|event| progress.event(event));
    progress.finish();
    done
}

/// Says what could not be read, and gives the exit code that the rest of the answer deserves.
pub(super) fn conclude(output: &Output, unread: &[Unread]) -> Exit {
    match Unread::error(unread) {
        None => Exit::Done,
        Some(error) => {
            error::report(output, &error);
            error.exit()
        }
    }
}

/// Warnings go to stderr whatever the result's form; JSON carries them too.
pub(super) fn print_warnings(output: &Output, warnings: &[Warning]) {
    for warning in warnings {
        output.warning(&warning.message);
    }
}
