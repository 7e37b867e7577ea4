//! `flota worktree list`, read in process.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bstr::BString;
use gix::ObjectId;

use crate::{
    fleet::worktree,
    git::{index, repository::Repository},
    model::{
        error::{Error, Result},
        worktree::{FleetWorktree, WorktreeKind},
    },
};

/// The fleet's worktrees, the main one first.
///
/// # Errors
/// Repository: their list cannot be read.
pub(crate) fn list(fleet: &Repository) -> Result<Vec<FleetWorktree>> {
    let unreadable =
        |err: gix::Error| Error::repository("cannot read the list of worktrees").because(err);
    let repo = fleet.to_local()?;
    let main = repo.main_repo().map_err(unreadable)?;
    let mut all = vec![match main.workdir() {
        Some(root) => of(&main, root, WorktreeKind::Main),
        None => of(&main, main.git_dir(), WorktreeKind::Bare),
    }];
    for proxy in repo
        .worktrees()
        .map_err(|err| unreadable(gix::Error::from_error(err)))?
    {
        let base = proxy.base().map_err(unreadable)?;
        let kind = match (base.join(".git").exists(), proxy.is_locked()) {
            (false, _) => {
                all.push(missing(&repo, proxy.git_dir(), base));
                continue;
            }
            (true, true) => WorktreeKind::Locked,
            (true, false) => WorktreeKind::Linked,
        };
        let repo = proxy.into_repo_with_possibly_inaccessible_worktree();
        all.push(of(&repo.map_err(unreadable)?, &base, kind));
    }
    all[1..].sort_by(|one, other| one.directory.cmp(&other.directory));
    Ok(all)
}

fn of(repo: &gix::Repository, root: &Path, kind: WorktreeKind) -> FleetWorktree {
    let branch = repo.head_name().ok().flatten();
    FleetWorktree {
        directory: root.canonicalize().unwrap_or_else(|_| root.to_owned()),
        kind,
        branch: branch.map(|name| name.shorten().to_owned()),
        head: repo.head_id().ok().map(gix::Id::detach),
        services: match kind {
            WorktreeKind::Bare => None,
            _ => services(root).ok(),
        },
    }
}

/// One whose folder `base` is gone; what it was on is in its git directory.
fn missing(repo: &gix::Repository, git_dir: &Path, base: PathBuf) -> FleetWorktree {
    let head = fs::read(git_dir.join("HEAD")).unwrap_or_default();
    let head = head.trim_ascii();
    let branch = head.strip_prefix(b"ref: refs/heads/").map(BString::from);
    let commit_of = |branch: &BString| {
        let name = format!("refs/heads/{branch}");
        let mut found = repo.try_find_reference(name.as_str()).ok()??;
        found.peel_to_id().ok().map(gix::Id::detach)
    };
    FleetWorktree {
        directory: base,
        kind: WorktreeKind::Missing,
        head: match &branch {
            Some(branch) => commit_of(branch),
            None => ObjectId::from_hex(head).ok(),
        },
        branch,
        services: None,
    }
}

/// How many services are initialised there, and how many there are.
fn services(root: &Path) -> Result<(usize, usize)> {
    let all = index::of_index(&Repository::discover(root)?)?.all();
    let is_here =
        |path: &BString| matches!(worktree::initialised(root, path.as_ref()), Ok(Some(_)));
    let here = all.iter().filter(|(path, _)| is_here(path)).count();
    Ok((here, all.len()))
}

/// The path without links and `..`, also where its last part is gone.
pub(super) fn whole(directory: &Path) -> PathBuf {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let by_parent = || {
        let parent = absolute.parent()?.canonicalize().ok()?;
        Some(parent.join(absolute.file_name()?))
    };
    let whole = absolute.canonicalize().ok().or_else(by_parent);
    whole.unwrap_or(absolute)
}
