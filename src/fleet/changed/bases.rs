//! Which of the fleet's commits is compared with head, and for which services: one for all of them, most often.

use std::collections::BTreeSet;

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    gitlinks::{self, Candidate, Listed},
    trees::Trees,
};
use crate::{
    fleet::range::Ends,
    git::{
        Objects,
        repository::Repository,
        tree::{self, Difference},
    },
    model::{change::FileChange, error::Result, success::Exceptions},
};

/// One of the fleet's commits against head.
pub(super) struct Comparison {
    /// The commit; none for the empty tree.
    pub base: Option<ObjectId>,
    /// The services whose base it is.
    pub scope: BaseScope,
    /// What may have changed, theirs and others'.
    pub candidates: Vec<Candidate>,
    /// The fleet's own files that differ.
    pub paths: Vec<FileChange>,
    /// What `.gitmodules` says.
    pub listed: Listed,
}

/// Which services a comparison is for, by their paths at head.
pub(super) enum BaseScope {
    AllBut(BTreeSet<BString>),
    Only(BTreeSet<BString>),
}

impl BaseScope {
    /// Whether the submodule at `path`, or the one that it lies in, is among them.
    pub(super) fn has(&self, path: &BStr) -> bool {
        let is_in = |above: &BString| {
            let rest = path.strip_prefix(above.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        match self {
            Self::AllBut(paths) => !paths.iter().any(is_in),
            Self::Only(paths) => paths.iter().any(is_in),
        }
    }
}

/// The comparison with the ends' own base, then one for each commit that the exceptions name; and the exceptions by their
/// paths at head.
pub(super) fn of(
    repository: &Repository,
    objects: Objects<'_>,
    ends: &Ends,
    trees: &Trees,
) -> Result<(Vec<Comparison>, Exceptions)> {
    let all = BaseScope::AllBut(BTreeSet::new());
    let mut first = Comparison::new(objects, ends.base.commit, trees, all)?;
    let exceptions = at_head(&ends.exceptions, &first.candidates);
    first.scope = BaseScope::AllBut(exceptions.keys().cloned().collect());
    let mut comparisons = vec![first];
    let bases: BTreeSet<_> = exceptions.values().copied().collect();
    for base in bases {
        let trees = Trees {
            base: base.map(|commit| repository.tree_of(commit)).transpose()?,
            head: trees.head,
        };
        let paths = exceptions.iter().filter(|(_, since)| **since == base);
        let scope = BaseScope::Only(paths.map(|(path, _)| path.clone()).collect());
        comparisons.push(Comparison::new(objects, base, &trees, scope)?);
    }
    Ok((comparisons, exceptions))
}

/// A service that moved since is still the one that did not succeed.
fn at_head(exceptions: &Exceptions, candidates: &[Candidate]) -> Exceptions {
    let moved = |path: &BString| {
        let to = |candidate: &&Candidate| candidate.previous_path.as_ref() == Some(path);
        candidates
            .iter()
            .find(to)
            .map(|candidate| candidate.path.clone())
    };
    let of = |(path, since): (&BString, &Option<ObjectId>)| {
        (moved(path).unwrap_or_else(|| path.clone()), *since)
    };
    exceptions.iter().map(of).collect()
}

impl Comparison {
    fn new(
        objects: Objects<'_>,
        base: Option<ObjectId>,
        trees: &Trees,
        scope: BaseScope,
    ) -> Result<Self> {
        let differences = tree::diff(objects, trees.base, trees.head)?;
        let listed = Listed::of(objects, trees, &differences)?;
        let candidates = gitlinks::find(objects, trees, &differences, &listed)?;
        let paths = own_paths(&differences, &candidates);
        Ok(Self {
            base,
            scope,
            candidates,
            paths,
            listed,
        })
    }
}

/// The fleet's own files: neither gitlinks nor what was or became a service's directory.
fn own_paths(differences: &[Difference], candidates: &[Candidate]) -> Vec<FileChange> {
    let directories: Vec<&BString> = candidates
        .iter()
        .filter(|c| c.crosses_a_directory())
        .map(|c| &c.path)
        .collect();
    let inside_service = |path: &BString| {
        directories.iter().any(|dir| {
            path.strip_prefix(dir.as_slice())
                .is_some_and(|rest| rest.starts_with(b"/"))
        })
    };
    differences
        .iter()
        .filter(|difference| !difference.is_gitlink() && !inside_service(&difference.path))
        .map(Difference::to_file_change)
        .collect()
}
