//! Which submodules to look into: the gitlinks that differ between the fleet's two trees, paired across renames.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString};
use gix::ObjectId;

use super::trees::Trees;
use crate::{
    git::{
        Objects,
        gitmodules::{self, Gitmodules},
        tree::{self, Difference},
    },
    model::{error::Result, fleet::Submodule},
};

/// One submodule, at both ends.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Its path at head; at base when it is gone.
    pub path: BString,
    /// Its path at base, when it moved.
    pub previous_path: Option<BString>,
    /// What was there.
    pub base: EndPoint,
    /// What is there.
    pub head: EndPoint,
    /// What took its path at head where that is neither a submodule nor a directory, in words.
    pub replaced_by: Option<&'static str>,
    /// What `.gitmodules` says of it at base.
    pub listed_base: Option<Submodule>,
    /// What `.gitmodules` says of it at head.
    pub listed_head: Option<Submodule>,
}

/// What a path of the fleet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndPoint {
    /// Nothing that could be a service.
    Nothing,
    /// A gitlink.
    Gitlink(ObjectId),
    /// A directory of the fleet itself.
    Directory(ObjectId),
}

impl EndPoint {
    pub(super) fn pin(self) -> Option<ObjectId> {
        match self {
            Self::Gitlink(pin) => Some(pin),
            Self::Nothing | Self::Directory(_) => None,
        }
    }
}

impl Candidate {
    /// What `.gitmodules` says of it: at head, else at base.
    pub(super) fn listed(&self) -> Option<&Submodule> {
        self.listed_head.as_ref().or(self.listed_base.as_ref())
    }

    /// Its name in `.gitmodules` at head, else at base.
    pub(super) fn listed_name(&self) -> Option<&BStr> {
        Some(self.listed()?.name.as_ref())
    }

    /// Its URL at head, else at base.
    pub(super) fn url(&self) -> Option<&BStr> {
        Some(self.listed()?.url.as_ref()?.as_ref())
    }

    /// Whether `.gitmodules` names another URL at head.
    pub(super) fn url_changed(&self) -> bool {
        match (&self.listed_base, &self.listed_head) {
            (Some(base), Some(head)) => base.url != head.url,
            _ => false,
        }
    }

    /// Whether one submodule left the path and another, by its name in `.gitmodules`, took it over.
    fn is_taken_over(&self) -> bool {
        let both_pins = self.base.pin().is_some() && self.head.pin().is_some();
        match (&self.listed_base, &self.listed_head) {
            (Some(base), Some(head)) => both_pins && base.name != head.name,
            _ => false,
        }
    }

    /// The end that left the path, and the one that took it over.
    fn into_halves(self) -> [Self; 2] {
        let gone = Self {
            head: EndPoint::Nothing,
            listed_head: None,
            ..self.clone()
        };
        let new = Self {
            base: EndPoint::Nothing,
            listed_base: None,
            ..self
        };
        [gone, new]
    }

    /// Whether it was or became a directory of the fleet.
    pub(super) fn crosses_a_directory(&self) -> bool {
        [self.base, self.head]
            .iter()
            .any(|place| matches!(place, EndPoint::Directory(_)))
    }
}

/// What `.gitmodules` says at both ends: all of it where it differs, else of the submodules whose pins do.
#[derive(Default)]
pub(super) struct Listed {
    pub base: Gitmodules,
    pub head: Gitmodules,
}

impl Listed {
    pub(super) fn of(
        objects: Objects<'_>,
        trees: &Trees,
        differences: &[Difference],
    ) -> Result<Self> {
        let gitlinks = differences.iter().filter(|d| d.is_gitlink());
        let paths: BTreeSet<&BStr> = gitlinks.map(|d| d.path.as_ref()).collect();
        if !differences.iter().any(|d| d.path == gitmodules::FILE) {
            let head = match trees.head {
                Some(root) => Gitmodules::at_paths(objects, root, &paths)?,
                None => Gitmodules::default(),
            };
            let base = head.clone();
            return Ok(Self { base, head });
        }
        let of = |root: Option<ObjectId>| match root {
            Some(root) => Gitmodules::of_tree(objects, root),
            None => Ok(Gitmodules::default()),
        };
        Ok(Self {
            base: of(trees.base)?,
            head: of(trees.head)?,
        })
    }
}

/// Everything worth looking into, sorted by path.
pub(super) fn find(
    objects: Objects<'_>,
    trees: &Trees,
    differences: &[Difference],
    listed: &Listed,
) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for difference in differences
        .iter()
        .filter(|difference| difference.is_gitlink())
    {
        candidates.push(at_path(objects, trees, difference, listed)?);
    }
    let mut candidates = pair_renames(candidates);
    if differences
        .iter()
        .any(|difference| difference.path == gitmodules::FILE)
    {
        add_url_changes(objects, trees, listed, &mut candidates)?;
    }
    candidates.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(candidates)
}

