//! What `git status` says about one repository, in process. No hook and no file system monitor runs; a filter of the user's own
//! does where a file's time tells nothing, as for git.

use std::{collections::BTreeSet, path::Path};

use bstr::{BStr, BString, ByteSlice};
use gix::{
    ObjectId,
    index::State,
    progress::Discard,
    status::{
        Item, UntrackedFiles, index_worktree::Item as Difference,
        plumbing::index_as_worktree::EntryStatus,
    },
};

use log::info;

use super::{
    conversion, format, head,
    index::{self, IndexFile},
    objects::Objects,
    operation, owner, remote, submodule, unreadable,
    url::{place, rewrite::rewritten},
};
use crate::{
    interrupt,
    model::{
        error::{Error, Result},
        status::{Changes, Standing, Worktree},
    },
};

mod aside;
mod by_git;
mod cache;
mod clean;
mod links;
mod quick;

pub use cache::Facts;

/// Looks at the worktree `work_dir`, whose commit the fleet says is `pin`. Any remote counts for what is pushed.
///
/// # Errors
/// Repository: it cannot be read.
pub fn of(work_dir: &Path, pin: Option<ObjectId>) -> Result<Worktree> {
    look(&open(work_dir)?, work_dir, pin, None)
}

/// The same by way of what earlier runs know, which grows by what this one finds. What counts for pushed is a remote at `listed`,
/// the absolute URL in `.gitmodules`, before it is rewritten: whoever clones the fleet knows no other. Without one, any does.
///
/// # Errors
/// Repository: it cannot be read.
pub fn by_facts(
    work_dir: &Path,
    pin: Option<ObjectId>,
    listed: Option<&BStr>,
    facts: &Facts,
) -> Result<Worktree> {
    if let Some(pin) = pin {
        match quick::at(work_dir, pin, listed, facts) {
            Ok(seen) => return Ok(seen),
            Err(why) => info!(
                "{}: its repository is opened, since {why}",
                work_dir.display()
            ),
        }
    }
    let repo = open(work_dir)?;
    let found = look(&repo, work_dir, pin, listed)?;
    if let (true, Some(head), Some(index)) = (
        found.changes == Changes::default(),
        found.head,
        checksum(&repo),
    ) {
        facts.note_read(index, head);
    }
    Ok(found)
}

fn look(
    repo: &gix::Repository,
    work_dir: &Path,
    pin: Option<ObjectId>,
    listed: Option<&BStr>,
) -> Result<Worktree> {
    let unreadable = |err| unreadable(work_dir, err);
    let branch = repo.head_name().map_err(unreadable)?;
    let head = head::commit(repo).map_err(unreadable)?;
    if index::file_of(repo.git_dir(), repo.object_hash())? == IndexFile::Damaged {
        return Err(index::damaged(repo.git_dir(), work_dir));
    }
    let changes = match head {
        Some(head) if is_clean(repo, head, work_dir) => Changes::default(),
        _ if is_sparse(repo) || is_gits(repo, work_dir) => by_git::changes(work_dir)?,
        _ => changes(repo).map_err(unreadable)?,
    };
    Ok(Worktree {
        branch: branch.map(|name| name.shorten().to_owned()),
        standing: standing(repo, head, pin).map_err(unreadable)?,
        changes,
        unpushed: match head {
            Some(head) => unpushed(repo, head, listed).map_err(unreadable)?,
            None => 0,
        },
        stashes: aside::stashes(repo.common_dir()),
        behind: aside::behind(repo).map_err(unreadable)?,
        submodules: links::of(&*repo.index_or_empty().map_err(unreadable)?),
        head,
        operation: operation::under_way(repo.path()),
    })
}

