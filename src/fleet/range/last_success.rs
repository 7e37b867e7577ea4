//! The commits at which services last succeeded.

use gix::ObjectId;

use super::{base_branch::Shared, ci::own_branch, ends::Ends, finder::RangeFinder};
use crate::{
    ci::{CiRun, Trigger},
    git::{
        records::{
            remote::RecordRemote,
            shared_ref::{PREFIX, SharedRef},
            success,
        },
        repository::Repository,
    },
    model::{
        change::{BaseKind, End},
        error::{Error, Result},
        range::revision,
        settings::Settings,
        success::{Success, reference},
    },
};

/// What a record is moved on with: each service's last success, or where there is no record yet the commit that the run
/// itself was compared with; against `head`.
pub fn for_record(
    repository: &Repository,
    settings: &Settings,
    run: Option<&CiRun>,
    offline: bool,
    before: std::result::Result<&Success, Option<&str>>,
    head: ObjectId,
) -> Result<Ends> {
    let finder = RangeFinder::new(repository, settings, run, offline);
    let head = finder.head(Some(head))?;
    match before {
        Ok(success) => finder.since_success(&success.commit.to_string(), success.clone(), head),
        Err(Some(base)) => {
            let commit = finder.named(revision(base)?)?;
            Ok(Ends::new(base, Some(commit), BaseKind::Exact, head))
        }
        Err(None) => Ok(Ends::new("", None, BaseKind::Empty, head)),
    }
}

impl RangeFinder<'_> {
    /// Every service against the commit at which it last succeeded; without a record, as if no base had been named.
    pub(super) fn last_success(&self, name: Option<&str>, head: &str) -> Result<Ends> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.whose_success()?,
        };
        let reference = SharedRef::new(PREFIX, reference(&name)?);
        if !self.access.offline
            && let Some(remote) = RecordRemote::of(self.repository, self.access)?
        {
            remote.fetch(&[&reference])?;
        }
        let head = End {
            rev: head.to_owned(),
            commit: self.named(head)?,
        };
        match success::read(self.repository, &reference)? {
            Some(stored) => self.since_success(reference.here(), stored.success, head),
            None => {
                let reference = reference.here();
                let ends = match head.rev.as_str() {
                    "HEAD" => self.told(Shared::Everything)?,
                    _ => self.since_base_branch(head, Shared::Everything)?,
                };
                let message = format!(
                    "{reference} does not exist yet: comparing with the base that is used without it"
                );
                Ok(ends.warn(message))
            }
        }
    }

    fn since_success(&self, reference: &str, success: Success, head: End) -> Result<Ends> {
        let commit = self.known(success.commit)?;
        let mut ends = Ends::new(reference, Some(commit), BaseKind::Exact, head);
        for (path, since) in success.exceptions {
            let known = since.map(|commit| self.known(commit));
            if let Some(Err(_)) = known {
                ends = ends.warn(format!(
                    "the commit at which {path} last succeeded no longer exists: all of it counts as changed"
                ));
            }
            ends.exceptions.insert(path, known.and_then(Result::ok));
        }
        Ok(ends)
    }

    /// A pull request builds on what its target has.
    fn whose_success(&self) -> Result<String> {
        let target = match self.run.map(|run| &run.trigger) {
            Some(Trigger::PullRequest(request)) => Some(request.target.clone()),
            _ => own_branch(self.repository, self.run),
        };
        target.ok_or_else(|| {
            Error::misuse("HEAD is detached, so flota does not know which last success to use")
                .hint("name a branch or an environment: --base last-success:main")
        })
    }
}
