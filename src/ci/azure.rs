//! Azure Pipelines.
//!
//! | run | base | head |
//! |---|---|---|
//! | `BUILD_REASON=PullRequest` | `SYSTEM_PULLREQUEST_TARGETBRANCH` (`refs/heads/main` from Azure Repos, `main` from GitHub), else `…_TARGETBRANCHNAME` | `SYSTEM_PULLREQUEST_SOURCECOMMITID`; checked out is `BUILD_SOURCEVERSION`, the trial merge, when `BUILD_SOURCEBRANCH` is `refs/pull/N/merge` |
//! | `IndividualCI`, `BatchedCI` (a push) | **not given**: [`Before::Unknown`] | `BUILD_SOURCEVERSION` |
//! | `BUILD_SOURCEBRANCH` is `refs/tags/…` | – | `BUILD_SOURCEVERSION` |
//! | `Manual`, `Schedule`, `ResourceTrigger`, … | – | – |
//!
//! - The number is `SYSTEM_PULLREQUEST_PULLREQUESTNUMBER` where set (GitHub, whose ids are another count), else
//!   `SYSTEM_PULLREQUEST_PULLREQUESTID`.
//! - `BUILD_SOURCEBRANCHNAME` is not read: it is the last segment of the name only.
//! - A re-queued validation may say `Manual`; the target's variable alone makes it a pull request too.
//! - No variable names the default branch.
//!
//! Source: <https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables>. Not confirmed there: whether
//! `SYSTEM_PULLREQUEST_TARGETBRANCHNAME` keeps the slashes of a name (hence the second choice), and that
//! `BUILD_SOURCEVERSION` is the trial merge (Microsoft's answer in
//! <https://github.com/microsoft/azure-pipelines-tasks/issues/9801>).

use super::{
    env::{Env, Ref, branch},
    run::{Before, CiRun, PullRequest, System, Trigger},
};
use crate::model::error::Result;

const TARGET: &str = "SYSTEM_PULLREQUEST_TARGETBRANCH";
const SOURCE: &str = "SYSTEM_PULLREQUEST_SOURCEBRANCH";

/// Reads what the run is about.
pub(super) fn run(env: &Env) -> Result<CiRun> {
    let reason = need(env, "BUILD_REASON")?;
    let run_ref = Ref::parse("BUILD_SOURCEBRANCH", &need(env, "BUILD_SOURCEBRANCH")?)?;
    let trigger = if reason == "PullRequest" || env.text(TARGET)?.is_some() {
        pull_request(env, &run_ref)?
    } else {
        by_ref(env, run_ref, &reason)?
    };
    Ok(CiRun {
        system: System::Azure,
        trigger,
        default_branch: None,
    })
}

fn need(env: &Env, name: &str) -> Result<String> {
    let value = env.text(name)?;
    value.ok_or_else(|| env.missing(name, "TF_BUILD"))
}

fn pull_request(env: &Env, run_ref: &Ref) -> Result<Trigger> {
    let target = match short_branch(env, TARGET)? {
        Some(name) => name,
        None => env
            .branch("SYSTEM_PULLREQUEST_TARGETBRANCHNAME")?
            .ok_or_else(|| env.missing(TARGET, "BUILD_REASON"))?,
    };
    let number = match env.number("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")? {
        Some(number) => Some(number),
        None => env.number("SYSTEM_PULLREQUEST_PULLREQUESTID")?,
    };
    let merge = match run_ref {
        Ref::PullMerge(_) => env.commit("BUILD_SOURCEVERSION")?,
        _ => None,
    };
    Ok(Trigger::PullRequest(PullRequest {
        number,
        target,
        target_commit: None,
        source_branch: short_branch(env, SOURCE)?,
        head: env.commit("SYSTEM_PULLREQUEST_SOURCECOMMITID")?,
        merge,
    }))
}

/// A branch that Azure Repos names in full and GitHub in short.
fn short_branch(env: &Env, name: &str) -> Result<Option<String>> {
    let value = env.text(name)?;
    let short = value
        .as_deref()
        .map(|value| value.strip_prefix("refs/heads/").unwrap_or(value));
    short.map(|value| branch(name, value)).transpose()
}

fn by_ref(env: &Env, run_ref: Ref, reason: &str) -> Result<Trigger> {
    Ok(match (run_ref, reason) {
        (Ref::Tag(name), _) => Trigger::Tag {
            name,
            commit: env.commit("BUILD_SOURCEVERSION")?,
        },
        (Ref::Branch(name), "IndividualCI" | "BatchedCI") => Trigger::Push {
            branch: Some(name),
            before: Before::Unknown,
            after: env.commit("BUILD_SOURCEVERSION")?,
        },
        (other, _) => Trigger::Other {
            branch: other.into_branch(),
        },
    })
}
