//! Where the gitlinks of a commit come from: whether a commit of a range brought them, or they are from before it.

use std::collections::{BTreeSet, HashMap};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::{
    history,
    objects::Objects,
    repository::Repository,
    tree::{self, Difference},
};
use crate::model::error::{Error, Result};

/// Those of `paths` at which `head` records another gitlink than `base` (or none, where `base` has one), though no commit of
/// `base..head` brought that: a merge took it from a parent that has it from before `base`.
///
/// A commit brings what it records while none of its parents does. Only the fleet's own history is read, from head towards
/// base, along the parents that record the same. Nothing is kept from before where `base` is no ancestor of `head`. What
/// lies beyond the end of a history that is cut short counts as brought.
///
/// # Errors
/// Repository: the history or a tree cannot be read.
pub fn kept_from_before<'p>(
    fleet: &Repository,
    base: ObjectId,
    head: ObjectId,
    paths: BTreeSet<&'p BStr>,
) -> Result<BTreeSet<&'p BStr>> {
    let nothing = Ok(BTreeSet::new());
    // A deleted branch records nothing.
    if paths.is_empty() || head.is_null() {
        return nothing;
    }
    if history::parents(Objects::new(&fleet.objects()), head)? == [base] {
        return nothing;
    }
    let range = range(fleet, base, head)?;
    // Without a merge each commit passes on what it does not bring, and head would record what base does.
    let has_merge = range.values().any(|parents| parents.len() > 1);
    if !has_merge || fleet.merge_base(base, head)? != Some(base) {
        return nothing;
    }
    let handle = fleet.objects();
    let objects = Objects::new(&handle);
    let moved = moved_gitlinks(objects, fleet.tree_of(base)?, fleet.tree_of(head)?)?;
    let mut unexplained = paths;
    unexplained.retain(|path| moved.contains(*path));

    let mut followed = HashMap::<ObjectId, BTreeSet<&BStr>>::new();
    let mut open = vec![(head, unexplained.clone())];
    while let Some((commit, mut paths)) = open.pop() {
        // What is not in the range is from before it.
        let Some(parents) = range.get(&commit) else {
            continue;
        };
        let followed = followed.entry(commit).or_default();
        paths.retain(|path| unexplained.contains(path) && followed.insert(*path));
        if paths.is_empty() {
            continue;
        }
        let root = fleet.tree_of(commit)?;
        let mut brought = paths.clone();
        for parent in parents.iter().filter(|parent| **parent != base) {
            let Some(before) = objects.tree_of(*parent)? else {
                continue;
            };
            let moved = moved_gitlinks(objects, before, root)?;
            let passed_on = paths.iter().copied();
            let passed_on: BTreeSet<_> = passed_on.filter(|path| !moved.contains(*path)).collect();
            brought.retain(|path| !passed_on.contains(path));
            open.push((*parent, passed_on));
        }
        unexplained.retain(|path| !brought.contains(path));
    }
    Ok(unexplained)
}

/// The commits of `base..head`, each with its parents.
fn range(
    fleet: &Repository,
    base: ObjectId,
    head: ObjectId,
) -> Result<HashMap<ObjectId, Vec<ObjectId>>> {
    let unreadable =
        |err: gix::Error| Error::repository("cannot walk the fleet's history").because(err);
    let repo = fleet.to_local()?;
    let walk = repo.rev_walk([head]).with_hidden([base]).all();
    let mut range = HashMap::new();
    for info in walk.map_err(unreadable)? {
        let info =
            info.map_err(|err| Error::repository("cannot walk the fleet's history").because(err))?;
        let parents = info.parent_ids().map(gix::Id::detach);
        range.insert(info.id, parents.collect());
    }
    Ok(range)
}

/// The paths at which one of two trees has a gitlink that the other has not.
fn moved_gitlinks(objects: Objects<'_>, old: ObjectId, new: ObjectId) -> Result<BTreeSet<BString>> {
    let differences = tree::diff(objects, Some(old), Some(new))?.into_iter();
    let gitlinks = differences.filter(Difference::is_gitlink);
    Ok(gitlinks.map(|difference| difference.path).collect())
}
