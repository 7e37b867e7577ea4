//! Commits: their dates, and which way a pin moved between two of them.

use bstr::BStr;
use gix::{
    ObjectId,
    objs::FindExt,
    revision::plumbing::{Graph, merge_base},
    traverse::commit::{
        Simple,
        simple::{CommitTimeOrder, Sorting},
    },
};

use super::{objects::Objects, repository::Repository, tree};
use crate::model::{
    change::Direction,
    commits::{Commits, Listed},
    error::{Error, Result},
};

/// How many commits of a range are searched for the one that meant a rollback.
const SEARCH_LIMIT: usize = 10_000;

/// The committer's date of `commit`, in seconds since the Unix epoch.
pub fn committed_at(objects: Objects<'_>, commit: ObjectId) -> Result<i64> {
    let unreadable = || Error::repository(format!("cannot read the commit {commit}"));
    let mut buffer = Vec::new();
    let commit = objects
        .find_commit(&commit, &mut buffer)
        .map_err(|err| unreadable().because(err))?;
    let committer = commit
        .committer()
        .map_err(|err| unreadable().because(err))?;
    Ok(committer.seconds())
}

/// Which way `from` → `to` goes in their own history. `shallow` says, when it is asked, that the history is cut, so that
/// what looks diverged may not be.
pub fn direction(
    objects: Objects<'_>,
    from: ObjectId,
    to: ObjectId,
    shallow: impl Fn() -> bool,
) -> Direction {
    // Most pins move by a commit or a merge, and two commits tell that by themselves, also where there are no others.
    if is_parent(objects, from, to) {
        return Direction::Forward;
    }
    if is_parent(objects, to, from) {
        return Direction::Rollback;
    }
    let mut graph = Graph::new(objects, None);
    match merge_base(from, &[to], &mut graph) {
        Ok(Some(bases)) if bases.contains(&from) => Direction::Forward,
        Ok(Some(bases)) if bases.contains(&to) => Direction::Rollback,
        Ok(Some(_)) if !shallow() => Direction::Diverged,
        Ok(None) if !shallow() && both_read(objects, from, to) => Direction::Diverged,
        _ => Direction::Unknown,
    }
}

/// Whether `commit`, as far as it can be read, names `other` as a parent.
fn is_parent(objects: Objects<'_>, other: ObjectId, commit: ObjectId) -> bool {
    let mut buffer = Vec::new();
    let found = objects.find_commit_iter(&commit, &mut buffer);
    found.is_ok_and(|commit| commit.parent_ids().any(|parent| parent == other))
}

/// Whether the history of `tip` has `commit` in it, as far as it is available.
pub fn contains(objects: Objects<'_>, tip: ObjectId, commit: ObjectId) -> bool {
    let mut graph = Graph::new(objects, None);
    matches!(merge_base(commit, &[tip], &mut graph), Ok(Some(bases)) if bases.contains(&commit))
}

/// The commits that lead to `tip` and not to `known`: how many, and the newest `limit` of them.
///
/// # Errors
/// Repository: a commit is damaged or missing.
pub fn between(
    objects: Objects<'_>,
    known: ObjectId,
    tip: ObjectId,
    limit: usize,
) -> Result<Commits> {
    let unreadable = |err: gix::Error| {
        Error::repository(format!("cannot walk from {known} to {tip}")).because(err)
    };
    let walk = Simple::new([tip], objects)
        .sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
        .and_then(|walk| walk.hide([known]))
        .map_err(unreadable)?;
    let mut commits = Commits::default();
    let mut buffer = Vec::new();
    for info in walk {
        let id = info.map_err(unreadable)?.id;
        commits.count += 1;
        if commits.newest.len() < limit {
            let commit = objects.find_commit(&id, &mut buffer).map_err(|err| {
                Error::repository(format!("cannot read the commit {id}")).because(err)
            })?;
            let subject = commit.message_summary().into_owned();
            commits.newest.push(Listed { id, subject });
        }
    }
    Ok(commits)
}

fn both_read(objects: Objects<'_>, from: ObjectId, to: ObjectId) -> bool {
    [from, to]
        .iter()
        .all(|id| matches!(objects.tree_of(*id), Ok(Some(_))))
}

