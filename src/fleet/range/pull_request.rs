//! What a pull request changes.
//!
//! Most systems check out a trial merge: the pull request's head merged into its target. Its first parent is the target as it was
//! merged, and so the only base that counts nothing of what others pushed, and loses nothing that lands again. The commit of the
//! target that an event names may be older than that. Without a trial merge, it is the merge base with the target.

use gix::ObjectId;

use super::{
    base_branch::{KnownBranch, everything},
    ends::Ends,
    finder::RangeFinder,
};
use crate::{
    ci::{PullRequest, System},
    model::{
        change::BaseKind,
        error::{Error, Result},
    },
};

impl RangeFinder<'_> {
    /// Against the trial merge's first parent, where that is the head; else against the merge base with the target.
    pub(super) fn pull_request(&self, request: &PullRequest) -> Result<Ends> {
        let head = self.head(request.merge.or(request.head))?;
        if let Some(target) = self.merged_target(request, head.commit)? {
            let target = self.known(target)?;
            let kind = BaseKind::MergeBase;
            return Ok(Ends::new(&request.target, Some(target), kind, head));
        }
        let target = match self.branch(&request.target) {
            Ok(Some(target)) => target,
            // It may have been deleted since.
            Ok(None) => self.named_target(request, || no_target(&request.target))?,
            Err(error) if self.access.offline => self.named_target(request, || error)?,
            Err(error) => return Err(error),
        };
        let ends = self.since(&target.rev, target.commit, head)?;
        if ends.base.commit != Some(ends.head.commit) {
            return Ok(ends);
        }
        self.merged_since(request, ends)
    }

    /// The pull request has landed, and its run is a later one: what the target had when the event came tells its own work.
    fn merged_since(&self, request: &PullRequest, ends: Ends) -> Result<Ends> {
        let (rev, head) = (&ends.base.rev, &ends.head);
        if let Some(named) = request.target_commit {
            let named = self.known(named)?;
            let since = self.since(&request.target, named, head.clone())?;
            if since.base.commit != Some(head.commit) {
                return Ok(since);
            }
        }
        let why = format!("all of {} is in {rev} already", head.rev);
        Ok(everything(ends.head, &why))
    }

    /// The target at which the trial merge `head` was made; none when `head` is no trial merge.
    fn merged_target(&self, request: &PullRequest, head: ObjectId) -> Result<Option<ObjectId>> {
        let [first, second] = self.repository.parents(head)?[..] else {
            return Ok(None);
        };
        match (request.merge, request.head) {
            (Some(_), Some(of_request)) => Ok((second == of_request).then_some(first)),
            (Some(_), None) => self.merges_into(request, first, second),
            // Jenkins names one commit, which may be either.
            (None, _) if self.run.is_some_and(|run| run.system == System::Jenkins) => {
                self.merges_into(request, first, second)
            }
            // A head that took its target in.
            (None, _) => Ok(None),
        }
    }

    /// `first`, if the target has it and not `second`.
    fn merges_into(
        &self,
        request: &PullRequest,
        first: ObjectId,
        second: ObjectId,
    ) -> Result<Option<ObjectId>> {
        let has = |target: &KnownBranch, commit: ObjectId| {
            // Without its own objects, a commit may still be known as a parent.
            let commit = self.known(commit)?;
            self.is_ancestor(commit, target.commit)
        };
        let Some(mut target) = self.branch(&request.target)? else {
            return Ok(None);
        };
        // The branch of an old workspace may end before the trial merge's parent.
        if !self.access.offline && !has(&target, first)? {
            let Some(newer) = self.fetched_branch(&request.target)? else {
                return Ok(None);
            };
            target = newer;
        }
        let is_trial = has(&target, first)? && !has(&target, second)?;
        Ok(is_trial.then_some(first))
    }

    fn named_target(
        &self,
        request: &PullRequest,
        error: impl FnOnce() -> Error,
    ) -> Result<KnownBranch> {
        match request.target_commit {
            Some(commit) if self.repository.has_commit(commit) => Ok(KnownBranch {
                rev: request.target.clone(),
                commit,
                is_remote: true,
            }),
            _ => Err(error()),
        }
    }
}

fn no_target(name: &str) -> Error {
    Error::repository(format!(
        "`{name}`, the target of the pull request, is not on the remote"
    ))
    .hint("name the two ends: flota changed A...B")
}
