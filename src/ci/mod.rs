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
mod env;
mod github;
mod gitlab;
mod jenkins;
mod run;
pub(crate) mod summary;

use std::ffi::OsString;

pub(crate) use run::{Before, CiRun, PullRequest, System, Trigger};

use self::env::Env;
use crate::model::error::Result;

/// Recognises the CI system this process runs under and reads what the run is about; `None` outside of every known
/// system. `lookup` gives a variable's value: `&|name| std::env::var_os(name)`.
///
/// # Errors
/// Exit 3, naming the variable (or the payload's field), when the system is recognised but a value is missing, not
/// UTF-8, not a commit, not a valid branch name, or at odds with another.
pub(crate) fn detect(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<CiRun>> {
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
pub(crate) fn system(lookup: &dyn Fn(&str) -> Option<OsString>) -> Option<System> {
    Env { lookup }.system()
}

#[cfg(test)]
mod tests;
