//! The services that were chosen, by their paths.

use std::collections::BTreeSet;

use bstr::{BStr, BString};

/// Paths from the fleet's root, of services and of submodules inside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(BTreeSet<BString>);

impl Selection {
    /// Whether the submodule at `path` is among them.
    pub fn has(&self, path: &BStr) -> bool {
        self.0.contains(path)
    }

    /// Whether the submodule at `path` is among them, or one that lies in it.
    pub fn leads_through(&self, path: &BStr) -> bool {
        let below = BString::from([path, b"/".as_slice()].concat());
        let mut inside = self.0.range(below.clone()..);
        self.has(path) || inside.next().is_some_and(|one| one.starts_with(&below))
    }

    /// Their paths, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &BString> {
        self.0.iter()
    }

    /// Adds some.
    pub fn extend(&mut self, paths: impl IntoIterator<Item = BString>) {
        self.0.extend(paths);
    }
}

impl FromIterator<BString> for Selection {
    fn from_iter<T: IntoIterator<Item = BString>>(paths: T) -> Self {
        Self(paths.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_leads_through_what_it_names_and_what_holds_that() {
        let mut selection: Selection = [BString::from("repos/web/vendor/lib")]
            .into_iter()
            .collect();
        selection.extend(["repos/api".into()]);
        for (path, has, leads_through) in [
            ("repos/api", true, true),
            ("repos/web/vendor/lib", true, true),
            ("repos/web", false, true),
            ("repos", false, true),
            ("repos/ap", false, false),
            ("repos/api/vendor", false, false),
            ("repos/web/vendor/lib/deep", false, false),
            ("repos/web-admin", false, false),
            ("a", false, false),
            ("z", false, false),
        ] {
            assert_eq!(selection.has(path.into()), has, "{path}");
            assert_eq!(
                selection.leads_through(path.into()),
                leads_through,
                "{path}"
            );
        }
        assert!(selection.iter().eq(["repos/api", "repos/web/vendor/lib"]));
    }
}
