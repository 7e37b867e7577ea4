//! `.gitmodules` as a commit has it (gitmodules(5)): names and URLs, nothing else. Whether a submodule exists, and where
//! its pin is, only the tree says.
//!
//! It is read as `git submodule` reads it (submodule-config.c): sections of one name are one submodule, the last value of a key
//! counts, and of two submodules that claim one path the later.

#[cfg(any(test, fuzzing))]
pub mod properties;

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, config::Boolean, objs::FindExt};

use super::{
    config_file::syntax::{self, BadLine},
    objects::Objects,
    tree,
};
use crate::model::{
    error::{Error, Result},
    fleet::Submodule,
};

/// Where git looks for it.
pub const FILE: &str = ".gitmodules";

/// A fleet of 100,000 services has one of about 15 MB; what is larger is no list of submodules.
const SIZE_LIMIT: usize = 64 << 20;

/// Of these git wants a value (submodule-config.c).
const NEED_A_VALUE: [&[u8]; 4] = [b"path", b"url", b"branch", b"update"];

/// The submodules one commit lists, by path.
#[derive(Clone, Debug, Default)]
pub struct Gitmodules {
    by_path: BTreeMap<BString, Submodule>,
}

impl Gitmodules {
    /// Reads the file from a tree; a tree without one lists nothing.
    pub fn of_tree(objects: Objects<'_>, root: ObjectId) -> Result<Self> {
        Self::parse(&text(objects, root)?)
    }

    /// Reads what it says of the submodules at `paths`, and maybe of some others; the file is not read where there are none.
    pub fn at_paths(objects: Objects<'_>, root: ObjectId, paths: &BTreeSet<&BStr>) -> Result<Self> {
        match paths.is_empty() {
            true => Ok(Self::default()),
            false => Self::parse_at(&text(objects, root)?, paths),
        }
    }

    /// Whether a tree has the file.
    pub fn is_in(objects: Objects<'_>, root: ObjectId) -> Result<bool> {
        Ok(tree::entry_at(objects, root, FILE.into())?.is_some())
    }

    /// Reads the text.
    ///
    /// # Errors
    /// Repository: git would refuse it.
    pub fn parse(text: &[u8]) -> Result<Self> {
        Self::parse_of(text, |_| true)
    }

    /// The same of the submodules that name one of `paths`. Of ten thousand a few are wanted as a rule: to read the text twice takes
    /// less time than to keep all of it.
    fn parse_at(text: &[u8], paths: &BTreeSet<&BStr>) -> Result<Self> {
        let mut names = BTreeSet::new();
        // What is wrong with the text is said by the second reading.
        let _ = syntax::read(text, |setting| {
            let named = setting.value.filter(|_| setting.key == b"path");
            let is_wanted = named.is_some_and(|path| paths.contains(path.as_bstr()));
            let wanted = setting.subsection_of("submodule").filter(|_| is_wanted);
            names.extend(wanted.map(<[u8]>::to_vec));
        });
        Self::parse_of(text, |name| names.contains(name))
    }

    /// Reads the submodules whose names are wanted.
    fn parse_of(text: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> Result<Self> {
        let mut sections = Sections::default();
        let mut without_value = None;
        let read = syntax::read(text, |setting| {
            let Some(name) = setting.subsection_of("submodule") else {
                return;
            };
            if setting.value.is_none() && NEED_A_VALUE.contains(&setting.key) {
                let key = setting.key.as_bstr();
                without_value.get_or_insert_with(|| format!("submodule.{}.{key}", name.as_bstr()));
            } else if is_wanted(name) {
                sections.add(name.into(), setting.key, setting.value);
            }
        });
        let refused =
            |why: String| Error::repository(format!("{FILE} cannot be read")).because(why);
        if let Err(BadLine(number)) = read {
            return Err(refused(format!("bad config line {number}")).hint(format!(
                "git names the line: git config --file {FILE} --list"
            )));
        }
        match without_value {
            Some(key) => Err(refused(format!("missing value for '{key}'"))
                .hint(format!("give it one: git config --file {FILE} {key} VALUE"))),
            None => Ok(sections.by_path()),
        }
    }

    /// The submodule at `path`.
    pub fn at(&self, path: &BStr) -> Option<&Submodule> {
        self.by_path.get(path)
    }

    /// All of them, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &Submodule> {
        self.by_path.values()
    }
}

