//! Walking a tree that may be a bomb: a few objects can stand for 10^12 files (CVE-2017-15298).

use std::ops::ControlFlow;

use bstr::{BStr, BString};
use gix::{
    diff::tree::{
        Recorder, Visit,
        recorder::Change as Record,
        visit::{Action, Change},
    },
    objs::tree::EntryMode,
};

use crate::{
    git::path,
    interrupt,
    model::error::{Error, Result},
};

/// More than a tree of people's making holds, files and directories; of this many, some 250 MB are recorded.
const ENTRY_LIMIT: usize = 1_000_000;

/// No file system takes a longer path (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;

/// What a walk is for.
#[derive(Clone, Copy)]
pub(super) struct EntryFilter {
    /// Which entries to record.
    pub modes: fn(EntryMode) -> bool,
    /// Whether every entry has to be fit to become a file.
    pub names_of_files: bool,
}

/// Records what is wanted, and ends a walk that goes on for too long.
pub(super) struct Bounded {
    recorder: Recorder,
    wanted: EntryFilter,
    /// The entry's name: a path does not tell where a name with a slash begins.
    name: BString,
    seen: usize,
    refusal: Option<Error>,
}

impl Bounded {
    pub(super) fn new(recorder: Recorder, wanted: EntryFilter) -> Self {
        Self {
            recorder,
            wanted,
            name: BString::default(),
            seen: 0,
            refusal: None,
        }
    }

    pub(super) fn into_records(self) -> Vec<Record> {
        self.recorder.records
    }

    /// Why the walk was ended, if it was.
    pub(super) fn into_refusal(self) -> Option<Error> {
        self.refusal
    }

    fn look(&self, change: &Change) -> Result<()> {
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted while reading trees"));
        }
        if self.seen > ENTRY_LIMIT {
            return Err(Error::repository(format!(
                "refused its tree: it holds more than {ENTRY_LIMIT} files"
            )));
        }
        if self.recorder.path().len() > PATH_LIMIT {
            return Err(Error::repository(format!(
                "refused its tree: a path in it is longer than {PATH_LIMIT} bytes"
            )));
        }
        if self.wanted.names_of_files {
            path::check(self.name.as_ref(), change.entry_mode().is_link())?;
        }
        Ok(())
    }
}

impl Visit for Bounded {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.recorder.pop_front_tracked_path_and_set_current();
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        component.clone_into(&mut self.name);
        self.recorder.push_back_tracked_path_component(component);
    }

    fn push_path_component(&mut self, component: &BStr) {
        component.clone_into(&mut self.name);
        self.recorder.push_path_component(component);
    }

    fn pop_path_component(&mut self) {
        self.recorder.pop_path_component();
    }

    fn visit(&mut self, change: Change) -> Action {
        self.seen += 1;
        if let Err(refusal) = self.look(&change) {
            self.refusal = Some(refusal);
            return ControlFlow::Break(());
        }
        let is_wanted = match &change {
            Change::Addition { entry_mode, .. } | Change::Deletion { entry_mode, .. } => {
                (self.wanted.modes)(*entry_mode)
            }
            Change::Modification {
                entry_mode,
                previous_entry_mode,
                ..
            } => [entry_mode, previous_entry_mode]
                .into_iter()
                .any(|mode| (self.wanted.modes)(*mode)),
        };
        match is_wanted {
            true => self.recorder.visit(change),
            false => ControlFlow::Continue(()),
        }
    }
}
