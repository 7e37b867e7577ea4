//! Which two commits to compare: what the user says, else what the CI system says, else the base branch.

use gix::ObjectId;

use crate::{
    ci::{Before, CiRun, PullRequest, Trigger},
    git::repository::Repository,
    model::{
        change::{Base, BaseKind, End, Warning, WarningKind},
        error::{Error, Result},
        range::{Notation, Range},
        settings::Settings,
    },
};

/// The branches a repository may call its main line, when neither configuration nor a remote says so.
const USUAL_BASE_BRANCHES: [&str; 3] = ["main", "master", "development"];

/// Two ends, looked up.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The older one.
    pub base: Base,
    /// The newer one.
    pub head: End,
    /// What is worth saying about the way they were found.
    pub warnings: Vec<Warning>,
}

impl Ends {
    fn new(rev: impl Into<String>, commit: Option<ObjectId>, kind: BaseKind, head: End) -> Self {
        Self {
            base: Base {
                rev: rev.into(),
                commit,
                kind,
            },
            head,
            warnings: Vec::new(),
        }
    }

    fn warn(mut self, message: String) -> Self {
        self.warnings.push(Warning {
            path: None,
            kind: WarningKind::ApproximateBase,
            message,
        });
        self
    }
}

/// Settles the ends. `range` is the user's; without one, `run` is what the CI system says.
pub fn resolve(
    repository: &Repository,
    settings: &Settings,
    range: Option<&Range>,
    run: Option<&CiRun>,
) -> Result<Ends> {
    let finder = Finder {
        repository,
        settings,
        run,
    };
    match (range, run.map(|run| &run.trigger)) {
        (Some(range), _) => finder.range(range),
        (None, Some(Trigger::PullRequest(request))) => finder.pull_request(request),
        (
            None,
            Some(Trigger::Push {
                branch,
                before,
                after,
            }),
        ) => finder.push(branch.as_deref(), *before, *after),
        (None, Some(Trigger::MergeQueue { base, head, .. })) => {
            let head = finder.head(*head)?;
            let base = finder.known(*base)?;
            Ok(Ends::new(
                base.to_string(),
                Some(base),
                BaseKind::Exact,
                head,
            ))
        }
        (None, Some(Trigger::Tag { commit, .. })) => {
            finder.since_base_branch(finder.head(*commit)?)
        }
        (None, Some(Trigger::Other { .. }) | None) => finder.since_base_branch(finder.head(None)?),
    }
}

struct Finder<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    run: Option<&'a CiRun>,
}

