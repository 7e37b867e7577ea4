//! What the CI system says about a pull request, a push or a merge queue.

use gix::ObjectId;

use super::{ends::Ends, finder::RangeFinder};
use crate::{
    ci::{Before, CiRun, PullRequest, Trigger},
    git::repository::Repository,
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
    /// What the CI system says, else the base branch.
    pub(super) fn told(&self) -> Result<Ends> {
        match self.run.map(|run| &run.trigger) {
            Some(Trigger::PullRequest(request)) => self.pull_request(request),
            Some(Trigger::Push {
                branch,
                before,
                after,
            }) => self.push(branch.as_deref(), *before, *after),
            Some(Trigger::MergeQueue { base, head, .. }) => {
                let head = self.head(*head)?;
                let base = self.known(*base)?;
                let rev = base.to_string();
                Ok(Ends::new(rev, Some(base), BaseKind::Exact, head))
            }
            Some(Trigger::Tag { commit, .. }) => self.since_base_branch(self.head(*commit)?),
            Some(Trigger::Other { .. }) | None => self.since_base_branch(self.head(None)?),
        }
    }

    /// Against the merge base with the target, in the trial merge where the system checks one out.
    fn pull_request(&self, request: &PullRequest) -> Result<Ends> {
        let head = self.head(request.merge.or(request.head))?;
        let named = request.target_commit;
        let at_hand = named.filter(|commit| self.repository.has_commit(*commit));
        let target = match at_hand {
            Some(commit) => commit,
            None => self.branch(&request.target)?,
        };
        self.since(&request.target, target, head)
    }

    /// Against where the branch stood before, or the nearest thing that is known to be older.
    fn push(&self, branch: Option<&str>, before: Before, after: Option<ObjectId>) -> Result<Ends> {
        let head = self.head(after)?;
        match before {
            Before::Commit(commit) => match self.known(commit) {
                Ok(_) => {
                    let rev = commit.to_string();
                    Ok(Ends::new(rev, Some(commit), BaseKind::Exact, head))
                }
                // It may well be there: nobody asked the remote.
                Err(cut) if self.access.offline && self.repository.is_shallow() => Err(cut),
                Err(_) => {
                    let warning = format!(
                        "{commit}, where the branch was before, no longer exists: comparing with the nearest commit still known"
                    );
                    Ok(self.approximately(branch, head)?.warn(warning))
                }
            },
            Before::Nowhere => self.first_push(branch, head),
            Before::Unknown => {
                let warning = "the CI system does not say where the branch was before: comparing with the \
                               nearest older commit that is known";
                Ok(self.approximately(branch, head)?.warn(warning.to_owned()))
            }
        }
    }
}
