//! GitHub Actions.
//!
//! | event | base | head |
//! |---|---|---|
//! | `pull_request`, `pull_request_review`, `…_review_comment` | payload `pull_request.base`, else `GITHUB_BASE_REF` | payload `pull_request.head.sha`; checked out is `GITHUB_SHA`, the trial merge `refs/pull/N/merge` |
//! | `pull_request_target` | the same | payload only: `GITHUB_SHA` and the checkout are on the *base's* side |
//! | `merge_group` | payload `merge_group.base_sha` | payload `merge_group.head_sha` |
//! | `push` to a branch | payload `before` | payload `after` |
//! | any event on a tag | – | `GITHUB_SHA` |
//! | `workflow_dispatch`, `schedule`, all others | – | – |
//!
//! - `push`: `before` is zero when the push made the branch. After a forced push it names a commit that may be gone.
//!   A push that deletes a ref has nothing to compare; `GITHUB_REF` and `GITHUB_SHA` then mean the default branch.
//! - A pushed annotated tag: payload `after` is the tag object; `GITHUB_SHA` is the commit.
//! - `pull_request` of type `closed` after a merge: `GITHUB_REF` is the target branch, so there is no trial merge.
//! - The page warns of `pull_request` events with an empty payload; then the variables alone must do.
//! - Events *about* a pull request that run on the default branch (`issue_comment`, `workflow_run`) are
//!   [`Trigger::Other`]: nothing is checked out of the pull request.
//!
//! The payload's ref must be `GITHUB_REF`'s, else the file belongs to another event and is refused.
//!
//! Sources: <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>,
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>,
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>. Not confirmed there: how far
//! `pull_request.base.sha` may lag behind the target branch, and that `pull_request_review` events have
//! `GITHUB_BASE_REF` (the payload comes first for that reason). That `after` is a tag object is known from bug reports.

use std::{fs::File, io::Read, path::Path};

use serde::Deserialize;

use super::{
    env::{Env, Ref, branch, commit, contradiction},
    run::{Before, CiRun, PullRequest, System, Trigger},
};
use crate::model::error::Error;
use crate::model::error::Result;

/// GitHub's own cap on a webhook payload is 25 MB.
const PAYLOAD_LIMIT: u64 = 25 << 20;

/// Where the payload's path comes from.
const PAYLOAD: &str = "GITHUB_EVENT_PATH";

/// Reads what the run is about.
pub(super) fn run(env: &Env) -> Result<CiRun> {
    let event = env
        .text("GITHUB_EVENT_NAME")?
        .ok_or_else(|| env.missing("GITHUB_EVENT_NAME", "GITHUB_ACTIONS"))?;
    let (trigger, default_branch) = match event.as_str() {
        "pull_request"
        | "pull_request_target"
        | "pull_request_review"
        | "pull_request_review_comment" => with_payload(env, pull_request)?,
        "merge_group" => with_payload(env, merge_group)?,
        "push" => with_payload(env, push)?,
        _ => (by_ref(env)?, None),
    };
    Ok(CiRun {
        system: System::GitHub,
        trigger,
        default_branch,
    })
}

fn with_payload(
    env: &Env,
    read: fn(&Env, Payload) -> Result<Trigger>,
) -> Result<(Trigger, Option<String>)> {
    let mut payload = Payload::of_run(env)?;
    let default_branch = payload.repository.take().and_then(|it| it.default_branch);
    let default_branch = default_branch
        .map(|name| branch("repository.default_branch of the event payload", &name))
        .transpose()?;
    Ok((read(env, payload)?, default_branch))
}

fn pull_request(env: &Env, payload: Payload) -> Result<Trigger> {
    let event = payload.pull_request.unwrap_or_default();
    let (base, head) = (
        event.base.unwrap_or_default(),
        event.head.unwrap_or_default(),
    );
    let run_ref = run_ref(env)?;
    let merge = match run_ref {
        Ref::PullMerge(_) => env.commit("GITHUB_SHA")?,
        _ => None,
    };
    let head_commit = head.commit("pull_request.head.sha of the event payload")?;
    // What is checked out may be the target: without either commit the target would be compared with itself.
    if head_commit.is_none() && merge.is_none() {
        return Err(env.missing(
            "pull_request.head.sha of the event payload",
            "GITHUB_EVENT_NAME",
        ));
    }
    let target = match base.branch("pull_request.base.ref of the event payload")? {
        Some(name) => name,
        None => env
            .branch("GITHUB_BASE_REF")?
            .ok_or_else(|| env.missing("GITHUB_BASE_REF", "GITHUB_EVENT_NAME"))?,
    };
    let source_branch = match head.branch("pull_request.head.ref of the event payload")? {
        Some(name) => Some(name),
        None => env.branch("GITHUB_HEAD_REF")?,
    };
    Ok(Trigger::PullRequest(PullRequest {
        number: pull_number(env, event.number, &run_ref)?,
        target,
        target_commit: base.commit("pull_request.base.sha of the event payload")?,
        source_branch,
        head: head_commit,
        merge,
    }))
}

fn pull_number(env: &Env, of_payload: Option<u64>, run_ref: &Ref) -> Result<Option<u64>> {
    match (of_payload, run_ref) {
        (Some(one), Ref::PullMerge(other)) if one != *other => Err(contradiction(
            ("GITHUB_REF", env.text("GITHUB_REF")?.as_deref()),
            (
                "pull_request.number of the event payload",
                Some(&one.to_string()),
            ),
        )),
        (None, Ref::PullMerge(number)) => Ok(Some(*number)),
        (number, _) => Ok(number),
    }
}

