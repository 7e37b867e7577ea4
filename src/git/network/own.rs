//! What a user calls for in a repository of their own: `git fetch` and `git pull`, by its own configuration. No hook runs.

use std::path::Path;

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, state::InProgress};

use super::command::ServerCommand;
use crate::{
    git::{command::git, status},
    model::error::{Error, Result},
    process::Command,
};

/// What a server may list, in bytes.
const LISTING_LIMIT: usize = 16 << 20;

/// What git says of a pull that the repository's state does not allow.
const STATES: [&str; 6] = [
    "divergent branches",
    "Not possible to fast-forward",
    "would be overwritten",
    "You have unstaged changes",
    "Your index contains uncommitted changes",
    "unmerged files",
];

/// `git fetch` of `remote` in `work_dir`.
///
/// # Errors
/// Work: the server cannot be reached, or git cannot take what it has.
pub fn fetch(work_dir: &Path, remote: &BStr, may_prompt: bool) -> Result<()> {
    let fetch = [
        "fetch",
        "--progress",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
    ];
    of_user(work_dir, remote, may_prompt)?
        .patient()
        .args(fetch)
        .arg("--")
        .arg(remote.to_os_str_lossy().into_owned())
        .run()
        .map_err(|fault| fault.explain(unreachable(work_dir, remote)))
}

/// The branches that `remote` has just now, by their short names: nothing is fetched.
///
/// # Errors
/// Work: the server cannot be reached.
pub fn heads(work_dir: &Path, remote: &BStr, may_prompt: bool) -> Result<Vec<(BString, ObjectId)>> {
    let listed = of_user(work_dir, remote, may_prompt)?
        .args(["ls-remote", "--quiet", "--heads", "--"])
        .arg(remote.to_os_str_lossy().into_owned())
        .read(LISTING_LIMIT)
        .map_err(|fault| fault.explain(unreachable(work_dir, remote)))?;
    let lines = listed.lines().filter_map(|line| {
        let (id, name) = line.split_once_str("\t")?;
        let name = name.strip_prefix(b"refs/heads/")?;
        Some((name.into(), ObjectId::from_hex(id).ok()?))
    });
    Ok(lines.collect())
}

/// The commits of the branch with the full name `merge` at `remote`: objects alone are fetched, and no reference moves.
///
/// # Errors
/// Work: the server cannot be reached, or has no such branch.
pub fn objects(work_dir: &Path, remote: &BStr, merge: &BStr) -> Result<ObjectId> {
    let short = merge.strip_prefix(b"refs/heads/").unwrap_or(merge);
    let listed = heads(work_dir, remote, true)?.into_iter();
    let found = listed.into_iter().find(|(name, _)| name == short);
    let (_, tip) = found.ok_or_else(|| {
        Error::repository(format!("`{remote}` has no branch `{}`", short.as_bstr()))
            .hint(format!("see its branches: git ls-remote --heads {remote}"))
    })?;
    of_user(work_dir, remote, true)?
        .patient()
        .fetch()
        .arg("--refmap=")
        .arg("--")
        .arg(remote.to_os_str_lossy().into_owned())
        .arg(tip.to_string())
        .run()
        .map_err(|fault| fault.explain(unreachable(work_dir, remote)))?;
    Ok(tip)
}

/// `git pull` of the branch that the repository of `work_dir` is on, from its upstream at `remote`; its submodules stay as they are.
///
/// # Errors
/// Repository: it stops at conflicts, or would not do it in this state. Work: the server cannot be reached.
pub fn pull(work_dir: &Path, remote: &BStr) -> Result<()> {
    let command = of_user(work_dir, remote, true)?
        .args(["pull", "--progress", "--no-recurse-submodules"])
        .env("GIT_MERGE_AUTOEDIT", "no");
    let Err(fault) = command.run() else {
        return Ok(());
    };
    let said = fault.said();
    let state = status::open(work_dir)?.state();
    let stopped = match state {
        Some(InProgress::Merge) => Some(("merge", "git commit")),
        Some(InProgress::Rebase | InProgress::RebaseInteractive) => {
            Some(("rebase", "git rebase --continue"))
        }
        _ => None,
    };
    if let Some((name, next)) = stopped {
        return Err(Error::repository(format!(
            "git pull stopped in the middle of a {name}, and the services were not updated"
        ))
        .because(said)
        .hint("resolve pins that are in conflict: flota resolve")
        .hint(format!("then go on: {next} && flota update"))
        .hint(format!("or cancel it: git {name} --abort")));
    }
    Err(match STATES.iter().any(|words| said.contains(words)) {
        true => Error::repository("git did not pull: the fleet's state does not allow it")
            .because(said)
            .hint("see its state: git status"),
        false => fault.explain(unreachable(work_dir, remote)),
    })
}

fn of_user(work_dir: &Path, remote: &BStr, may_prompt: bool) -> Result<ServerCommand> {
    let repo = status::open(work_dir)?;
    let git: Command = git(work_dir);
    let git = match may_prompt {
        true => git.may_prompt(),
        false => git,
    };
    Ok(ServerCommand::of_user(git, &repo, remote, false))
}

fn unreachable(work_dir: &Path, remote: &BStr) -> Error {
    Error::work(format!("git cannot fetch from `{remote}`")).hint(format!(
        "see whether it answers: git -C {} ls-remote {remote}",
        work_dir.display()
    ))
}
