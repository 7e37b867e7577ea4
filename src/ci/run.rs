//! What a CI system can say of a run.

use gix::ObjectId;

/// What the CI system says this run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiRun {
    /// The system that said it.
    pub system: System,
    /// Why the run started, and with that what it compares.
    pub trigger: Trigger,
    /// The repository's default branch, where the system names it: the base branch of a fleet that configures none.
    pub default_branch: Option<String>,
}

/// A CI system flota has an adapter for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions (and servers that imitate its variables).
    GitHub,
    /// Azure Pipelines.
    Azure,
    /// GitLab CI/CD.
    GitLab,
    /// Buildkite.
    Buildkite,
    /// Jenkins.
    Jenkins,
}

impl System {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::Azure => "Azure Pipelines",
            Self::GitLab => "GitLab CI/CD",
            Self::Buildkite => "Buildkite",
            Self::Jenkins => "Jenkins",
        }
    }

    /// How its pipelines clone all of the history; none where the system has no word for it.
    pub(crate) fn deep_clone(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("actions/checkout with fetch-depth: 0"),
            Self::Azure => Some("a checkout step with fetchDepth: 0"),
            Self::GitLab => Some("the variable GIT_DEPTH: 0"),
            Self::Buildkite | Self::Jenkins => None,
        }
    }
}

/// Why a run started. Commits are as the system names them: they need not be in the clone at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A pull request: compare the merge base of target and head with the head.
    PullRequest(PullRequest),
    /// A push to a branch: compare `before` with `after`.
    Push {
        /// The branch, where the system names it.
        branch: Option<String>,
        /// Where the branch stood before.
        before: Before,
        /// The pushed tip; `None`: what is checked out.
        after: Option<ObjectId>,
    },
    /// A merge queue's (GitLab: merge train's) trial of a change on top of those queued ahead of it: compare `base`
    /// with `head`.
    MergeQueue {
        /// The branch the change is to be merged into.
        target: String,
        /// The commit the change was put on top of.
        base: ObjectId,
        /// The trial merge; `None`: what is checked out.
        head: Option<ObjectId>,
    },
    /// A tag, however the run started.
    Tag {
        /// The tag's name, without `refs/tags/`.
        name: String,
        /// The tagged commit (never the tag object); `None`: what is checked out.
        commit: Option<ObjectId>,
    },
    /// Scheduled, manual, started by another run …: nothing says what to compare with.
    Other {
        /// The branch, where the run has one.
        branch: Option<String>,
    },
}

/// The two sides of a pull request (GitLab: merge request; Jenkins: change request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number, where it has one (Gerrit's changes on Jenkins may have none).
    pub number: Option<u64>,
    /// The branch it is to be merged into.
    pub target: String,
    /// A commit of the target whose merge base with the head is the base, as recorded when the run was started: the
    /// same on every re-run, also after the merge, but possibly behind the branch. `None`: resolve `target`.
    pub target_commit: Option<ObjectId>,
    /// The branch it comes from, possibly in another repository.
    pub source_branch: Option<String>,
    /// Its last commit. `None`: the system names only `merge`, or nothing; then it is what is checked out.
    pub head: Option<ObjectId>,
    /// The trial merge of the head into the target (first parent: the target), where the system checks that out
    /// instead of the head.
    pub merge: Option<ObjectId>,
}

/// Where a pushed branch stood before the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// At this commit. After a forced push no ref may lead to it any more, and the server may have dropped it.
    Commit(ObjectId),
    /// Nowhere: the branch is new, or nothing of it was ever built.
    Nowhere,
    /// The system does not say (Azure Pipelines, Buildkite): do not take the branch for a new one.
    Unknown,
}
