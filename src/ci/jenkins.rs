//! Jenkins, with its Git and (for pull requests) Branch API plugins.
//!
//! | build | base | head |
//! |---|---|---|
//! | `CHANGE_ID` or `CHANGE_TARGET` is set | `CHANGE_TARGET` | `GIT_COMMIT` |
//! | `TAG_NAME` is set | – | `GIT_COMMIT` |
//! | any other | `GIT_PREVIOUS_SUCCESSFUL_COMMIT` | `GIT_COMMIT` |
//!
//! - Jenkins does not say why a build started, so every build of a branch counts as a push of everything since its last
//!   *successful* build. `GIT_PREVIOUS_COMMIT`, the last build however it ended, is not read: what a failed build left
//!   undone would never be built.
//! - Without a successful build before, the branch counts as new. Without `GIT_COMMIT` nothing is known at all: a
//!   scripted Pipeline's `checkout scm` returns these variables and does not set them (`withEnv` does).
//! - `GIT_COMMIT` of a change request may be its last commit or a trial merge made on the agent, as the project's
//!   discovery strategy is set; the merge base with the target is right for both.
//! - `CHANGE_ID` need not be a number (Gerrit). `CHANGE_BRANCH` is the source branch; `BRANCH_NAME` then reads `PR-24`.
//! - The branch of a push is `BRANCH_NAME` (multibranch), else `GIT_LOCAL_BRANCH`, else `GIT_BRANCH` without `origin/`.
//! - No variable names the default branch (`BRANCH_IS_PRIMARY` says only whether this is it).
//!
//! Sources: <https://plugins.jenkins.io/git/#plugin-content-environment-variables>, each server's
//! `/env-vars.html` (`BUILD_TAG`, and the Branch API plugin's
//! `jenkins/branch/BranchNameContributor/buildEnv.properties`), <https://www.jenkins.io/doc/pipeline/steps/workflow-scm-step/>.
//! Not confirmed there: which of its two commits `GIT_COMMIT` is for a merged change request, and that `GIT_BRANCH` is
//! `detached` for a checkout without a branch.

use super::{
    env::{Env, branch, tag},
    run::{Before, CiRun, PullRequest, System, Trigger},
};
use crate::model::error::Result;

/// Reads what the run is about.
pub(super) fn run(env: &Env) -> Result<CiRun> {
    let trigger = if env.text("CHANGE_ID")?.is_some() || env.text("CHANGE_TARGET")?.is_some() {
        change_request(env)?
    } else if let Some(name) = env.text("TAG_NAME")? {
        Trigger::Tag {
            name: tag("TAG_NAME", &name)?,
            commit: env.commit("GIT_COMMIT")?,
        }
    } else {
        branch_build(env)?
    };
    Ok(CiRun {
        system: System::Jenkins,
        trigger,
        default_branch: None,
    })
}

fn change_request(env: &Env) -> Result<Trigger> {
    let id = env.text("CHANGE_ID")?;
    Ok(Trigger::PullRequest(PullRequest {
        number: id.and_then(|id| super::env::number("CHANGE_ID", &id).ok()),
        target: env
            .branch("CHANGE_TARGET")?
            .ok_or_else(|| env.missing("CHANGE_TARGET", "CHANGE_ID"))?,
        target_commit: None,
        source_branch: env.branch("CHANGE_BRANCH")?,
        head: env.commit("GIT_COMMIT")?,
        merge: None,
    }))
}

fn branch_build(env: &Env) -> Result<Trigger> {
    let after = env.commit("GIT_COMMIT")?;
    let before = match env.commit("GIT_PREVIOUS_SUCCESSFUL_COMMIT")? {
        Some(commit) => Before::Commit(commit),
        None if after.is_some() => Before::Nowhere,
        None => Before::Unknown,
    };
    Ok(Trigger::Push {
        branch: built_branch(env)?,
        before,
        after,
    })
}

fn built_branch(env: &Env) -> Result<Option<String>> {
    for name in ["BRANCH_NAME", "GIT_LOCAL_BRANCH"] {
        if let Some(branch) = env.branch(name)? {
            return Ok(Some(branch));
        }
    }
    let remote = env.text("GIT_BRANCH")?.filter(|name| name != "detached");
    let short = remote
        .as_deref()
        .map(|name| name.strip_prefix("origin/").unwrap_or(name));
    short.map(|name| branch("GIT_BRANCH", name)).transpose()
}
