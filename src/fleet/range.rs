//! Which two commits to compare: what the user says, else what the CI system says, else the base branch.

use gix::ObjectId;

use crate::{
    ci::{Before, CiRun, PullRequest, Trigger},
    git::{
        network::{
            fetch::PATIENCE,
            shallow::{self, RemoteAccess},
        },
        repository::Repository,
        success,
    },
    model::{
        change::{Base, BaseKind, End, Warning, WarningKind},
        error::{Error, Result},
        range::{Notation, Range, revision},
        settings::Settings,
        success::{Exceptions, Success, asked_for, reference},
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
    /// Services that are compared with another commit of the fleet than `base`, since they last succeeded there.
    pub exceptions: Exceptions,
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
            exceptions: Exceptions::new(),
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

/// Settles the ends. `range` is the user's; without one, `run` is what the CI system says. History that a clone in CI or a
/// shallow one lacks is fetched, unless `offline`.
pub fn resolve(
    repository: &Repository,
    settings: &Settings,
    range: Option<&Range>,
    run: Option<&CiRun>,
    offline: bool,
) -> Result<Ends> {
    let finder = Finder::new(repository, settings, run, offline);
    match range {
        Some(range) => match asked_for(&range.base) {
            Some(name) => finder.last_success(name, &range.head),
            None => finder.range(range),
        },
        None => finder.told(),
    }
}

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
    let finder = Finder::new(repository, settings, run, offline);
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

/// Whether `descendant` has `ancestor` in its history, which is deepened until that is certain.
pub fn is_ancestor(
    repository: &Repository,
    ancestor: ObjectId,
    descendant: ObjectId,
    access: RemoteAccess,
) -> Result<bool> {
    let base = match repository.is_shallow() {
        true => shallow::until_merge_base(repository, ancestor, descendant, access)?,
        false => repository.merge_base(ancestor, descendant)?,
    };
    Ok(base == Some(ancestor))
}

/// The branch that this run is about, in whose name it succeeds: of a pull request there is none.
pub fn own_branch(repository: &Repository, run: Option<&CiRun>) -> Option<String> {
    match run.map(|run| &run.trigger) {
        None => repository.branch(),
        Some(Trigger::PullRequest(_) | Trigger::Tag { .. }) => None,
        Some(Trigger::Push { branch, .. } | Trigger::Other { branch }) => branch.clone(),
        Some(Trigger::MergeQueue { target, .. }) => Some(target.clone()),
    }
}

struct Finder<'a> {
    repository: &'a Repository,
    settings: &'a Settings,
    run: Option<&'a CiRun>,
    access: RemoteAccess,
}

impl<'a> Finder<'a> {
    fn new(
        repository: &'a Repository,
        settings: &'a Settings,
        run: Option<&'a CiRun>,
        offline: bool,
    ) -> Self {
        let access = RemoteAccess {
            offline,
            patience: PATIENCE,
        };
        Self {
            repository,
            settings,
            run,
            access,
        }
    }

    /// What the CI system says, else the base branch.
    fn told(&self) -> Result<Ends> {
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

    /// Every service against the commit at which it last succeeded; without a record, as if no base had been named.
    fn last_success(&self, name: Option<&str>, head: &str) -> Result<Ends> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.whose_success()?,
        };
        let reference = reference(&name)?;
        if !self.access.offline
            && let Some(remote) = success::remote(self.repository)?
        {
            success::fetch(self.repository, &remote, &reference, self.access)?;
        }
        let head = End {
            rev: head.to_owned(),
            commit: self.named(head)?,
        };
        match success::read(self.repository, &reference)? {
            Some(stored) => self.since_success(&reference, stored.success, head),
            None => {
                let ends = match head.rev.as_str() {
                    "HEAD" => self.told()?,
                    _ => self.since_base_branch(head)?,
                };
                let message = format!(
                    "{reference} is not there yet: comparing with what would be the base without it"
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
                    "the commit at which {path} last succeeded is gone: all of it counts as changed"
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
            Error::misuse("HEAD is on no branch, so that nothing says whose last success is meant")
                .hint("name a branch or an environment: --base last-success:main")
        })
    }

    fn range(&self, range: &Range) -> Result<Ends> {
        let commit = self.named(&range.head)?;
        let head = End {
            rev: range.head.clone(),
            commit,
        };
        let base = self.named(&range.base)?;
        match range.notation {
            Notation::TwoDots => Ok(Ends::new(&range.base, Some(base), BaseKind::Exact, head)),
            Notation::ThreeDots => self.since(&range.base, base, head),
        }
    }

    /// The commit that the user names. One that is not here is fetched where clones are cut short as a rule: in CI, and of a
    /// shallow fleet; elsewhere it is taken for a mistake.
    fn named(&self, rev: &str) -> Result<ObjectId> {
        let cut = self.run.is_some() || self.repository.is_shallow();
        self.repository.resolve(rev).or_else(|unknown| match cut {
            true => shallow::commit(self.repository, rev, self.access).map_err(|_| unknown),
            false => Err(unknown),
        })
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
                        "{commit}, where the branch stood before, is gone: comparing with the nearest commit still known"
                    );
                    Ok(self.approximately(branch, head)?.warn(warning))
                }
            },
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
            Err(_) if self.repository.is_shallow() => Err(Error::repository(format!(
                "the history is cut at {}, so that nothing older is known",
                head.commit
            ))
            .hint("get the rest of it: git fetch --unshallow")
            .hint("in GitHub Actions: actions/checkout with fetch-depth: 0")),
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
        let found = if self.repository.is_shallow() {
            shallow::until_merge_base(self.repository, base, head.commit, self.access)?
        } else {
            self.repository.merge_base(base, head.commit)?
        };
        let Some(found) = found else {
            let head = &head.rev;
            let message = format!("`{rev}` and `{head}` have no common history");
            return Err(Error::repository(message)
                .hint(format!("compare the two commits themselves: {rev}..{head}")));
        };
        Ok(Ends::new(rev, Some(found), BaseKind::MergeBase, head))
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

    /// A commit that a CI system names, fetched when it is not here.
    fn known(&self, commit: ObjectId) -> Result<ObjectId> {
        if self.repository.has_commit(commit) {
            return Ok(commit);
        }
        shallow::commit(self.repository, &commit.to_string(), self.access)
    }

    /// A branch by its full name, since a branch may be called like a commit; fetched when it is not here.
    fn branch(&self, name: &str) -> Result<ObjectId> {
        match self.branch_if_any(name) {
            Some((_, commit)) => Ok(commit),
            None => shallow::commit(self.repository, name, self.access),
        }
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
