//! Pushing to a server.

use std::path::Path;

use bstr::{BStr, ByteSlice};
use gix::ObjectId;

use super::{
    capabilities::CapabilityTrace, command::ServerCommand, configuration::Configuration,
    fault::ServerFault, shallow::RemoteAccess,
};
use crate::{
    git::{
        command::git_of_user, outgoing::BranchPush, repository::Repository, status, url::Source,
    },
    model::error::{Error, Result},
    process::Command,
};

/// A ref of a server that is to move, by its full name.
#[derive(Clone, Copy, Debug)]
pub(in crate::git) struct RefMove<'a> {
    /// Which.
    pub reference: &'a str,
    /// What it must be until then; none means that there must be no such ref.
    pub expected: Option<ObjectId>,
    /// What it is to be; none removes it.
    pub new: Option<ObjectId>,
}

/// Why a server did not move refs.
#[derive(Debug)]
pub(in crate::git) enum PushFault {
    /// It cannot move several in one step.
    NotAtomic,
    /// Anything else.
    Server(ServerFault),
}

/// Moves refs of the fleet's `remote`: all of them, or none.
///
/// # Errors
/// The configuration cannot be read. What the server says of it is the result.
pub(in crate::git) fn replace(
    fleet: &Repository,
    remote: &BStr,
    moves: &[RefMove<'_>],
    access: RemoteAccess,
) -> Result<std::result::Result<(), PushFault>> {
    let id = |id: Option<ObjectId>| id.map(|id| id.to_string()).unwrap_or_default();
    let leases = moves.iter().map(|it| {
        let (reference, expected) = (it.reference, id(it.expected));
        format!("--force-with-lease={reference}:{expected}")
    });
    let refspecs = moves
        .iter()
        .map(|it| format!("{}:{}", id(it.new), it.reference));
    let is_several = moves.len() > 1;
    let push = ServerCommand::in_fleet(fleet, remote, true, access.patience)?
        .args(["push", "--quiet", "--no-verify", "--recurse-submodules=no"])
        .args(is_several.then_some("--atomic"))
        .args(leases)
        .arg("--")
        .arg(remote.to_os_str_lossy().into_owned())
        .args(refspecs);
    let trace = is_several.then(CapabilityTrace::new).flatten();
    let pushed = match &trace {
        Some(trace) => trace.of(push).run(),
        None => push.run(),
    };
    Ok(pushed.map_err(|fault| {
        let can = trace.and_then(|trace| trace.has("atomic"));
        match can {
            Some(false) => PushFault::NotAtomic,
            _ => PushFault::Server(fault),
        }
    }))
}

/// Pushes `refspecs` of the repository in which `git` runs to its `origin`, which is at `source`; local branches follow theirs.
/// The user's hooks may take their time.
///
/// # Errors
/// The server cannot be reached, or does not take it.
pub fn publish(
    git: Command,
    source: &Source,
    refspecs: &[&str],
) -> std::result::Result<(), ServerFault> {
    ServerCommand::in_repository(git, source, &Configuration::of_user())
        .args(["push", "--quiet", "--set-upstream", "origin"])
        .args(refspecs.iter().copied())
        .run()
}

/// Pushes a branch of the user's repository `work_dir`, never by force: their hooks look at it. `recurse` is what git is to do
/// about submodules (git-push(1), `--recurse-submodules`).
///
/// # Errors
/// Work: a hook or the server does not take it, or the server cannot be reached. Repository: it has commits that the branch
/// lacks.
pub fn branch(work_dir: &Path, push: &BranchPush, recurse: &str, may_prompt: bool) -> Result<()> {
    let repo = status::open(work_dir)?;
    let git = git_of_user(work_dir);
    let git = match may_prompt {
        true => git.may_prompt(),
        false => git,
    };
    let (branch, remote) = (&push.branch, push.remote.as_bstr());
    let command = ServerCommand::of_user(git, &repo, remote, true)
        .args(["push", "--quiet", "--no-force-with-lease", "--no-force"])
        .arg(format!("--recurse-submodules={recurse}"))
        .args(push.sets_upstream.then_some("--set-upstream"))
        .arg("--")
        .arg(remote.to_os_str_lossy().into_owned())
        .arg(format!("refs/heads/{branch}:{}", push.target));
    let dir = work_dir.display();
    command.run().map_err(|fault| {
        let said = fault.said();
        let has_moved = ["(fetch first)", "(non-fast-forward)"];
        match has_moved.iter().any(|words| said.contains(words)) {
            true => Error::repository(format!(
                "`{remote}` has commits that the branch `{branch}` lacks, and flota never forces a push"
            ))
            .because(said)
            .hint(format!("bring them together: git -C {dir} pull")),
            false => fault.explain(
                Error::work(format!("its branch `{branch}` was not pushed to `{remote}`"))
                    .hint(format!("see what git says: git -C {dir} push {remote} {branch}")),
            ),
        }
    })
}