/// What is known of each submodule while the file is read, by its name.
#[derive(Default)]
struct Sections {
    by_name: BTreeMap<BString, Section>,
    /// Which submodule has a path, by its name.
    owners: BTreeMap<BString, BString>,
}

#[derive(Default)]
struct Section {
    path: Option<BString>,
    url: Option<BString>,
    branch: Option<BString>,
    update: Option<BString>,
    is_shallow: bool,
}

impl Sections {
    /// Takes in a setting of the submodule `name`.
    fn add(&mut self, name: &BStr, key: &[u8], value: Option<&[u8]>) {
        let section = match self.by_name.get_mut(name) {
            Some(section) => section,
            None => self.by_name.entry(name.to_owned()).or_default(),
        };
        match key {
            b"path" => {
                let path = value.map(BString::from);
                if let Some(left) = std::mem::replace(&mut section.path, path.clone()) {
                    self.owners.remove(&left);
                }
                self.owners.extend(path.map(|path| (path, name.to_owned())));
            }
            b"shallow" => section.is_shallow = value.is_none_or(is_true),
            b"url" => section.url = value.map(Into::into),
            b"branch" => section.branch = value.map(Into::into),
            b"update" => section.update = value.map(Into::into),
            _ => {}
        }
    }

    fn by_path(self) -> Gitmodules {
        let Self {
            mut by_name,
            owners,
        } = self;
        let of = |(path, name): (BString, BString)| {
            let section = by_name.remove(&name)?;
            let submodule = Submodule {
                name,
                path: path.clone(),
                url: section.url,
                branch: section.branch,
                update: section.update,
                is_shallow: section.is_shallow,
            };
            Some((path, submodule))
        };
        Gitmodules {
            by_path: owners.into_iter().filter_map(of).collect(),
        }
    }
}

/// What is no boolean recommends nothing.
fn is_true(value: &[u8]) -> bool {
    Boolean::try_from(value.as_bstr()).is_ok_and(|value| value.0)
}

/// Obtains what a partial clone lacks of several trees, all at once: the trees, then the files in them.
///
/// # Errors
/// Those of [`Objects::obtain`], and a tree that cannot be read.
pub fn obtain(objects: Objects<'_>, roots: &[ObjectId]) -> Result<()> {
    objects.obtain(roots)?;
    let mut files = Vec::new();
    for root in roots {
        let file = tree::entry_at(objects, *root, FILE.into())?;
        files.extend(file.filter(|(mode, _)| mode.is_blob()).map(|(_, id)| id));
    }
    objects.obtain(&files)
}

/// The file's text; empty for a tree without one.
fn text(objects: Objects<'_>, root: ObjectId) -> Result<Vec<u8>> {
    let Some((mode, id)) = tree::entry_at(objects, root, FILE.into())? else {
        return Ok(Vec::new());
    };
    if !mode.is_blob() {
        return Err(Error::repository(format!(
            "{FILE} is not a regular file, and git refuses it too"
        ))
        .hint(format!(
            "replace it by a file: git rm --cached {FILE} && git add {FILE}"
        )));
    }
    let mut buffer = Vec::new();
    let blob = objects
        .promised()
        .find_blob(&id, &mut buffer)
        .map_err(|err| Error::repository(format!("cannot read {FILE} (blob {id})")).because(err))?;
    if blob.data.len() > SIZE_LIMIT {
        return Err(Error::repository(format!(
            "{FILE} is larger than {SIZE_LIMIT} bytes"
        )));
    }
    Ok(blob.data.to_owned())
}

#[cfg(test)]
mod tests;
