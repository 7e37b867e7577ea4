//! The words that the user typed for services, and what each of them means.
//!
//! A word is read in this order, and the first reading that fits counts: a path from the working directory; a path from the fleet's
//! root; a name, which is the last component of the path or the submodule's name in `.gitmodules`; a glob over path and name.
//! All of it is bytes: a name needs not be UTF-8.

use std::{
    ffi::OsStr,
    path::{Component, Path},
};

use bstr::{BStr, BString, ByteSlice};
use globset::{Candidate, GlobBuilder};

use crate::model::{
    error::{Error, Result},
    fleet::{Submodule, service_name},
    nearest::nearest,
};

/// A submodule, by all that a word may call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called<'a> {
    /// From the fleet's root.
    pub path: &'a BStr,
    /// Its name in `.gitmodules`; its path where that lists it not.
    pub name: &'a BStr,
}

impl<'a> Called<'a> {
    /// `listed` is what `.gitmodules` says of it.
    pub(super) fn new(path: &'a BString, listed: Option<&'a Submodule>) -> Self {
        let path = path.as_bstr();
        Self {
            path,
            name: listed.map_or(path, |listed| listed.name.as_ref()),
        }
    }

    fn is(&self, name: &BStr) -> bool {
        service_name(self.path) == name || self.name == name
    }
}

/// One argument, with what it may stand for.
#[derive(Clone, Debug)]
pub(super) struct Word {
    typed: BString,
    /// As a path from the working directory: relative to the fleet's root. None when it leads out of the fleet.
    here: Option<BString>,
    /// As a path from the fleet's root; none when it says that it begins elsewhere (`./x`, `../x`, `/x`).
    root: Option<BString>,
    /// As a glob; none when it is not text.
    glob: Option<String>,
}

impl Word {
    /// `root` is the fleet's folder, and `from` the working directory in it; none when that is elsewhere.
    pub(super) fn new(typed: &OsStr, root: Option<&Path>, from: Option<&BStr>) -> Self {
        let text = BStr::new(typed.as_encoded_bytes());
        let path = Path::new(typed);
        let here = match (path.is_absolute(), from) {
            (true, _) => root
                .and_then(|root| path.strip_prefix(root).ok())
                .and_then(|rest| joined(BStr::new(""), rest)),
            (false, Some(from)) => joined(from, path),
            (false, None) => None,
        };
        let first = path.components().next();
        let is_plain = matches!(first, Some(Component::Normal(_)));
        let glob = match is_plain {
            true => without_slash(text).to_str().ok().map(ToOwned::to_owned),
            false => from.and_then(|from| {
                let from = globset::escape(from.to_str().ok()?);
                joined(from.as_bytes().into(), path)?.to_string().into()
            }),
        };
        Self {
            typed: text.to_owned(),
            here,
            root: is_plain.then(|| joined(BStr::new(""), path)).flatten(),
            glob,
        }
    }

