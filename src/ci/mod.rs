//! What the CI system says a run is about, from its environment alone (design §4 and §6, rule 2).
//!
//! [`detect`] recognises the system and translates its variables into a [`Trigger`]: the two ends to compare, as far
//! as the system names them. It asks no server and no repository; GitHub's event payload is the only file it reads.
//! Each adapter's documentation says which variables it reads, and on which page the system promises them.
//!
//! # Precedence
//! Of several systems that show their mark the first of this list is believed; `CI=true` alone is no system:
//!
//! | system | mark |
//! |---|---|
//! | GitHub Actions | `GITHUB_ACTIONS=true` |
//! | Azure Pipelines | `TF_BUILD=True` |
//! | GitLab CI/CD | `GITLAB_CI=true` |
//! | Buildkite | `BUILDKITE=true` |
//! | Jenkins | `BUILD_TAG` begins with `jenkins-` |
//!
//! Jenkins comes last: its variables have names (`BUILD_TAG`, `GIT_COMMIT`) that a script may well set under another
//! system. `JENKINS_URL` is no mark: Jenkins leaves it out where no root URL is configured, and its command-line
//! client reads it outside of any build.
//!
//! # Hostile values
//! The author of a pull request chooses its branch's name. Every name and commit is checked before it leaves this
//! module, and nothing here is passed on unchecked. A name is still only data: resolve it as a full ref
//! (`refs/remotes/origin/<name>`), since a branch may be called like a commit.
//!
//! A value that is empty counts as not set, as Buildkite and GitLab mean it. A recognised system that lacks a variable
//! the answer hangs on, or contradicts itself, is an error (exit 3) and never a guess: a wrong base builds nothing and
//! says so nowhere.

mod azure;
mod buildkite;
mod github;
mod gitlab;
mod jenkins;
pub mod summary;

use std::ffi::OsString;

use gix::ObjectId;

use crate::model::error::{Error, Result};

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

