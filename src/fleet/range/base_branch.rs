//! The base branch, when nothing else says what to compare with.

use bstr::ByteSlice;
use gix::ObjectId;

use super::{ends::Ends, finder::RangeFinder};
use crate::{
    git::network::{ls_remote, revision},
    model::{
        change::{BaseKind, End},
        error::{Error, Result},
        settings::BaseSetting,
    },
};

/// The branches a repository may call its main line, when neither configuration nor a remote says so.
const USUAL_BASE_BRANCHES: [&str; 3] = ["main", "master", "development"];

/// How to be exact where everything counts as added.
const HOW_TO_BE_EXACT: &str =
    "to compare with what was built last, use --base last-success (flota help last-success)";

/// The commit of a branch.
pub(super) struct KnownBranch {
    /// The name by which people find it: with the remote's, of a remote-tracking branch.
    pub rev: String,
    pub commit: ObjectId,
    /// Whether the remote has it, as far as this clone knows.
    pub is_remote: bool,
}

/// What it means that all of a head is in the base branch already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    /// There is nothing to do, as one who asks on a branch of their own sees.
    Nothing,
    /// Nobody knows what of it was built: everything counts as added.
    Everything,
}

impl RangeFinder<'_> {
    /// A new branch has what it does not share with the base branch; a new base branch has everything.
    pub(super) fn first_push(&self, branch: Option<&str>, head: End) -> Result<Ends> {
        let name = match self.base_branch_name()? {
            Some(name) if branch != Some(name.as_str()) => name,
            Some(_) => return Ok(Ends::new("", None, BaseKind::Empty, head)),
            None => return self.without_base_branch(head, "no base branch is known"),
        };
        let base = self.base_branch(&name)?;
        let commit = head.commit;
        let ends = match self.since_if_related(&base.rev, base.commit, head)? {
            Ok(ends) => ends,
            Err(head) => return Ok(unrelated(head, &base)),
        };
        // A branch here that the remote has not got yet may be the very one that is about to be pushed.
        if ends.base.commit == Some(commit) && !base.is_remote {
            return Ok(Ends::new("", None, BaseKind::Empty, ends.head));
        }
        Ok(ends.warn_if_same())
    }

    /// Nobody says where the pushed branch was before: what it does not share with the base branch; on the base branch, everything.
    /// `why` says who does not say it.
    pub(super) fn uncertain_push(
        &self,
        branch: Option<&str>,
        head: End,
        why: &str,
    ) -> Result<Ends> {
        let Some(name) = self.base_branch_name()? else {
            return self.without_base_branch(head, &format!("{why}, and no base branch is known"));
        };
        if branch.is_none_or(|branch| branch == name) {
            return Ok(everything(head, why));
        }
        let base = self.base_branch(&name)?;
        let warning = format!(
            "{why}: comparing with the merge base with {}, so that nothing is left out",
            base.rev
        );
        match self.since_if_related(&base.rev, base.commit, head)? {
            Ok(ends) => Ok(ends.warn(warning).warn_if_same()),
            Err(head) => Ok(unrelated(head, &base)),
        }
    }

    /// Whether `[fleet] base` allows to take the first parent on `branch`.
    pub(super) fn moves_by_merges(&self, branch: Option<&str>) -> Result<bool> {
        let by_merges = self.settings.fleet.base == Some(BaseSetting::FirstParent);
        Ok(by_merges && branch.is_some() && self.base_branch_name()?.as_deref() == branch)
    }

    pub(super) fn first_parent(&self, head: End) -> Result<Ends> {
        let Some(parent) = self.repository.parents(head.commit)?.first().copied() else {
            return Ok(Ends::new("", None, BaseKind::Empty, head));
        };
        let parent = self.known(parent)?;
        let kind = BaseKind::Approximate;
        Ok(Ends::new(parent.to_string(), Some(parent), kind, head))
    }

    /// What `head` does not share with the base branch; where it shares all, `shared` says what that means.
    pub(super) fn since_base_branch(&self, head: End, shared: Shared) -> Result<Ends> {
        let name = self.base_branch_name()?.ok_or_else(|| {
            Error::misuse("flota does not know what to compare with: no range is given, and no base branch is known")
                .hint("name the older side: flota changed --base REV")
                .hint("or set it in flota.toml: [fleet] base_branch = \"main\"")
        })?;
        let base = self.base_branch(&name)?;
        let commit = head.commit;
        let ends = self.since(&base.rev, base.commit, head)?;
        if ends.base.commit != Some(commit) || shared == Shared::Nothing {
            return Ok(ends.warn_if_same());
        }
        let why = format!(
            "all of {} is in {} already, and nobody says since when",
            ends.head.rev, base.rev
        );
        Ok(everything(ends.head, &why))
    }

    /// Everything; but it is an error where the remote may know the base branch, and was not asked.
    fn without_base_branch(&self, head: End, why: &str) -> Result<Ends> {
        if self.access.offline && self.repository.has_remote(self.remote()?)? {
            let remote = self.remote()?;
            return Err(
                Error::repository(format!("{why}, and flota must stay offline"))
                    .hint(format!(
                        "let git ask the remote: git remote set-head {remote} --auto"
                    ))
                    .hint("or name it in flota.toml: [fleet] base_branch = \"main\""),
            );
        }
        Ok(everything(head, why))
    }

    /// The branch `name`, fetched when it is not here.
    fn base_branch(&self, name: &str) -> Result<KnownBranch> {
        self.branch(name)?.ok_or_else(|| {
            Error::repository(format!(
                "there is no base branch `{name}`, here or on the remote"
            ))
            .hint("name another in flota.toml: [fleet] base_branch = \"main\"")
        })
    }

    /// The configured base branch, else what the CI system or the remote calls its default, else a usual name. A remote is asked
    /// where this clone does not know it.
    fn base_branch_name(&self) -> Result<Option<String>> {
        let configured = self.settings.fleet.base_branch.as_ref();
        let by_system = self.run.and_then(|run| run.default_branch.as_ref());
        if let Some(name) = configured.or(by_system) {
            return Ok(Some(name.clone()));
        }
        if let Some(name) = self.tracked_default()? {
            return Ok(Some(name));
        }
        let usual = || {
            for name in USUAL_BASE_BRANCHES {
                if self.branch_here(name)?.is_some() {
                    return Ok(Some(name.to_owned()));
                }
            }
            Ok::<_, Error>(None)
        };
        // A clone in CI may have any branches and no idea of the default one.
        let known = match self.run {
            Some(_) => self.asked_default()?,
            None => None,
        };
        match known.or(usual()?) {
            Some(name) => Ok(Some(name)),
            None => self.asked_default(),
        }
    }

    /// The remote's default branch, as git-clone(1) noted it.
    fn tracked_default(&self) -> Result<Option<String>> {
        let remote = self.remote()?;
        let head = format!("refs/remotes/{remote}/HEAD");
        if self.repository.resolve_first([head.as_str()]).is_none() {
            return Ok(None);
        }
        let target = self.repository.symbolic_target(&head);
        let name = target.as_deref().and_then(|target| {
            let name = target.strip_prefix(&remote.to_string())?;
            name.strip_prefix('/')
        });
        Ok(name.map(str::to_owned))
    }

    /// The remote's default branch, as it says itself; none offline, or without a remote.
    fn asked_default(&self) -> Result<Option<String>> {
        let remote = self.remote()?;
        if self.access.offline || !self.repository.has_remote(remote)? {
            return Ok(None);
        }
        let name = ls_remote::head_branch(self.repository, remote, self.access.patience)?;
        Ok(name.and_then(|name| Some(name.to_str().ok()?.to_owned())))
    }

    /// A branch by its full name, since a branch may be called like a commit; fetched when it is not here. None when there is none.
    pub(super) fn branch(&self, name: &str) -> Result<Option<KnownBranch>> {
        match self.branch_here(name)? {
            Some(here) => Ok(Some(here)),
            None => self.fetched_branch(name),
        }
    }

    /// The branch as the remote has it now.
    pub(super) fn fetched_branch(&self, name: &str) -> Result<Option<KnownBranch>> {
        let remote = self.remote()?;
        if !self.repository.has_remote(remote)? {
            return Ok(None);
        }
        let commit = revision::branch_of(self.repository, remote, name, self.access)?;
        commit
            .map(|commit| self.tracking_branch(name, commit))
            .transpose()
    }

    fn branch_here(&self, name: &str) -> Result<Option<KnownBranch>> {
        let tracking = format!("refs/remotes/{}/{name}", self.remote()?);
        if let Some((_, commit)) = self.repository.resolve_first([tracking.as_str()]) {
            return self.tracking_branch(name, commit).map(Some);
        }
        let own = format!("refs/heads/{name}");
        let found = self.repository.resolve_first([own.as_str()]);
        Ok(found.map(|(_, commit)| KnownBranch {
            rev: name.to_owned(),
            commit,
            is_remote: false,
        }))
    }

    fn tracking_branch(&self, name: &str, commit: ObjectId) -> Result<KnownBranch> {
        Ok(KnownBranch {
            rev: format!("{}/{name}", self.remote()?),
            commit,
            is_remote: true,
        })
    }
}

/// Everything counts as added, since the branch was begun anew.
fn unrelated(head: End, base: &KnownBranch) -> Ends {
    let why = format!("{} and {} have no common history", head.rev, base.rev);
    everything(head, &why)
}

/// Everything counts as added. `why` is the first half of the warning about it.
pub(super) fn everything(head: End, why: &str) -> Ends {
    let warning = format!("{why}: all services count as added; {HOW_TO_BE_EXACT}");
    Ends::new("", None, BaseKind::Empty, head).warn(warning)
}
