//! What a column calls services: by name, and by path where two of the table share one.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString};

use super::text;
use crate::model::{fleet::service_name, plan::Plan};

/// The names that several services of a table have.
pub(super) struct ServiceNames<'a> {
    shared: BTreeSet<&'a BStr>,
}

impl<'a> ServiceNames<'a> {
    /// Those of the services at `paths`.
    pub(super) fn of(paths: impl IntoIterator<Item = &'a BString>) -> Self {
        let named = paths.into_iter();
        Self::of_named(named.map(|path| (service_name(path.as_ref()), path)))
    }

    /// Those of a plan's.
    pub(super) fn of_plan(plan: &'a Plan) -> Self {
        let steps = plan.steps.iter();
        Self::of_named(steps.map(|step| (step.name.as_ref(), &step.path)))
    }

    /// Those of services that say themselves what they are called.
    pub(super) fn of_named(services: impl IntoIterator<Item = (&'a BStr, &'a BString)>) -> Self {
        let mut paths = BTreeMap::<&BStr, BTreeSet<&BString>>::new();
        for (name, path) in services {
            paths.entry(name).or_default().insert(path);
        }
        let shared = paths.into_iter().filter(|(_, paths)| paths.len() > 1);
        Self {
            shared: shared.map(|(name, _)| name).collect(),
        }
    }

    /// The cell of the service at `path`.
    pub(super) fn at(&self, path: &BString) -> String {
        self.cell(service_name(path.as_ref()), path)
    }

    /// The cell of the service `name` at `path`.
    pub(super) fn cell(&self, name: &BStr, path: &BString) -> String {
        text::name(self.called(name, path))
    }

    /// The services of `--format names`: raw and NUL-terminated for programs, or one to a line, escaped, for people.
    pub(super) fn list<'s>(
        &self,
        services: impl IntoIterator<Item = (&'s BStr, &'s BString)>,
        null: bool,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, path) in services {
            let name = self.called(name, path);
            if null {
                out.extend_from_slice(name);
                out.push(0);
            } else {
                out.extend_from_slice(text::name(name).as_bytes());
                out.push(b'\n');
            }
        }
        out
    }

    /// What it is called, as it is.
    pub(super) fn called<'s>(&self, name: &'s BStr, path: &'s BString) -> &'s BStr {
        match self.shared.contains(name) {
            true => path.as_ref(),
            false => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_shares_a_name_is_called_by_path() {
        let paths: Vec<BString> = ["a/api", "b/api", "c/web"].map(BString::from).into();
        let names = ServiceNames::of(&paths);
        let shown: Vec<_> = paths.iter().map(|path| names.at(path)).collect();
        assert_eq!(shown, ["a/api", "b/api", "web"]);
        // One service twice shares its name with nobody.
        let twice = ServiceNames::of([&paths[0], &paths[0]]);
        assert_eq!(twice.at(&paths[0]), "api");
    }
}