fn at_path(
    objects: Objects<'_>,
    trees: &Trees,
    difference: &Difference,
    listed: &Listed,
) -> Result<Candidate> {
    let path = difference.path.as_ref();
    let place = |entry: Option<tree::Entry>, root: Option<ObjectId>| match entry {
        Some((mode, pin)) if mode.is_commit() => Ok(EndPoint::Gitlink(pin)),
        // The diff lists files: that nothing stands here may mean that a directory does.
        _ => directory_at(objects, root, path),
    };
    Ok(Candidate {
        base: place(difference.old, trees.base)?,
        head: place(difference.new, trees.head)?,
        listed_base: listed.base.at(path).cloned(),
        listed_head: listed.head.at(path).cloned(),
        path: difference.path.clone(),
        previous_path: None,
        replaced_by: match difference.new {
            Some((mode, _)) if mode.is_link() => Some("a symbolic link"),
            Some((mode, _)) if mode.is_blob() => Some("a file"),
            _ => None,
        },
    })
}

fn directory_at(objects: Objects<'_>, root: Option<ObjectId>, path: &BStr) -> Result<EndPoint> {
    let Some(root) = root else {
        return Ok(EndPoint::Nothing);
    };
    Ok(match tree::entry_at(objects, root, path)? {
        Some((mode, id)) if mode.is_tree() => EndPoint::Directory(id),
        _ => EndPoint::Nothing,
    })
}

/// Joins what vanished with what appeared when it is the same submodule: by its name in `.gitmodules`, else by its URL,
/// else by a pin that only these two share. Two submodules that exchanged their paths vanished and appeared as well; what
/// then stays alone at both ends of a path is one service again, replaced.
fn pair_renames(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let (taken_over, candidates): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(Candidate::is_taken_over);
    let halves = taken_over.into_iter().flat_map(Candidate::into_halves);
    let candidates = candidates.into_iter().chain(halves);
    let (mut gone, rest): (Vec<_>, Vec<_>) =
        candidates.partition(|c| c.base.pin().is_some() && c.head == EndPoint::Nothing);
    let (mut new, mut rest): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .partition(|c| c.base == EndPoint::Nothing && c.head.pin().is_some());

    for key in [by_name, by_url, by_pin, by_path] {
        let news = &mut take_unique(&mut new, key);
        for (value, old) in take_unique(&mut gone, key) {
            match news.remove(&value) {
                Some(new) => rest.push(joined(old, new)),
                None => gone.push(old),
            }
        }
        new.extend(std::mem::take(news).into_values());
    }
    rest.extend(gone);
    rest.extend(new);
    rest
}

/// What may tell that two ends are one submodule.
type PairingKey = fn(&Candidate) -> Option<Vec<u8>>;

fn by_name(candidate: &Candidate) -> Option<Vec<u8>> {
    Some(candidate.listed_name()?.to_vec())
}

fn by_url(candidate: &Candidate) -> Option<Vec<u8>> {
    Some(candidate.url()?.to_vec())
}

fn by_pin(candidate: &Candidate) -> Option<Vec<u8>> {
    Some(
        candidate
            .base
            .pin()
            .or(candidate.head.pin())?
            .as_slice()
            .to_vec(),
    )
}

fn by_path(candidate: &Candidate) -> Option<Vec<u8>> {
    Some(candidate.path.to_vec())
}

/// Takes out the candidates whose key no other of the list has; the others stay.
fn take_unique(list: &mut Vec<Candidate>, key: PairingKey) -> BTreeMap<Vec<u8>, Candidate> {
    let mut groups: BTreeMap<Option<Vec<u8>>, Vec<Candidate>> = BTreeMap::new();
    for candidate in list.drain(..) {
        groups.entry(key(&candidate)).or_default().push(candidate);
    }
    let mut unique = BTreeMap::new();
    for (value, mut group) in groups {
        match value {
            Some(value) if group.len() == 1 => unique.extend(group.pop().map(|only| (value, only))),
            _ => list.append(&mut group),
        }
    }
    unique
}

fn joined(old: Candidate, new: Candidate) -> Candidate {
    Candidate {
        previous_path: (old.path != new.path).then_some(old.path),
        path: new.path,
        base: old.base,
        head: new.head,
        replaced_by: new.replaced_by,
        listed_base: old.listed_base,
        listed_head: new.listed_head,
    }
}

/// Submodules whose pin stands still while `.gitmodules` names another URL for them.
fn add_url_changes(
    objects: Objects<'_>,
    trees: &Trees,
    listed: &Listed,
    candidates: &mut Vec<Candidate>,
) -> Result<()> {
    let known: BTreeSet<_> = candidates.iter().map(|c| c.path.clone()).collect();
    for head in listed
        .head
        .iter()
        .filter(|submodule| !known.contains(&submodule.path))
    {
        let Some(base) = listed.base.at(head.path.as_ref()) else {
            continue;
        };
        if base.url == head.url {
            continue;
        }
        let Some(root) = trees.head else { continue };
        if let Some((mode, pin)) = tree::entry_at(objects, root, head.path.as_ref())?
            && mode.is_commit()
        {
            candidates.push(Candidate {
                path: head.path.clone(),
                previous_path: None,
                base: EndPoint::Gitlink(pin),
                head: EndPoint::Gitlink(pin),
                replaced_by: None,
                listed_base: Some(base.clone()),
                listed_head: Some(head.clone()),
            });
        }
    }
    Ok(())
}
