//! Buildkite.
//!
//! | build | base | head |
//! |---|---|---|
//! | `BUILDKITE_MERGE_QUEUE_BASE_COMMIT` is set | that commit, on `BUILDKITE_MERGE_QUEUE_BASE_BRANCH` | `BUILDKITE_COMMIT` |
//! | `BUILDKITE_PULL_REQUEST` is a number (else `false`) | `BUILDKITE_PULL_REQUEST_BASE_BRANCH` | `BUILDKITE_COMMIT` |
//! | `BUILDKITE_TAG` is set | – | `BUILDKITE_COMMIT` |
//! | `BUILDKITE_SOURCE=webhook` (a push) | **not given**: [`Before::Unknown`] | `BUILDKITE_COMMIT` |
//! | `ui`, `api`, `schedule`, `trigger_job` | – | – |
//!
//! - `BUILDKITE_COMMIT` may be symbolic (`HEAD`) until the agent has resolved it: then the head is what is checked out.
//! - `BUILDKITE_BRANCH` of a pull request from a fork may read `owner:branch`, as the pipeline is set up; of a tag's
//!   build it is the tag.
//! - The merge queue's base is the tip of the group ahead, not of the target branch.
//! - The default branch is `BUILDKITE_PIPELINE_DEFAULT_BRANCH`.
//!
//! Sources: <https://buildkite.com/docs/pipelines/configure/environment-variables>,
//! <https://buildkite.com/docs/pipelines/tutorials/github-merge-queue>; `owner:branch` is in the GraphQL schema's
//! `prefixPullRequestForkBranchNames`. Not confirmed: that no webhook other than a push makes a build that has neither
//! pull request nor tag.

use gix::ObjectId;

use super::{
    env::{Env, branch, checked_name, commit, number, tag},
    run::{Before, CiRun, PullRequest, System, Trigger},
};
use crate::model::error::Result;

/// Reads what the run is about.
pub(super) fn run(env: &Env) -> Result<CiRun> {
    let trigger = if let Some(base) = env.commit("BUILDKITE_MERGE_QUEUE_BASE_COMMIT")? {
        merge_queue(env, base)?
    } else if let Some(number) = pull_request_number(env)? {
        pull_request(env, number)?
    } else if let Some(name) = env.text("BUILDKITE_TAG")? {
        Trigger::Tag {
            name: tag("BUILDKITE_TAG", &name)?,
            commit: build_commit(env)?,
        }
    } else {
        branch_build(env)?
    };
    Ok(CiRun {
        system: System::Buildkite,
        trigger,
        default_branch: env.branch("BUILDKITE_PIPELINE_DEFAULT_BRANCH")?,
    })
}

fn merge_queue(env: &Env, base: ObjectId) -> Result<Trigger> {
    let target = "BUILDKITE_MERGE_QUEUE_BASE_BRANCH";
    Ok(Trigger::MergeQueue {
        target: env
            .branch(target)?
            .ok_or_else(|| env.missing(target, "BUILDKITE_MERGE_QUEUE_BASE_COMMIT"))?,
        base,
        head: build_commit(env)?,
    })
}

fn pull_request_number(env: &Env) -> Result<Option<u64>> {
    let value = env.text("BUILDKITE_PULL_REQUEST")?;
    let value = value.filter(|value| value != "false");
    value
        .map(|value| number("BUILDKITE_PULL_REQUEST", &value))
        .transpose()
}

fn pull_request(env: &Env, number: u64) -> Result<Trigger> {
    let target = "BUILDKITE_PULL_REQUEST_BASE_BRANCH";
    Ok(Trigger::PullRequest(PullRequest {
        number: Some(number),
        target: env
            .branch(target)?
            .ok_or_else(|| env.missing(target, "BUILDKITE_PULL_REQUEST"))?,
        target_commit: None,
        source_branch: source_branch(env)?,
        head: build_commit(env)?,
        merge: None,
    }))
}

fn source_branch(env: &Env) -> Result<Option<String>> {
    let value = env.text("BUILDKITE_BRANCH")?;
    // No branch name has a colon, so the first one ends the owner.
    let name = value
        .as_deref()
        .map(|value| value.split_once(':').map_or(value, |(_owner, name)| name));
    name.map(|name| branch("BUILDKITE_BRANCH", name))
        .transpose()
}

fn branch_build(env: &Env) -> Result<Trigger> {
    let source = env
        .text("BUILDKITE_SOURCE")?
        .ok_or_else(|| env.missing("BUILDKITE_SOURCE", "BUILDKITE"))?;
    let branch = env.branch("BUILDKITE_BRANCH")?;
    Ok(match source.as_str() {
        "webhook" => Trigger::Push {
            branch,
            before: Before::Unknown,
            after: build_commit(env)?,
        },
        _ => Trigger::Other { branch },
    })
}

/// `BUILDKITE_COMMIT`; a symbolic name in its place is what the agent checked out.
fn build_commit(env: &Env) -> Result<Option<ObjectId>> {
    let variable = "BUILDKITE_COMMIT";
    let Some(value) = env.text(variable)? else {
        return Ok(None);
    };
    if let Ok(id) = commit(variable, &value) {
        return Ok(id);
    }
    let symbolic = gix::validate::reference::name_partial(value.as_str().into()).is_ok();
    checked_name(
        variable,
        &value,
        symbolic,
        "neither a commit nor a symbolic name",
    )?;
    Ok(None)
}