fn merge_group(env: &Env, payload: Payload) -> Result<Trigger> {
    let group = payload.merge_group.unwrap_or_default();
    let need =
        |field, value: Option<String>| value.ok_or_else(|| env.missing(field, "GITHUB_EVENT_NAME"));

    let field = "merge_group.base_ref of the event payload";
    let base_ref = need(field, group.base_ref)?;
    let target = branch(
        field,
        base_ref.strip_prefix("refs/heads/").unwrap_or(&base_ref),
    )?;

    let field = "merge_group.base_sha of the event payload";
    let base = commit(field, &need(field, group.base_sha)?)?;
    let base = base.ok_or_else(|| env.missing(field, "GITHUB_EVENT_NAME"))?;

    let field = "merge_group.head_sha of the event payload";
    let head = commit(field, &need(field, group.head_sha)?)?;
    Ok(Trigger::MergeQueue { target, base, head })
}

fn push(env: &Env, payload: Payload) -> Result<Trigger> {
    if payload.deleted.unwrap_or_default() {
        return Ok(Trigger::Other {
            branch: run_ref(env)?.into_branch(),
        });
    }
    let own = env.text("GITHUB_REF")?;
    if payload.reference != own {
        let of_payload = payload.reference.as_deref();
        return Err(contradiction(
            ("GITHUB_REF", own.as_deref()),
            ("ref of the event payload", of_payload),
        ));
    }
    let Ref::Branch(name) = run_ref(env)? else {
        return by_ref(env);
    };
    let field = "before of the event payload";
    let before = payload
        .before
        .ok_or_else(|| env.missing(field, "GITHUB_EVENT_NAME"))?;
    let after = payload
        .after
        .map(|value| commit("after of the event payload", &value))
        .transpose()?;
    Ok(Trigger::Push {
        branch: Some(name),
        before: commit(field, &before)?.map_or(Before::Nowhere, Before::Commit),
        after: after.flatten(),
    })
}

/// A run whose event names no base.
fn by_ref(env: &Env) -> Result<Trigger> {
    Ok(match run_ref(env)? {
        Ref::Tag(name) => Trigger::Tag {
            name,
            commit: env.commit("GITHUB_SHA")?,
        },
        other => Trigger::Other {
            branch: other.into_branch(),
        },
    })
}

/// `GITHUB_REF`; not set where the event has no branch or tag.
fn run_ref(env: &Env) -> Result<Ref> {
    let value = env.text("GITHUB_REF")?;
    value.map_or(Ok(Ref::Other), |value| Ref::parse("GITHUB_REF", &value))
}

/// The fields of an event's webhook payload that say what the event is about.
#[derive(Debug, Deserialize)]
struct Payload {
    #[serde(rename = "ref")]
    reference: Option<String>,
    before: Option<String>,
    after: Option<String>,
    deleted: Option<bool>,
    pull_request: Option<PullRequestPayload>,
    merge_group: Option<MergeGroupPayload>,
    repository: Option<RepositoryPayload>,
}

#[derive(Debug, Default, Deserialize)]
struct PullRequestPayload {
    number: Option<u64>,
    base: Option<Side>,
    head: Option<Side>,
}

/// One side of a pull request.
#[derive(Debug, Default, Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    reference: Option<String>,
    sha: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct MergeGroupPayload {
    base_ref: Option<String>,
    base_sha: Option<String>,
    head_sha: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RepositoryPayload {
    default_branch: Option<String>,
}

impl Side {
    fn branch(&self, source: &str) -> Result<Option<String>> {
        let name = self.reference.as_deref();
        name.map(|name| branch(source, name)).transpose()
    }

    fn commit(&self, source: &str) -> Result<Option<gix::ObjectId>> {
        let id = self.sha.as_deref().map(|value| commit(source, value));
        Ok(id.transpose()?.flatten())
    }
}

impl Payload {
    fn of_run(env: &Env) -> Result<Self> {
        let path = (env.lookup)(PAYLOAD)
            .filter(|path| !path.is_empty())
            .ok_or_else(|| env.missing(PAYLOAD, "GITHUB_ACTIONS"))?;
        Self::read(Path::new(&path), PAYLOAD_LIMIT)
    }

    /// Reads at most `limit` bytes of the file at `path`.
    fn read(path: &Path, limit: u64) -> Result<Self> {
        let unreadable = || {
            Error::unavailable(format!("cannot read the event payload {path:?} ({PAYLOAD})"))
                .hint("where the step runs in a container of its own, mount the file there under the same path")
                .hint(super::env::NAME_BOTH_ENDS)
        };
        let file = File::open(path).map_err(|error| unreadable().because(error))?;
        let mut json = Vec::new();
        file.take(limit + 1)
            .read_to_end(&mut json)
            .map_err(|error| unreadable().because(error))?;
        if json.len() as u64 > limit {
            return Err(unreadable().because(format!("it is larger than {limit} bytes")));
        }
        serde_json::from_slice(&json).map_err(|error| unreadable().because(error))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_payload_may_have_the_limits_size_and_no_byte_more() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, br#"{"ref":"x"}"#).unwrap();

        let payload = Payload::read(file.path(), 11).unwrap();
        assert_eq!(payload.reference.as_deref(), Some("x"));

        let error = Payload::read(file.path(), 10).unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "it is larger than 10 bytes");
    }
}
