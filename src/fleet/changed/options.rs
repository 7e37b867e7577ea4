//! How to look for changes.

use std::num::NonZeroUsize;

use crate::{fleet::select::Selector, model::event::Events};

/// How to look.
#[derive(Clone, Copy)]
pub struct ChangedOptions<'a> {
    /// Whether to list the files that differ.
    pub files: bool,
    /// Whether warnings are errors.
    pub strict: bool,
    /// How many services to read at a time; the result is the same for every number.
    pub jobs: NonZeroUsize,
    /// Only these services; all when none is named.
    pub only: &'a Selector,
    /// Whether to stay off the network: commits that are not here are missing.
    pub offline: bool,
    /// Where the progress of a fetch goes.
    pub events: Events<'a>,
}

impl<'a> ChangedOptions<'a> {
    /// Of all services, without their files; warnings stop nothing.
    pub fn new(jobs: NonZeroUsize, offline: bool, events: Events<'a>) -> Self {
        Self {
            files: false,
            strict: false,
            jobs,
            only: &Selector::ANY,
            offline,
            events,
        }
    }
}
