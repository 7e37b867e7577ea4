//! The URLs that `.gitmodules` had in earlier commits: a clone that was made then still knows them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bstr::{BStr, BString};
use gix::{
    ObjectId,
    objs::{CommitRefIter, Find, FindExt},
};

use super::{
    gitmodules::{FILE, Gitmodules},
    objects::Objects,
    tree,
};
use crate::model::error::{Error, Result};

/// How many commits are looked at: the newest. Who has not updated for longer gets a hint instead.
const COMMITS_LIMIT: usize = 20_000;

/// How many versions of the file are read.
const VERSIONS_LIMIT: usize = 2_000;

/// What was ever listed, by the names of submodules.
#[derive(Debug, Default)]
pub struct OlderUrls(BTreeMap<BString, BTreeSet<BString>>);

impl OlderUrls {
    /// Those of the commits that `head` leads to, as far as they are here.
    ///
    /// # Errors
    /// Repository: a commit cannot be read.
    pub fn of(objects: Objects<'_>, head: ObjectId) -> Result<Self> {
        let mut found = Self::default();
        for version in versions(objects, head)? {
            let mut buffer = Vec::new();
            let Ok(blob) = objects.find_blob(&version, &mut buffer) else {
                continue;
            };
            // A version that nobody could read listed nothing.
            let Ok(listed) = Gitmodules::parse(blob.data) else {
                continue;
            };
            for submodule in listed.iter() {
                if let Some(url) = &submodule.url {
                    let urls = found.0.entry(submodule.name.clone()).or_default();
                    urls.insert(url.clone());
                }
            }
        }
        Ok(found)
    }

    /// Those of the submodule `name`, as they were listed.
    pub fn named(&self, name: &BStr) -> impl Iterator<Item = &BString> {
        self.0.get(name).into_iter().flatten()
    }
}

/// The different blobs that the file was.
fn versions(objects: Objects<'_>, head: ObjectId) -> Result<HashSet<ObjectId>> {
    let mut versions = HashSet::new();
    let (mut seen, mut open) = (HashSet::from([head]), vec![head]);
    let mut buffer = Vec::new();
    while let Some(commit) = open.pop() {
        if seen.len() > COMMITS_LIMIT || versions.len() >= VERSIONS_LIMIT {
            break;
        }
        let read = objects.try_find(&commit, &mut buffer).map_err(|err| {
            Error::repository(format!("cannot read the commit {commit}")).because(err)
        })?;
        // A clone may be shallow.
        let Some(data) = read else { continue };
        let parents = CommitRefIter::from_bytes(data.data, commit.kind()).parent_ids();
        open.extend(parents.filter(|parent| seen.insert(*parent)));
        if let Some(root) = objects.tree_of(commit)?
            && let Some((mode, id)) = tree::entry_at(objects, root, FILE.into())?
            && mode.is_blob()
        {
            versions.insert(id);
        }
    }
    Ok(versions)
}
