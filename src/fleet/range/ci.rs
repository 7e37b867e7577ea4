//! What the CI system says about a pull request, a push or a merge queue.

use gix::ObjectId;

use super::{base_branch::Shared, ends::Ends, finder::RangeFinder};
use crate::{
    ci::{Before, CiRun, Trigger},
    git::{network::revision, repository::Repository},
    model::{change::BaseKind, error::Result},
};

/// The branch that this run is about, in whose name it succeeds: of a pull request there is none.
pub fn own_branch(repository: &Repository, run: Option<&CiRun>) -> Option<String> {
    match run.map(|run| &run.trigger) {
        None => repository.branch(),
        Some(Trigger::PullRequest(_) | Trigger::Tag { .. }) => None,
        Some(Trigger::Push { branch, .. } | Trigger::Other { branch }) => branch.clone(),
        Some(Trigger::MergeQueue { target, .. }) => Some(target.clone()),
    }
}

impl RangeFinder<'_> {
    /// What the CI system says, else the base branch. `shared`: what it means that the base branch has all of the head.
    pub(super) fn told(&self, shared: Shared) -> Result<Ends> {
        match self.run.map(|run| &run.trigger) {
            Some(Trigger::PullRequest(request)) => self.pull_request(request),
            Some(Trigger::Push {
                branch,
                before,
                after,
            }) => self.push(branch.as_deref(), *before, *after),
            // The base of an entry is the one ahead of it, which another run builds.
            Some(Trigger::MergeQueue { base, head, .. }) => {
                let head = self.head(*head)?;
                let base = self.known(*base)?;
                let rev = base.to_string();
                Ok(Ends::new(rev, Some(base), BaseKind::Exact, head))
            }
            Some(Trigger::Tag { commit, .. }) => {
                self.since_base_branch(self.head(*commit)?, shared)
            }
            Some(Trigger::Other { branch }) => {
                let head = self.head(None)?;
                match self.moves_by_merges(branch.as_deref())? {
                    true => self.first_parent(head),
                    false => self.since_base_branch(head, shared),
                }
            }
            None => self.since_base_branch(self.head(None)?, shared),
        }
    }

    /// Against where the branch stood before; where nobody knows that, against something that is certainly older.
    fn push(&self, branch: Option<&str>, before: Before, after: Option<ObjectId>) -> Result<Ends> {
        let head = self.head(after)?;
        match before {
            Before::Commit(commit) => {
                let (fleet, access) = (self.repository, self.access);
                let why = match revision::can_be_had(fleet, commit, head.commit, access) {
                    Ok(true) => {
                        let rev = commit.to_string();
                        return Ok(Ends::new(rev, Some(commit), BaseKind::Exact, head));
                    }
                    Ok(false) => "no longer exists".to_owned(),
                    // It may well be there: nobody asked the remote.
                    Err(cut) if access.offline && fleet.is_shallow() => return Err(cut),
                    Err(error) => format!("is not known ({error})"),
                };
                let why = format!("{commit}, where the branch was before, {why}");
                self.uncertain_push(branch, head, &why)
            }
            Before::Nowhere => self.first_push(branch, head),
            Before::Unknown if self.moves_by_merges(branch)? => self.first_parent(head),
            Before::Unknown => self.uncertain_push(
                branch,
                head,
                "the CI system does not say where the branch was before the push",
            ),
        }
    }
}