/// Opens the repository of a worktree, if it is the user's own and its format is known here.
///
/// # Errors
/// Repository: it is not, it cannot be read, or it is that of another folder.
pub fn open(work_dir: &Path) -> Result<gix::Repository> {
    if let Some(git_dir) = submodule::git_dir_of(work_dir) {
        format::check(&git_dir, work_dir)?;
    }
    let options = gix::open::Options::default().bail_if_untrusted(true);
    let repo = gix::open_opts(work_dir, options).map_err(|err| unreadable(work_dir, err))?;
    owner::check(work_dir, repo.git_dir())?;
    Ok(repo)
}

/// Opens a submodule's git directory by itself, whether its worktree is there or not.
///
/// # Errors
/// Repository: its format is not known here, or it cannot be read.
pub fn open_git_dir(git_dir: &Path) -> Result<gix::Repository> {
    format::check(git_dir, git_dir)?;
    gix::open_opts(git_dir, gix::open::Options::isolated()).map_err(|err| unreadable(git_dir, err))
}

/// How many times `git stash` put changes away.
///
/// # Errors
/// Repository: its refs cannot be read.
pub fn stashes(repo: &gix::Repository) -> Result<usize> {
    let unreadable = |err| unreadable(repo.git_dir(), err);
    let found = repo.try_find_reference("refs/stash").map_err(unreadable)?;
    if found.is_none() {
        return Ok(0);
    }
    // All but the last are in its log alone.
    let log = std::fs::read(repo.common_dir().join("logs/refs/stash")).unwrap_or_default();
    Ok(log.lines().count().max(1))
}

/// The commit of a worktree's HEAD; none before the first commit.
///
/// # Errors
/// Repository: its format is not known here, or HEAD or its branch cannot be read.
pub fn head(work_dir: &Path) -> Result<Option<ObjectId>> {
    head::commit(&open(work_dir)?).map_err(|err| unreadable(work_dir, err))
}

/// What is said of a repository that cannot be read.
pub(crate) fn unreadable(work_dir: &Path, err: gix::Error) -> Error {
    let error = Error::repository(format!("cannot read `{}`", work_dir.display()));
    unreadable::explain(error, work_dir, err)
}

/// What lies where the index has a file is told as a change of that file, as by git.
fn is_in_place_of_a_file(index: &State, path: &BStr) -> bool {
    let ends = path.find_iter("/").chain([path.len()]);
    ends.map(|end| path[..end].as_bstr())
        .any(|above| index.entry_by_path(above).is_some())
}

/// Whether a folder may stand for its files in the index.
fn is_sparse(repo: &gix::Repository) -> bool {
    repo.index().is_ok_and(|index| index.is_sparse())
}

/// The index's, unless the user has git write none.
fn checksum(repo: &gix::Repository) -> Option<ObjectId> {
    repo.index().ok()?.checksum()
}

/// Whether some of its files have a content that is git's to compare.
fn is_gits(repo: &gix::Repository, work_dir: &Path) -> bool {
    let index = repo.index_or_empty();
    index.is_ok_and(|index| conversion::is_mentioned(repo, &index, Some(work_dir)))
}

/// Whether nothing in it changed, as far as that can be told without reading a file.
fn is_clean(repo: &gix::Repository, head: ObjectId, work_dir: &Path) -> bool {
    let Ok(index) = repo.index() else {
        return false;
    };
    let written = index.timestamp();
    let written = (written.unix_seconds(), written.nanoseconds().into());
    clean::is_as_committed(&index, head, Objects::new(&repo.objects))
        && clean::open(rustix::fs::CWD, work_dir)
            .is_some_and(|root| clean::is_as_noted(&index, written, root))
}

fn standing(
    repo: &gix::Repository,
    head: Option<ObjectId>,
    pin: Option<ObjectId>,
) -> gix::Result<Standing> {
    let (Some(head), Some(pin)) = (head, pin) else {
        return Ok(Standing::Unknown);
    };
    if head == pin {
        return Ok(Standing::InStep);
    }
    if !repo.has_object(pin) {
        return Ok(Standing::PinMissing);
    }
    let ahead = count(repo, head, vec![pin])?;
    let behind = count(repo, pin, vec![head])?;
    Ok(match (ahead, behind) {
        (0, behind) => Standing::Behind { behind },
        (ahead, 0) => Standing::Ahead { ahead },
        (ahead, behind) => Standing::Diverged { ahead, behind },
    })
}

