//! `flota record`: after a run, records this commit as the last success of each service that succeeded.
//!
//! Every service of the run's commit is compared with where it last succeeded. One that needs no build has succeeded here as
//! well; one that needs a build has succeeded if a report says that it was built, at the same pin. Every other service keeps its
//! commit, and so comes up again in the next run.

use std::{collections::BTreeSet, num::NonZeroUsize};

use bstr::{BStr, ByteSlice};
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
        records::{
            attempts::{Attempt, attempt, until_done},
            evidence::{reference as evidence_reference, write_evidence},
            remote::RecordRemote,
            shared_ref::{PREFIX, SharedRef},
            success,
        },
        repository::Repository,
        tree,
    },
    model::{
        change::{Action, Changed},
        error::{Error, Result},
        event::Events,
        fleet::ancestors,
        record::Recorded,
        settings::Settings,
        success::{Exceptions, Success, reference},
    },
};

mod documents;
mod evidence;
pub(crate) use documents::{Documents, builds};

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
    let access = RemoteAccess {
        offline: request.offline,
        patience: PATIENCE,
    };
    let recorder = Recorder {
        repository,
        settings,
        request,
        reference: SharedRef::new(PREFIX, reference(request.name)?),
        remote: remote(repository, request, access)?,
        head: match request.documents.head {
            Some(head) => head,
            None => repository.resolve("HEAD")?,
        },
        access,
    };
    let recorded = until_done(&recorder.reference, || recorder.attempt());
    // A run in which nothing succeeded has found something all the same.
    let evidence = recorder.add_evidence();
    Ok(Recorded {
        evidence: evidence?,
        ..recorded?
    })
}

/// The remote to go by; none offline.
fn remote<'a>(
    repository: &'a Repository,
    request: &RecordRequest<'_>,
    access: RemoteAccess,
) -> Result<Option<RecordRemote<'a>>> {
    let remote = match request.offline {
        true => None,
        false => RecordRemote::of(repository, access)?,
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
    reference: SharedRef,
    remote: Option<RecordRemote<'a>>,
    head: ObjectId,
    access: RemoteAccess,
}

impl Recorder<'_> {
    /// Adds what gates found to what is known, and says how many results that are.
    fn add_evidence(&self) -> Result<usize> {
        let found = &self.request.documents.evidence;
        if found.is_empty() || !evidence::may_add(self.request.run) {
            return Ok(0);
        }
        let remote = self.remote.as_ref().filter(|_| self.request.push);
        let reference = evidence_reference(PREFIX);
        let is_newer = evidence::is_newer;
        write_evidence(self.repository, &reference, remote, found, is_newer)?;
        Ok(found.len())
    }

    /// Moves the record on from what it is now, unless somebody else did meanwhile.
    fn attempt(&self) -> Result<Attempt<Recorded>> {
        let (repository, reference) = (self.repository, &self.reference);
        let there = match &self.remote {
            Some(remote) => remote.fetch(&[reference])?[0],
            None => None,
        };
        let before = success::read(repository, reference)?;
        let here = before.as_ref().map(|before| before.id);
        let before = before.map(|before| before.success);
        let success = self.after(before.as_ref())?;
        let record = success::write(repository, reference, &success)?;
        let remote = self.remote.as_ref().filter(|_| self.request.push);
        let remote = remote.map(|remote| (remote, there));
        if let Attempt::Lost(winner) = attempt(repository, reference, remote, here, record)? {
            return Ok(Attempt::Lost(winner));
        }
        Ok(Attempt::Done(Recorded {
            evidence: 0,
            reference: reference.here().to_owned(),
            record,
            success,
            is_changed: here != Some(record),
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
