//! GitLab CI/CD.
//!
//! | pipeline | base | head |
//! |---|---|---|
//! | merge request, `detached` | `CI_MERGE_REQUEST_DIFF_BASE_SHA`, a merge base already, of `CI_MERGE_REQUEST_TARGET_BRANCH_NAME` | `CI_COMMIT_SHA` |
//! | merge request, `merged_result` | `CI_MERGE_REQUEST_TARGET_BRANCH_SHA` | `CI_MERGE_REQUEST_SOURCE_BRANCH_SHA`; checked out is `CI_COMMIT_SHA`, the trial merge |
//! | `merge_train` | `CI_MERGE_REQUEST_TARGET_BRANCH_SHA`: the train ahead | `CI_COMMIT_SHA` |
//! | external pull request | `CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA`, `…_NAME` | `CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA` |
//! | `push` to a branch | `CI_COMMIT_BEFORE_SHA` | `CI_COMMIT_SHA` |
//! | `CI_COMMIT_TAG` is set | – | `CI_COMMIT_SHA` |
//! | `schedule`, `web`, `api`, `trigger`, `pipeline`, … | – | – |
//!
//! - `CI_MERGE_REQUEST_EVENT_TYPE` tells the first three apart; `…_TARGET_BRANCH_SHA` and `…_SOURCE_BRANCH_SHA` are
//!   empty in detached pipelines. `CI_MERGE_REQUEST_IID` marks a merge request, not `CI_PIPELINE_SOURCE`: the child
//!   pipeline of one says `parent_pipeline`.
//! - `CI_COMMIT_BEFORE_SHA` is all zeros for a new branch, in merge request pipelines and in those started by hand.
//!   Only after a `push` does that mean a new branch; a child pipeline with zeros is [`Trigger::Other`].
//! - The default branch is `CI_DEFAULT_BRANCH`.
//!
//! Sources: <https://docs.gitlab.com/ci/variables/predefined_variables/>,
//! <https://docs.gitlab.com/ci/pipelines/merge_trains/>. Not on these pages: that a train's `…_TARGET_BRANCH_SHA` is the
//! trial merge's first parent (GitLab's `MergeRequests::MergeToRefService` says so), and that a child pipeline inherits
//! `CI_COMMIT_BEFORE_SHA`.

use super::{
    env::{Env, tag},
    run::{Before, CiRun, PullRequest, System, Trigger},
};
use crate::model::error::Result;

const TARGET_SHA: &str = "CI_MERGE_REQUEST_TARGET_BRANCH_SHA";

/// Reads what the run is about.
pub(super) fn run(env: &Env) -> Result<CiRun> {
    let trigger = if let Some(number) = env.number("CI_MERGE_REQUEST_IID")? {
        merge_request(env, number)?
    } else if let Some(number) = env.number("CI_EXTERNAL_PULL_REQUEST_IID")? {
        external_pull_request(env, number)?
    } else if let Some(name) = env.text("CI_COMMIT_TAG")? {
        Trigger::Tag {
            name: tag("CI_COMMIT_TAG", &name)?,
            commit: env.commit("CI_COMMIT_SHA")?,
        }
    } else {
        branch_pipeline(env)?
    };
    Ok(CiRun {
        system: System::GitLab,
        trigger,
        default_branch: env.branch("CI_DEFAULT_BRANCH")?,
    })
}

fn merge_request(env: &Env, number: u64) -> Result<Trigger> {
    let target = need_branch(
        env,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        "CI_MERGE_REQUEST_IID",
    )?;
    let target_commit = env.commit(TARGET_SHA)?;
    let checked_out = env.commit("CI_COMMIT_SHA")?;
    if env.text("CI_MERGE_REQUEST_EVENT_TYPE")?.as_deref() == Some("merge_train") {
        return Ok(Trigger::MergeQueue {
            target,
            base: target_commit
                .ok_or_else(|| env.missing(TARGET_SHA, "CI_MERGE_REQUEST_EVENT_TYPE"))?,
            head: checked_out,
        });
    }
    let (head, merge) = match env.commit("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")? {
        Some(source) => (Some(source), checked_out),
        None => (checked_out, None),
    };
    let target_commit = match target_commit {
        Some(commit) => Some(commit),
        None => env.commit("CI_MERGE_REQUEST_DIFF_BASE_SHA")?,
    };
    Ok(Trigger::PullRequest(PullRequest {
        number: Some(number),
        target,
        target_commit,
        source_branch: env.branch("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")?,
        head,
        merge,
    }))
}

/// A pull request on another host (GitHub) that GitLab runs the pipeline for.
fn external_pull_request(env: &Env, number: u64) -> Result<Trigger> {
    let target = "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME";
    Ok(Trigger::PullRequest(PullRequest {
        number: Some(number),
        target: need_branch(env, target, "CI_EXTERNAL_PULL_REQUEST_IID")?,
        target_commit: env.commit("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA")?,
        source_branch: env.branch("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME")?,
        head: env.commit("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA")?,
        merge: None,
    }))
}

fn branch_pipeline(env: &Env) -> Result<Trigger> {
    let source = env
        .text("CI_PIPELINE_SOURCE")?
        .ok_or_else(|| env.missing("CI_PIPELINE_SOURCE", "GITLAB_CI"))?;
    let branch = env.branch("CI_COMMIT_BRANCH")?;
    let before = env.commit("CI_COMMIT_BEFORE_SHA")?.map(Before::Commit);
    let before = match source.as_str() {
        "push" => Some(before.unwrap_or(Before::Nowhere)),
        "parent_pipeline" => before,
        _ => None,
    };
    Ok(match before {
        Some(before) => Trigger::Push {
            branch,
            before,
            after: env.commit("CI_COMMIT_SHA")?,
        },
        None => Trigger::Other { branch },
    })
}

fn need_branch(env: &Env, name: &str, why: &str) -> Result<String> {
    let branch = env.branch(name)?;
    branch.ok_or_else(|| env.missing(name, why))
}
