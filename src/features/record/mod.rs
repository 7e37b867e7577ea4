//! `flota record`: after a run, records this commit as the last success of each service that succeeded.
//!
//! Every service of the run's commit is compared with where it last succeeded. One that needs no build has succeeded here as
//! well; one that needs a build has succeeded if a report says that it was built, at the same pin. Every other service keeps its
//! commit, and so comes up again in the next run.

use std::{collections::BTreeSet, num::NonZeroUsize};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use crate::{
    ci::CiRun,
    fleet::{
        changed::{self, ChangedOptions},
        range,
        select::Selector,
    },
    git::{
        Objects,
        network::{fetch::PATIENCE, shallow::RemoteAccess},
        repository::Repository,
        success, tree,
    },
    model::{
        change::{Action, Changed, WarningKind},
        error::{Error, Result},
        event::{Event, Events},
        fleet::ancestors,
        record::Recorded,
        settings::Settings,
        success::{Exceptions, Success, reference},
    },
};

mod documents;
pub(crate) use documents::Documents;

/// How often others may be quicker.
const ATTEMPTS: usize = 10;

/// What to record, and how.
pub(crate) struct RecordRequest<'a> {
    /// In whose name, a branch's or an environment's.
    pub name: &'a str,
    /// What the run said.
    pub documents: &'a Documents,
    /// What it was compared with, where the documents do not say so.
    pub base: Option<&'a str>,
    /// Whether to push the record.
    pub push: bool,
    /// Whether to ask no server.
    pub offline: bool,
    /// How many services to read at a time.
    pub jobs: NonZeroUsize,
    /// What the CI system says.
    pub run: Option<&'a CiRun>,
    /// Where progress goes.
    pub events: Events<'a>,
}

/// Records the run.
///
/// # Errors
/// Misuse: the name is not valid. Work: nothing succeeded so far. Unavailable: the remote does not answer, or others write without
/// end. And what [`changed::changed`] says.
pub(crate) fn record(
    repository: &Repository,
    settings: &Settings,
    request: &RecordRequest<'_>,
) -> Result<Recorded> {
    let recorder = Recorder {
        repository,
        settings,
        request,
        reference: reference(request.name)?,
        remote: remote(repository, request)?,
        head: match request.documents.head {
            Some(head) => head,
            None => repository.resolve("HEAD")?,
        },
        access: RemoteAccess {
            offline: request.offline,
            patience: PATIENCE,
        },
    };
    for _ in 0..ATTEMPTS {
        if let Some(recorded) = recorder.attempt()? {
            return Ok(recorded);
        }
    }
    let reference = recorder.reference;
    Err(Error::unavailable(format!(
        "{reference} was written by somebody else {ATTEMPTS} times in a row"
    ))
    .hint("record once, at the end of the run, with the reports of all its jobs"))
}

/// The remote to go by; none offline.
fn remote(repository: &Repository, request: &RecordRequest<'_>) -> Result<Option<BString>> {
    let remote = match request.offline {
        true => None,
        false => success::remote(repository)?,
    };
    if request.push && remote.is_none() {
        return Err(
            Error::repository("the fleet has no remote to push the record to")
                .hint("add one: git remote add origin URL"),
        );
    }
    Ok(remote)
}

struct Recorder<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    request: &'a RecordRequest<'a>,
    reference: String,
    remote: Option<BString>,
    head: ObjectId,
    access: RemoteAccess,
}

impl Recorder<'_> {
    /// Moves the record on from what it is now; none when somebody else did meanwhile.
    fn attempt(&self) -> Result<Option<Recorded>> {
        let (repository, reference) = (self.repository, self.reference.as_str());
        let there = match &self.remote {
            Some(remote) => success::fetch(repository, remote, reference, self.access)?,
            None => None,
        };
        let before = success::read(repository, reference)?;
        let here = before.as_ref().map(|before| before.id);
        let before = before.map(|before| before.success);
        let success = self.after(before.as_ref())?;
        let record = success::write(repository, reference, &success)?;
        if let (Some(remote), true) = (&self.remote, self.request.push)
            && there != Some(record)
            && !success::push(repository, remote, reference, there, record, self.access)?
        {
            return Ok(None);
        }
        let is_changed = here != Some(record);
        let is_kept = !is_changed || success::swap(repository, reference, here, record)?;
        // What the remote has taken is the record, whoever else wrote here.
        Ok((is_kept || self.request.push).then(|| Recorded {
            reference: reference.to_owned(),
            record,
            success,
            is_changed,
            is_pushed: self.request.push,
        }))
    }

    /// What is known after this run.
    fn after(&self, before: Option<&Success>) -> Result<Success> {
        let options = ChangedOptions {
            files: false,
            strict: false,
            jobs: self.request.jobs,
            only: &Selector::ANY,
            offline: self.request.offline,
            events: self.request.events,
        };
        let planned = self.request.documents.base.map(|base| base.to_string());
        let ends = range::for_record(
            self.repository,
            self.settings,
            self.request.run,
            self.request.offline,
            before.ok_or(planned.as_deref().or(self.request.base)),
            self.head,
        )?;
        let changed = changed::changed(self.repository, self.settings, ends, options)?;
        let warnings = changed.warnings.iter();
        for warning in warnings.filter(|it| it.kind == WarningKind::AmbiguousName) {
            (self.request.events)(Event::Notice(warning.message.clone()));
        }
        let failed = self.failed(&changed)?;
        if failed.contains_key(".".as_bytes().as_bstr()) {
            // A repository that is a service of its own has nobody else to record: it stays where it was, or begins there.
            let begin = changed.base.commit.map(|commit| Success {
                commit,
                exceptions: Exceptions::new(),
            });
            return before.cloned().or(begin).ok_or_else(|| {
                Error::work("the service never succeeded, so there is nothing to record")
            });
        }
        Success::after(before, self.head, failed, |one, other| {
            range::is_ancestor(self.repository, one, other, self.access)
        })
    }

    /// The services that are not built as they should be, with what each was compared with.
    fn failed(&self, changed: &Changed) -> Result<Exceptions> {
        let builds = changed.services.iter().filter(|service| {
            let is_build = matches!(service.action, Action::Image | Action::Chart);
            let documents = self.request.documents;
            is_build && !documents.is_built(&service.path, service.to, service.action)
        });
        let unread = changed.unread.iter().map(|unread| &unread.path);
        let open = builds.map(|service| &service.path).chain(unread);
        let objects = self.repository.objects();
        let root = self.repository.tree_of(self.head)?;
        let gitlinks = tree::gitlinks(Objects::new(&objects), root)?;
        let top: BTreeSet<&BStr> = gitlinks.iter().map(|it| it.path.as_ref()).collect();
        let failed = open.map(|path| {
            // A submodule's own submodules are compared with it.
            let above = ancestors(path.as_ref()).find(|above| top.contains(above));
            let path = above.unwrap_or(path.as_ref()).to_owned();
            let since = changed.exceptions.get(&path).copied();
            (path, since.unwrap_or(changed.base.commit))
        });
        Ok(failed.collect())
    }
}
