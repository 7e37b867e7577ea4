//! The base branch, when nothing else says what to compare with.

use gix::ObjectId;

use super::{ends::Ends, finder::RangeFinder};
use crate::model::{
    change::{BaseKind, End},
    error::{Error, Result},
};

/// The branches a repository may call its main line, when neither configuration nor a remote says so.
const USUAL_BASE_BRANCHES: [&str; 3] = ["main", "master", "development"];

impl RangeFinder<'_> {
    /// A new branch has what it does not share with the base branch; a new base branch has everything.
    pub(super) fn first_push(&self, branch: Option<&str>, head: End) -> Result<Ends> {
        match self.base_branch() {
            Some((rev, commit)) if !self.is_branch(&rev, branch) => self.since(&rev, commit, head),
            _ => Ok(Ends::new("", None, BaseKind::Empty, head)),
        }
    }

    /// The merge base with the base branch; on the base branch itself, the first parent.
    pub(super) fn approximately(&self, branch: Option<&str>, head: End) -> Result<Ends> {
        let mut ends = match self.base_branch() {
            Some((rev, commit)) if !self.is_branch(&rev, branch) => {
                self.since(&rev, commit, head)?
            }
            _ => self.first_parent(head)?,
        };
        if ends.base.kind != BaseKind::Empty {
            ends.base.kind = BaseKind::Approximate;
        }
        Ok(ends)
    }

    pub(super) fn first_parent(&self, head: End) -> Result<Ends> {
        let kind = BaseKind::Approximate;
        match self.repository.resolve(&format!("{}^1", head.commit)) {
            Ok(parent) => Ok(Ends::new(parent.to_string(), Some(parent), kind, head)),
            Err(_) if self.repository.is_shallow() => Err(Error::repository(format!(
                "the history is cut at {}, so nothing older is known",
                head.commit
            ))
            .hint("get the rest of it: git fetch --unshallow")
            .hint("in GitHub Actions: actions/checkout with fetch-depth: 0")),
            Err(_) => Ok(Ends::new("", None, BaseKind::Empty, head)),
        }
    }

    pub(super) fn since_base_branch(&self, head: End) -> Result<Ends> {
        let (rev, commit) = self.base_branch().ok_or_else(|| {
            Error::misuse(
                "flota does not know what to compare with: no range, no CI system, no base branch",
            )
            .hint("name the older side: flota changed --base REV")
            .hint("or set it in flota.toml: [fleet] base_branch = \"main\"")
        })?;
        self.since(&rev, commit, head)
    }

    /// The configured base branch, else what the CI system or the remote calls its default, else a usual name.
    fn base_branch(&self) -> Option<(String, ObjectId)> {
        let told = self.settings.fleet.base_branch.as_deref();
        if let Some(name) = told {
            return self.branch_if_any(name);
        }
        let by_system = self.run.and_then(|run| run.default_branch.as_deref());
        by_system
            .and_then(|name| self.branch_if_any(name))
            .or_else(|| {
                let (_, commit) = self
                    .repository
                    .resolve_first(["refs/remotes/origin/HEAD"])?;
                Some(("origin/HEAD".to_owned(), commit))
            })
            .or_else(|| {
                USUAL_BASE_BRANCHES
                    .iter()
                    .find_map(|name| self.branch_if_any(name))
            })
    }

    /// Whether the base branch `rev` is the branch that was pushed.
    fn is_branch(&self, rev: &str, branch: Option<&str>) -> bool {
        let Some(branch) = branch else { return false };
        let remote = match rev {
            "origin/HEAD" => self.repository.symbolic_target("refs/remotes/origin/HEAD"),
            other => Some(other.to_owned()),
        };
        remote.is_some_and(|rev| rev.strip_prefix("origin/").unwrap_or(&rev) == branch)
    }
}