/// Whether a commit of `base..head` moved the pin at `path` to `pin`: one that records it while none of its parents do.
///
/// A merge that merely kept the older of two pins is not such a commit. `true` when the range is too long to tell.
pub fn pin_was_meant(
    fleet: &Repository,
    base: ObjectId,
    head: ObjectId,
    path: &BStr,
    pin: ObjectId,
) -> Result<bool> {
    let repo = fleet.to_local()?;
    let own = fleet.objects();
    let objects = Objects::new(&own);
    let unreadable =
        |err: gix::Error| Error::repository("cannot walk the fleet's history").because(err);
    let pin_at = |commit: ObjectId| -> Result<Option<ObjectId>> {
        let Some(root) = objects.tree_of(commit)? else {
            return Ok(None);
        };
        let entry = tree::entry_at(objects, root, path)?;
        Ok(entry.filter(|(mode, _)| mode.is_commit()).map(|(_, id)| id))
    };
    let walk = repo
        .rev_walk([head])
        .with_hidden([base])
        .all()
        .map_err(unreadable)?;
    for (seen, info) in walk.enumerate() {
        if seen >= SEARCH_LIMIT {
            return Ok(true);
        }
        let info =
            info.map_err(|err| Error::repository("cannot walk the fleet's history").because(err))?;
        if pin_at(info.id)? != Some(pin) {
            continue;
        }
        let mut inherited = false;
        for parent in info.parent_ids() {
            inherited |= pin_at(parent.detach())? == Some(pin);
        }
        if !inherited {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gix::objs::{Data, Find, Kind};

    use super::*;
    use crate::git::objects::Database;

    /// Commits by their ids, and nothing else.
    #[derive(Default)]
    struct Commits(BTreeMap<ObjectId, Vec<u8>>);

    impl Commits {
        fn add(&mut self, parents: &[ObjectId]) -> ObjectId {
            let number = self.0.len();
            let parents: String = parents.iter().map(|id| format!("parent {id}\n")).collect();
            let who = format!("A <a@example.com> {} +0000", 1_700_000_000 + number);
            let tree = ObjectId::empty_tree(gix::hash::Kind::Sha1);
            let text = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{number}\n");
            let id = gix::objs::compute_hash(tree.kind(), Kind::Commit, text.as_bytes()).unwrap();
            self.0.insert(id, text.into_bytes());
            id
        }
    }

    impl Database for Commits {}

    impl Find for Commits {
        fn try_find<'b>(
            &self,
            id: &gix::oid,
            buffer: &'b mut Vec<u8>,
        ) -> gix::Result<Option<Data<'b>>> {
            Ok(self.0.get(id).map(|text| {
                buffer.clone_from(text);
                Data::new(buffer, Kind::Commit, id.kind())
            }))
        }
    }

    #[test]
    fn a_parent_is_all_it_takes() {
        let mut commits = Commits::default();
        let root = commits.add(&[]);
        let aside = commits.add(&[root]);
        let old = commits.add(&[root]);
        let new = commits.add(&[old]);
        let merge = commits.add(&[aside, old]);
        commits.0.remove(&root);
        let way = |from, to| direction(Objects::new(&commits), from, to, || true);
        assert_eq!(way(old, new), Direction::Forward);
        assert_eq!(way(new, old), Direction::Rollback);
        assert_eq!(way(old, merge), Direction::Forward);
        assert_eq!(way(aside, new), Direction::Unknown);
        assert_eq!(
            way(old, root),
            Direction::Rollback,
            "the root's own content is not asked for"
        );
    }

    #[test]
    fn further_ways_are_walked() {
        let mut commits = Commits::default();
        let root = commits.add(&[]);
        let old = commits.add(&[root]);
        let middle = commits.add(&[old]);
        let new = commits.add(&[middle]);
        let aside = commits.add(&[old]);
        let stranger = commits.add(&[]);
        let way = |from, to| direction(Objects::new(&commits), from, to, || false);
        assert_eq!(way(old, new), Direction::Forward);
        assert_eq!(way(new, root), Direction::Rollback);
        assert_eq!(way(aside, new), Direction::Diverged);
        assert_eq!(way(stranger, new), Direction::Diverged);
        let cut = direction(Objects::new(&commits), aside, new, || true);
        assert_eq!(cut, Direction::Unknown);
    }
}