    /// The one of `known` that it is the path of, else the name; none when it is neither.
    ///
    /// # Errors
    /// Misuse: it is a name that several have.
    pub(super) fn literal(&self, known: &[Called<'_>]) -> Result<Option<usize>> {
        let at = |path: &Option<BString>| {
            let path = path.as_ref()?;
            known.iter().position(|one| one.path == path)
        };
        if let Some(index) = at(&self.here).or_else(|| at(&self.root)) {
            return Ok(Some(index));
        }
        let name = without_slash(self.typed.as_ref());
        let named = |(index, one): (usize, &Called<'_>)| one.is(name).then_some(index);
        let named: Vec<_> = known.iter().enumerate().filter_map(named).collect();
        match named[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(ambiguous(
                name,
                named.iter().map(|index| known[*index].path),
            )),
        }
    }

    /// Those of `known` that it matches as a glob.
    ///
    /// # Errors
    /// Misuse: it is not a valid glob.
    pub(super) fn matching(&self, known: &[Called<'_>]) -> Result<Vec<usize>> {
        let Some(pattern) = &self.glob else {
            return Ok(Vec::new());
        };
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        let glob = glob.map_err(|err| {
            let message = format!("`{}` is not a service, and not a valid pattern", self.typed);
            Error::misuse(message).because(err)
        })?;
        let glob = glob.compile_matcher();
        let fits = |text: &BStr| glob.is_match_candidate(&Candidate::from_bytes(text));
        let matches = |one: &Called<'_>| {
            // What begins with `./` is a path and no name.
            let is_called = || fits(service_name(one.path)) || fits(one.name);
            fits(one.path) || (self.root.is_some() && is_called())
        };
        let all = known.iter().enumerate();
        Ok(all
            .filter_map(|(index, one)| matches(one).then_some(index))
            .collect())
    }

    /// The path that it is, and that lies inside one of `known`.
    pub(super) fn inside(&self, known: &[Called<'_>]) -> Option<&BString> {
        let paths = self.here.iter().chain(&self.root);
        let is_inside = |path: &&BString| known.iter().any(|one| lies_in(path.as_ref(), one.path));
        paths.into_iter().find(is_inside)
    }

    /// Whether it means the repository itself, which is a service called `name`.
    ///
    /// # Errors
    /// As for [`Word::matching`].
    pub(super) fn is_whole(&self, name: &BStr) -> Result<bool> {
        let is_root = self.typed == "." || self.here.as_ref().is_some_and(|path| path.is_empty());
        let own = [Called { path: name, name }];
        Ok(is_root || self.literal(&own)?.is_some() || !self.matching(&own)?.is_empty())
    }

    /// That none of `known` is meant.
    pub(super) fn unknown(&self, known: &[Called<'_>]) -> Error {
        let error = Error::misuse(format!("the fleet has no service `{}`", self.typed));
        let holds = |folder: &&BString| known.iter().any(|one| lies_in(one.path, folder.as_ref()));
        let folder = self.here.iter().chain(&self.root).find(holds);
        if let Some(folder) = folder.filter(|folder| !folder.is_empty()) {
            return error.hint(format!("name the services in it: '{folder}/*'"));
        }
        let typed = self.typed.to_str_lossy();
        let texts = known
            .iter()
            .flat_map(|one| [service_name(one.path), one.name, one.path]);
        let texts: Vec<_> = texts.map(|text| text.to_str_lossy()).collect();
        match nearest(&typed, texts.iter().map(AsRef::<str>::as_ref)) {
            Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
            None => error.hint("list them: flota plan --all"),
        }
    }

    /// What was typed.
    pub(super) fn typed(&self) -> &BStr {
        self.typed.as_ref()
    }
}

/// A shell's completion of a folder ends with one.
fn without_slash(text: &BStr) -> &BStr {
    text.trim_end_with(|letter| letter == '/').as_bstr()
}

fn ambiguous<'a>(name: &BStr, paths: impl Iterator<Item = &'a BStr>) -> Error {
    let paths: Vec<_> = paths.map(|path| format!("`{path}`")).collect();
    Error::misuse(format!(
        "{} services are called `{name}`: {}",
        paths.len(),
        paths.join(", ")
    ))
    .hint("name one of them by its path")
}

/// Whether `path` lies below `above`; the empty path is the fleet's root, and all lie below that.
pub(super) fn lies_in(path: &BStr, above: &BStr) -> bool {
    if above.is_empty() {
        return !path.is_empty();
    }
    let rest = path.strip_prefix(above.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"/") && rest.len() > 1)
}

/// `path` as seen from `from`, without `.` and `..`; none where it leads out of the fleet.
fn joined(from: &BStr, path: &Path) -> Option<BString> {
    let mut parts: Vec<&[u8]> = from
        .split_str("/")
        .filter(|part| !part.is_empty())
        .collect();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.as_encoded_bytes()),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(bstr::join("/", parts).into())
}