/// Recognises the CI system this process runs under and reads what the run is about; `None` outside of every known
/// system. `lookup` gives a variable's value: `&|name| std::env::var_os(name)`.
///
/// # Errors
/// Exit 3, naming the variable (or the payload's field), when the system is recognised but a value is missing, not
/// UTF-8, not a commit, not a valid branch name, or at odds with another.
pub fn detect(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<CiRun>> {
    let env = Env { lookup };
    let run = match env.system() {
        None => return Ok(None),
        Some(System::GitHub) => github::run(&env),
        Some(System::Azure) => azure::run(&env),
        Some(System::GitLab) => gitlab::run(&env),
        Some(System::Buildkite) => buildkite::run(&env),
        Some(System::Jenkins) => jenkins::run(&env),
    };
    run.map(Some)
}

/// The system that shows its mark, whatever else it says.
pub fn system(lookup: &dyn Fn(&str) -> Option<OsString>) -> Option<System> {
    Env { lookup }.system()
}

/// The environment, read by the rules of this module.
struct Env<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Env<'_> {
    /// Whether the variable says `true`; Azure Pipelines writes `True`.
    fn is_true(&self, name: &str) -> bool {
        (self.lookup)(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn system(&self) -> Option<System> {
        let marked = [
            (System::GitHub, self.is_true("GITHUB_ACTIONS")),
            (System::Azure, self.is_true("TF_BUILD")),
            (System::GitLab, self.is_true("GITLAB_CI")),
            (System::Buildkite, self.is_true("BUILDKITE")),
            (System::Jenkins, self.begins_with("BUILD_TAG", "jenkins-")),
        ];
        let found = marked.into_iter().find(|(_, is_marked)| *is_marked);
        found.map(|(system, _)| system)
    }

    fn begins_with(&self, name: &str, prefix: &str) -> bool {
        (self.lookup)(name)
            .is_some_and(|value| value.as_encoded_bytes().starts_with(prefix.as_bytes()))
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        match (self.lookup)(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => value
                .into_string()
                .map(Some)
                .map_err(|value| invalid(name, &value.to_string_lossy(), "not UTF-8")),
        }
    }

    fn branch(&self, name: &str) -> Result<Option<String>> {
        let value = self.text(name)?;
        value.map(|value| branch(name, &value)).transpose()
    }

    fn commit(&self, name: &str) -> Result<Option<ObjectId>> {
        let value = self.text(name)?;
        Ok(value
            .map(|value| commit(name, &value))
            .transpose()?
            .flatten())
    }

    fn number(&self, name: &str) -> Result<Option<u64>> {
        let value = self.text(name)?;
        value.map(|value| number(name, &value)).transpose()
    }
}

/// A full ref as GitHub and Azure Pipelines name the one a run belongs to.
#[derive(Debug, PartialEq, Eq)]
enum Ref {
    Branch(String),
    Tag(String),
    /// `refs/pull/<number>/merge`: the trial merge of a pull request.
    PullMerge(u64),
    /// Anything else, such as a TFVC path of Azure Pipelines.
    Other,
}

impl Ref {
    /// Reads `value`; `source` is the variable's name, for errors.
    fn parse(source: &str, value: &str) -> Result<Self> {
        if let Some(name) = value.strip_prefix("refs/heads/") {
            return branch(source, name).map(Self::Branch);
        }
        if let Some(name) = value.strip_prefix("refs/tags/") {
            return tag(source, name).map(Self::Tag);
        }
        let pull = value.strip_prefix("refs/pull/");
        match pull.and_then(|rest| rest.strip_suffix("/merge")) {
            Some(digits) => number(source, digits).map(Self::PullMerge),
            None => Ok(Self::Other),
        }
    }

    fn into_branch(self) -> Option<String> {
        match self {
            Self::Branch(name) => Some(name),
            _ => None,
        }
    }
}

/// A commit's full id in hexadecimal, SHA-1 or SHA-256; all zeros is git's way to say "no commit": `None`.
fn commit(source: &str, value: &str) -> Result<Option<ObjectId>> {
    let id = ObjectId::from_hex(value.as_bytes())
        .map_err(|_| invalid(source, value, "not a commit (40 or 64 hexadecimal digits)"))?;
    Ok((!id.is_null()).then_some(id))
}

/// A branch name by the rules of `git check-ref-format --branch`, and without control characters of any kind.
fn branch(source: &str, value: &str) -> Result<String> {
    let full = format!("refs/heads/{value}");
    let valid = gix::validate::reference::branch_name(full.as_str().into()).is_ok();
    checked_name(source, value, valid, "not a valid branch name")
}

/// A tag name by the same rules.
fn tag(source: &str, value: &str) -> Result<String> {
    let full = format!("refs/tags/{value}");
    let valid = gix::validate::reference::name(full.as_str().into()).is_ok();
    checked_name(source, value, valid, "not a valid tag name")
}

fn checked_name(source: &str, value: &str, valid: bool, fault: &str) -> Result<String> {
    if valid && !value.starts_with('-') && !value.contains(char::is_control) {
        Ok(value.to_owned())
    } else {
        Err(invalid(source, value, fault))
    }
}

/// A pull request's number: decimal digits, without the sign `str::parse` would allow.
fn number(source: &str, value: &str) -> Result<u64> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.ok_or_else(|| invalid(source, value, "not the number of a pull request"))
}

/// How to do without the environment: explicit ends are never overruled by it (design §4).
const NAME_BOTH_ENDS: &str = "name both ends yourself: flota plan --base REV --head REV";

/// The characters of a refused value an error shows.
const SHOWN: usize = 80;

fn invalid(source: &str, value: &str, fault: &str) -> Error {
    let shown: String = value.chars().take(SHOWN).collect();
    let more = if shown.len() < value.len() {
        " …"
    } else {
        ""
    };
    Error::unavailable(format!("{source} is {fault}: {shown:?}{more}")).hint(NAME_BOTH_ENDS)
}

fn missing(source: &str, why: &str) -> Error {
    Error::unavailable(format!("{source} is not set, though {why}")).hint(NAME_BOTH_ENDS)
}

fn contradiction(one: &str, other: &str) -> Error {
    Error::unavailable(format!("{one} and {other} contradict each other")).hint(NAME_BOTH_ENDS)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, error::Error as _, ffi::OsStr, fmt::Write, fs, path::Path};

    use super::*;

    const FIXTURES: &str = "fixtures/ci";
    const ONE: &str = "1111111111111111111111111111111111111111";

    /// Runs every `fixtures/ci/<system>/<case>.env` against the snapshot beside it: one without a snapshot fails.
    #[test]
    fn environments_give_what_their_snapshots_say() {
        let mut cases = 0;
        for (folder, file) in files("env") {
            let variables = variables(&folder, &file);
            let outcome = describe(detect(&|name| variables.get(name).map(OsString::from)));
            insta::with_settings!({
                snapshot_path => Path::new("../..").join(&folder),
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, {
                insta::assert_snapshot!(stem(&file), outcome);
            });
            cases += 1;
        }
        assert!(cases > 50, "only {cases} cases: are the fixtures there?");
    }

    #[test]
    fn every_snapshot_and_payload_belongs_to_a_case() {
        let cases = files("env");
        for (folder, file) in files("snap") {
            let case = (folder, format!("{}.env", stem(&file)));
            assert!(
                cases.contains(&case),
                "{case:?} is gone, its snapshot is not"
            );
        }
        let used: Vec<_> = cases
            .iter()
            .filter_map(|(folder, file)| variables(folder, file).remove("GITHUB_EVENT_PATH"))
            .collect();
        for (folder, file) in files("json") {
            let path = format!("{folder}/{file}");
            assert!(used.contains(&path), "no case reads {path}");
        }
    }

    #[test]
    fn values_that_an_env_file_cannot_hold_are_refused_by_name() {
        let hostile = [
            "main\n::set-output::",
            "ma\u{1b}[2Jin",
            "ma\u{9b}in",
            "ma\u{7f}in",
        ];
        for value in hostile {
            let error = push_from_gitlab("CI_COMMIT_BRANCH", value.as_ref()).unwrap_err();
            let message = error.to_string();
            assert!(
                message.starts_with("CI_COMMIT_BRANCH is not a valid branch name"),
                "{message}"
            );
            assert!(!message.contains(char::is_control), "{message:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_refused_by_name() {
        let value = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9");
        let error = push_from_gitlab("CI_COMMIT_BRANCH", value).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("CI_COMMIT_BRANCH is not UTF-8")
        );
    }

    #[test]
    fn a_refused_value_is_shown_in_part_when_it_is_long() {
        let long = "-".repeat(100_000);
        let error = push_from_gitlab("CI_COMMIT_BRANCH", long.as_ref()).unwrap_err();
        assert!(error.to_string().len() < 200);
    }

    #[test]
    fn branch_names_follow_git_check_ref_format() {
        for name in ["main", "feature/x", "a$(id)`;&|<>", "été", "@", "1111", ONE] {
            assert_eq!(branch("X", name).unwrap(), name);
        }
        for name in [
            "",
            "-",
            "--output=x",
            "a b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.",
            "a.lock",
            "a.lock/b",
            "a@{1}",
            "HEAD",
        ] {
            assert!(branch("X", name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn commits_are_full_ids_and_zeros_are_none() {
        for id in [ONE, &"2".repeat(64), &"ABCDEF0123".repeat(4)] {
            let read = commit("X", id).unwrap().unwrap();
            assert_eq!(read.to_string(), id.to_lowercase());
        }
        for zeros in [40, 64] {
            assert_eq!(commit("X", &"0".repeat(zeros)).unwrap(), None);
        }
        let [short, long] = [&ONE[1..], &format!("{ONE}1")];
        for value in [
            short,
            long,
            "",
            "HEAD",
            "--output=x",
            &"g".repeat(40),
            &format!("{} ", &ONE[1..]),
        ] {
            assert!(commit("X", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number("X", "0042").unwrap(), 42);
        for value in ["", "+1", "-1", "1 ", "0x1", "١", "99999999999999999999"] {
            assert!(number("X", value).is_err(), "{value:?}");
        }
    }

    fn push_from_gitlab(name: &str, value: &OsStr) -> Result<Option<CiRun>> {
        detect(&|asked| match asked {
            "GITLAB_CI" => Some("true".into()),
            "CI_PIPELINE_SOURCE" => Some("push".into()),
            _ => (asked == name).then(|| value.to_owned()),
        })
    }

    /// The folder and name of every fixture with this extension, sorted.
    fn files(extension: &str) -> Vec<(String, String)> {
        let found = walkdir::WalkDir::new(FIXTURES).sort_by_file_name();
        let paths = found.into_iter().map(|entry| entry.unwrap().into_path());
        paths
            .filter(|path| path.extension() == Some(extension.as_ref()))
            .map(|path| {
                let text = |part: &OsStr| part.to_str().unwrap().to_owned();
                (
                    text(path.parent().unwrap().as_os_str()),
                    text(path.file_name().unwrap()),
                )
            })
            .collect()
    }

    fn stem(file: &str) -> &str {
        file.rsplit_once('.').unwrap().0
    }

    /// The `NAME=value` lines of a case; the event payload lies in the same folder.
    fn variables(folder: &str, file: &str) -> BTreeMap<String, String> {
        let text = fs::read_to_string(Path::new(folder).join(file)).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| match line.split_once('=').unwrap() {
                ("GITHUB_EVENT_PATH", payload) => {
                    ("GITHUB_EVENT_PATH".into(), format!("{folder}/{payload}"))
                }
                (name, value) => (name.into(), value.into()),
            })
            .collect()
    }

    fn describe(outcome: Result<Option<CiRun>>) -> String {
        match outcome {
            Ok(None) => "no CI system".into(),
            Ok(Some(run)) => format!("{run:#?}"),
            Err(error) => {
                let mut text = format!("{:?}: {error}", error.exit());
                if let Some(cause) = error.source() {
                    write!(text, "\ncaused by: {cause}").unwrap();
                }
                for hint in error.hints() {
                    write!(text, "\nhint: {hint}").unwrap();
                }
                text
            }
        }
    }
}