impl Finder<'_> {
    fn range(&self, range: &Range) -> Result<Ends> {
        let commit = self.repository.resolve(&range.head)?;
        let head = End {
            rev: range.head.clone(),
            commit,
        };
        let base = self.repository.resolve(&range.base)?;
        match range.notation {
            Notation::TwoDots => Ok(Ends::new(&range.base, Some(base), BaseKind::Exact, head)),
            Notation::ThreeDots => self.since(&range.base, base, head),
        }
    }

    /// Against the merge base with the target, in the trial merge where the system checks one out.
    fn pull_request(&self, request: &PullRequest) -> Result<Ends> {
        let head = self.head(request.merge.or(request.head))?;
        let at_hand = request
            .target_commit
            .filter(|commit| self.repository.has_commit(*commit));
        let target = match at_hand {
            Some(commit) => commit,
            None => self.branch(&request.target)?.1,
        };
        self.since(&request.target, target, head)
    }

    /// Against where the branch stood before, or the nearest thing that is known to be older.
    fn push(&self, branch: Option<&str>, before: Before, after: Option<ObjectId>) -> Result<Ends> {
        let head = self.head(after)?;
        match before {
            Before::Commit(commit) if self.repository.has_commit(commit) => Ok(Ends::new(
                commit.to_string(),
                Some(commit),
                BaseKind::Exact,
                head,
            )),
            Before::Commit(cut) if self.repository.is_shallow() => Err(deepen(Error::repository(
                format!("{cut}, where the branch stood before, is not in this shallow clone"),
            ))),
            Before::Commit(gone) => {
                let warning = format!(
                    "{gone}, where the branch stood before, is gone: comparing with the nearest commit still known"
                );
                Ok(self.approximately(branch, head)?.warn(warning))
            }
            Before::Nowhere => self.first_push(branch, head),
            Before::Unknown => {
                let warning = "the CI system does not say where the branch stood before: comparing with the \
                               nearest older commit that is known";
                Ok(self.approximately(branch, head)?.warn(warning.to_owned()))
            }
        }
    }

    /// A new branch has what it does not share with the base branch; a new base branch has everything.
    fn first_push(&self, branch: Option<&str>, head: End) -> Result<Ends> {
        match self.base_branch() {
            Some((rev, commit)) if !self.is_branch(&rev, branch) => self.since(&rev, commit, head),
            _ => Ok(Ends::new("", None, BaseKind::Empty, head)),
        }
    }

    /// The merge base with the base branch; on the base branch itself, the first parent.
    fn approximately(&self, branch: Option<&str>, head: End) -> Result<Ends> {
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

    fn first_parent(&self, head: End) -> Result<Ends> {
        let kind = BaseKind::Approximate;
        match self.repository.resolve(&format!("{}^1", head.commit)) {
            Ok(parent) => Ok(Ends::new(parent.to_string(), Some(parent), kind, head)),
            Err(_) if self.repository.is_shallow() => {
                let message = format!("the history is cut at {}", head.commit);
                Err(deepen(Error::repository(message)))
            }
            Err(_) => Ok(Ends::new("", None, BaseKind::Empty, head)),
        }
    }

    fn since_base_branch(&self, head: End) -> Result<Ends> {
        let (rev, commit) = self.base_branch().ok_or_else(|| {
            Error::misuse(
                "nothing says what to compare with: no range, no CI system, no base branch",
            )
            .hint("name the older side: flota changed --base REV")
            .hint("or once for all in flota.toml: [fleet] base_branch = \"main\"")
        })?;
        self.since(&rev, commit, head)
    }

    fn since(&self, rev: &str, base: ObjectId, head: End) -> Result<Ends> {
        match self.repository.merge_base(base, head.commit)? {
            Some(found) => Ok(Ends::new(rev, Some(found), BaseKind::MergeBase, head)),
            None if self.repository.is_shallow() => Err(deepen(Error::repository(format!(
                "the history is cut before `{rev}` and `{}` meet",
                head.rev
            )))),
            None => Err(Error::repository(format!(
                "`{rev}` and `{}` have no common history",
                head.rev
            ))
            .hint(format!(
                "compare the two commits themselves: {rev}..{}",
                head.rev
            ))),
        }
    }

    /// The commit a CI system names, which must be at hand; HEAD when it names none.
    fn head(&self, commit: Option<ObjectId>) -> Result<End> {
        match commit {
            None => Ok(End {
                rev: "HEAD".to_owned(),
                commit: self.repository.resolve("HEAD")?,
            }),
            Some(commit) => Ok(End {
                rev: commit.to_string(),
                commit: self.known(commit)?,
            }),
        }
    }

    fn known(&self, commit: ObjectId) -> Result<ObjectId> {
        if self.repository.has_commit(commit) {
            return Ok(commit);
        }
        Err(Error::repository(format!(
            "the CI system names the commit {commit}, which is not in this clone"
        ))
        .hint(format!("fetch it: git fetch origin {commit}")))
    }

    /// A branch by its full name, since a branch may be called like a commit.
    fn branch(&self, name: &str) -> Result<(String, ObjectId)> {
        self.branch_if_any(name).ok_or_else(|| {
            Error::repository(format!("the branch `{name}` is not in this clone")).hint(format!(
                "fetch it: git fetch origin {name}:refs/remotes/origin/{name}"
            ))
        })
    }

    fn branch_if_any(&self, name: &str) -> Option<(String, ObjectId)> {
        let refs = [
            format!("refs/remotes/origin/{name}"),
            format!("refs/heads/{name}"),
        ];
        let (found, commit) = self
            .repository
            .resolve_first(refs.iter().map(String::as_str))?;
        let short = found
            .trim_start_matches("refs/remotes/")
            .trim_start_matches("refs/heads/");
        Some((short.to_owned(), commit))
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

/// How to get the history that is missing.
fn deepen(error: Error) -> Error {
    error
        .hint("get the rest of it: git fetch --unshallow")
        .hint("in GitHub Actions: actions/checkout with fetch-depth: 0")
}