/// How many commits lead to `tip` and to none of `hidden`.
fn count(repo: &gix::Repository, tip: ObjectId, hidden: Vec<ObjectId>) -> gix::Result<usize> {
    let walk = repo.rev_walk([tip]).with_hidden(hidden).all()?;
    let mut count = 0;
    for commit in walk {
        commit?;
        count += 1;
    }
    Ok(count)
}

/// How many commits of `head` no remote has that counts.
fn unpushed(repo: &gix::Repository, head: ObjectId, listed: Option<&BStr>) -> gix::Result<usize> {
    let mut tips = Vec::new();
    for prefix in vouching(repo, listed) {
        for reference in repo.references()?.prefixed(prefix.as_str())? {
            let Ok(mut reference) = reference else {
                continue;
            };
            if let Ok(tip) = reference.peel_to_id() {
                tips.push(tip.detach());
            }
        }
    }
    // Where the history ends, a server has cut it: what lies there came from it, on whatever branch.
    if let Some(cut) = repo.shallow_commits()? {
        tips.extend(cut.iter());
    }
    if tips.contains(&head) {
        return Ok(0);
    }
    count(repo, head, tips)
}

/// What the names of remote-tracking branches begin with that vouch for commits: those of remotes that are where the URL `listed`
/// leads by the repository's configuration; without a URL all.
fn vouching(repo: &gix::Repository, listed: Option<&BStr>) -> Vec<String> {
    let Some(listed) = listed else {
        return vec!["refs/remotes/".to_owned()];
    };
    let config = repo.config_snapshot();
    let real = rewritten(config.plumbing(), "insteadOf", listed);
    let real = real.as_ref().map_or(listed, |real| real.as_ref());
    let remotes = remote::urls(repo).into_iter();
    remotes
        .filter(|(_, url)| place::is_same(real, url.as_ref()))
        .map(|(name, _)| format!("refs/remotes/{name}/"))
        .collect()
}

fn changes(repo: &gix::Repository) -> gix::Result<Changes> {
    let platform = repo
        .status(Discard)?
        .index_worktree_submodules(None)
        .index_worktree_rewrites(None)
        .tree_index_track_renames(gix::status::tree_index::TrackRenames::Disabled)
        .untracked_files(UntrackedFiles::Collapsed)
        .index_worktree_options_mut(|options| options.thread_limit = Some(1))
        .should_interrupt_shared(interrupt::flag());
    let index = repo.index_or_empty()?;
    let mut changes = Changes::default();
    let mut conflicted = BTreeSet::<BString>::new();
    let mut staged = Vec::<BString>::new();
    for item in platform.into_iter(None)? {
        match item? {
            Item::TreeIndex(change) => staged.push(change.location().to_owned()),
            Item::IndexWorktree(Difference::Modification {
                status, rela_path, ..
            }) => match status {
                EntryStatus::Conflict { .. } => {
                    conflicted.insert(rela_path);
                }
                EntryStatus::Change(_) | EntryStatus::IntentToAdd => changes.unstaged += 1,
                EntryStatus::NeedsUpdate(_) => {}
            },
            Item::IndexWorktree(Difference::DirectoryContents { entry, .. }) => {
                let is_untracked = entry.status == gix::dir::entry::Status::Untracked;
                if is_untracked && !is_in_place_of_a_file(&index, entry.rela_path.as_ref()) {
                    changes.untracked += 1;
                }
            }
            // Nobody asked for renames.
            Item::IndexWorktree(Difference::Rewrite { .. }) => changes.unstaged += 1,
        }
    }
    staged.retain(|path| !conflicted.contains(path));
    changes.staged = staged.len();
    changes.conflicted = conflicted.len();
    Ok(changes)
}
