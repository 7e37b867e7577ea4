//! What `clone` and `update` share: how submodules are fetched, and what is printed about those that are not at their pins.

use std::{num::NonZeroUsize, time::Duration};

use crate::{
    cli::Transfer,
    fleet::sync::SyncOptions,
    git::network::clone,
    model::{
        event::Events,
        exit::Exit,
        sync::{self, Synced},
    },
    output::{Output, error},
};

/// How many requests to HTTP servers at a time when nobody says: they cost a thread that waits.
const REQUESTS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// How many children when nobody says. An SSH server begins to refuse beyond ten newcomers (sshd_config(5), MaxStartups).
pub(super) const CHILDREN: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// What the arguments say, with a default for what they leave out.
pub(super) fn options<'a>(args: &Transfer, events: Events<'a>) -> SyncOptions<'a> {
    SyncOptions {
        jobs: args.jobs.unwrap_or(REQUESTS),
        access: clone::CloneOptions {
            depth: args.depth,
            patience: Duration::from_secs(args.patience.get().into()),
            is_partial: args.filter.is_some(),
            children: args.jobs.unwrap_or(CHILDREN),
            is_cached: !args.no_cache,
            events,
        },
        overwrites_ignored: false,
    }
}

/// Says why some are not where they belong, and gives the exit code.
pub(super) fn conclude(output: &Output, synced: &[Synced]) -> Exit {
    for synced in synced {
        match synced.outcome.error() {
            Some(error) if !error.exit().is_signal() => {
                error::report_of(output, synced.path.as_ref(), error);
            }
            _ => {}
        }
    }
    sync::exit(synced)
}
