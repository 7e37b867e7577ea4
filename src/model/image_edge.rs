//! Image edges: which services build on the image of which others.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString};

use super::{
    cycle,
    error::{Error, Result},
    fleet::service_name,
};

/// Which services build on the images of which others, by their paths. A service that builds on the image that has its own
/// name, an older one of its own, has no edge to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageEdges(BTreeMap<BString, BTreeSet<BString>>);

impl ImageEdges {
    /// That nobody builds on another.
    pub const NONE: &Self = &Self(BTreeMap::new());

    /// Adds what the service at `child` builds on.
    pub fn add(&mut self, child: &BStr, parents: impl IntoIterator<Item = BString>) {
        let mut parents: BTreeSet<_> = parents.into_iter().collect();
        parents.remove(child);
        if !parents.is_empty() {
            self.0.entry(child.to_owned()).or_default().extend(parents);
        }
    }

    /// Whether nobody builds on another.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Child and parent of every edge, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&BString, &BString)> {
        let of_child = |(child, parents)| std::iter::repeat(child).zip(parents);
        self.0.iter().flat_map(of_child)
    }

    /// What the service at `child` builds on.
    pub fn parents(&self, child: &BStr) -> impl Iterator<Item = &BString> {
        self.0.get(child).into_iter().flatten()
    }

    /// Those that build on the service at `parent`, sorted.
    pub fn children(&self, parent: &BStr) -> impl Iterator<Item = &BString> {
        let all = self.0.iter();
        all.filter(move |(_, parents)| parents.contains(parent))
            .map(|(child, _)| child)
    }

    /// The edges between services at `paths`, straight or through others.
    pub fn among(&self, paths: &BTreeSet<&BStr>) -> Self {
        let mut among = Self::default();
        for path in paths {
            let mut seen = BTreeSet::new();
            let mut open: Vec<&BString> = self.parents(path).collect();
            while let Some(parent) = open.pop() {
                if !seen.insert(parent) {
                    continue;
                }
                match paths.contains(BStr::new(parent)) {
                    true => among.add(path, [parent.clone()]),
                    false => open.extend(self.parents(parent.as_ref())),
                }
            }
        }
        among
    }

    /// Refuses services that build on each other in a circle.
    ///
    /// # Errors
    /// Misuse: names the services of the first circle.
    pub fn refuse_cycle(&self) -> Result<()> {
        let Some(cycle) = cycle::first(self.0.keys(), |child| self.parents(child.as_ref())) else {
            return Ok(());
        };
        let names = cycle.iter().map(|path| service_name(BStr::new(path)));
        let shown: Vec<_> = names.map(ToString::to_string).collect();
        Err(Error::misuse(format!(
            "the images of these services build on each other: {}",
            shown.join(" → ")
        ))
        .hint("an arrow leads from a service to the one whose image its Dockerfile names: remove one of them"))
    }

    /// Numbers for `paths`, in their order: services that are joined by edges, by however many steps and also through others,
    /// have the same.
    pub fn groups(&self, paths: &[&BStr]) -> Vec<usize> {
        let mut neighbours = BTreeMap::<&BStr, Vec<&BStr>>::new();
        for (child, parent) in self.iter() {
            let (child, parent) = (child.as_ref(), parent.as_ref());
            neighbours.entry(child).or_default().push(parent);
            neighbours.entry(parent).or_default().push(child);
        }
        let mut groups = BTreeMap::<&BStr, usize>::new();
        for (number, path) in paths.iter().enumerate() {
            let mut open = vec![*path];
            while let Some(path) = open.pop() {
                if !groups.contains_key(path) {
                    groups.insert(path, number);
                    open.extend(neighbours.get(path).into_iter().flatten());
                }
            }
        }
        paths.iter().map(|path| groups[path]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(all: &[(&str, &str)]) -> ImageEdges {
        let mut edges = ImageEdges::default();
        for (child, parent) in all {
            edges.add(BStr::new(child), [BString::from(*parent)]);
        }
        edges
    }

    #[test]
    fn a_circle_is_shown() {
        for (all, want) in [
            (&[("a", "b"), ("b", "c"), ("x", "c")][..], None),
            (&[("a", "a")], None),
            (&[("a", "b"), ("b", "a")], Some("a → b → a")),
            (
                &[("a", "s/b"), ("s/b", "c"), ("c", "s/b")],
                Some("s/b → c → s/b"),
            ),
        ] {
            let said = edges(all).refuse_cycle().map_err(|err| err.to_string());
            match want {
                None => assert_eq!(said, Ok(()), "{all:?}"),
                Some(shown) => assert!(
                    said.clone().unwrap_err().contains(&shown.replace("s/", "")),
                    "{said:?}"
                ),
            }
        }
    }

    #[test]
    fn those_that_are_joined_are_one_group() {
        let edges = edges(&[("api", "base"), ("web", "base"), ("x", "y"), ("y", "z")]);
        let paths = ["api", "lone", "web", "x", "z"].map(BStr::new);
        // api and web through base, x and z through y, though neither is asked about.
        assert_eq!(edges.groups(&paths), [0, 1, 0, 3, 3]);
    }
}
