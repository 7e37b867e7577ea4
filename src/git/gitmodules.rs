//! `.gitmodules` as a commit has it (gitmodules(5)): names and URLs, nothing else. Whether a submodule exists, and where
//! its pin is, only the tree says.

#[cfg(any(test, fuzzing))]
pub mod properties;

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, config::Boolean, objs::FindExt};

use super::{objects::Objects, tree};
use crate::model::{
    error::{Error, Result},
    fleet::Submodule,
};

/// Where git looks for it.
pub const FILE: &str = ".gitmodules";

/// A fleet of 100,000 services has one of about 15 MB; what is larger is no list of submodules.
const SIZE_LIMIT: usize = 64 << 20;

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

    /// Reads what it says of the submodules at `paths`, and maybe of some others. Of ten thousand sections a few are
    /// wanted as a rule; the others are not looked at, so that a fault in one of them goes unnoticed.
    pub fn at_paths(objects: Objects<'_>, root: ObjectId, paths: &BTreeSet<&BStr>) -> Result<Self> {
        if paths.is_empty() {
            return Ok(Self::default());
        }
        let text = text(objects, root)?;
        let wanted: Vec<_> = sections(&text)
            .filter(|section| may_name(section, paths))
            .collect();
        Self::parse(&wanted.concat())
    }

    /// Whether a tree has the file.
    pub fn is_in(objects: Objects<'_>, root: ObjectId) -> Result<bool> {
        Ok(tree::entry_at(objects, root, FILE.into())?.is_some())
    }

    /// Reads the text. Of two sections for one path the first counts, as for git.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let metadata = gix::config::file::Metadata::api();
        let file = gix::config::File::from_bytes_no_includes(text, metadata, Default::default())
            .map_err(|err| {
                Error::repository(format!("{FILE} cannot be read"))
                    .because(err)
                    .hint(format!(
                        "git names the line: git config --file {FILE} --list"
                    ))
            })?;
        let mut by_path = BTreeMap::new();
        for section in file.sections_by_name("submodule").into_iter().flatten() {
            let (Some(name), Some(path)) =
                (section.header().subsection_name(), section.value("path"))
            else {
                continue;
            };
            by_path.entry(path.clone()).or_insert_with(|| Submodule {
                name: name.to_owned(),
                url: section.value("url"),
                branch: section.value("branch"),
                update: section.value("update"),
                is_shallow: section.value("shallow").is_some_and(is_true),
                path,
            });
        }
        Ok(Self { by_path })
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

/// What is no boolean recommends nothing.
fn is_true(value: BString) -> bool {
    Boolean::try_from(value.as_bstr()).is_ok_and(|value| value.0)
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
        .find_blob(&id, &mut buffer)
        .map_err(|err| Error::repository(format!("cannot read {FILE} (blob {id})")).because(err))?;
    if blob.data.len() > SIZE_LIMIT {
        return Err(Error::repository(format!(
            "{FILE} is larger than {SIZE_LIMIT} bytes"
        )));
    }
    Ok(blob.data.to_owned())
}

/// Cuts a configuration before each line that begins a section. A line that continues the one before it does not.
pub(super) fn sections(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let next = |from: usize| Some(from + rest[from..].find_byte(b'[')?);
        let brackets = std::iter::successors(next(0), |at| next(at + 1));
        let mut lines = brackets.map(|at| line_of(rest, at));
        let end = lines.find(|at| *at > 0 && begins_a_section(rest, *at));
        let (section, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!section.is_empty()).then_some(section)
    })
}

/// Where the line begins that has a byte at `at`.
fn line_of(text: &[u8], at: usize) -> usize {
    text[..at]
        .rfind_byte(b'\n')
        .map_or(0, |newline| newline + 1)
}

/// Whether a section begins with the line that begins at `at`.
fn begins_a_section(text: &[u8], at: usize) -> bool {
    let (before, line) = text.split_at(at);
    let continued = before.ends_with(b"\\\n") || before.ends_with(b"\\\r\n");
    !continued && line.trim_ascii_start().starts_with(b"[")
}

/// Whether a section, as [`sections`] cuts them, begins with a line `[submodule "NAME"]` and nothing besides.
pub(super) fn is_a_submodule(section: &[u8]) -> bool {
    let header = section.lines().next().unwrap_or_default().trim_ascii();
    let name = header
        .strip_prefix(b"[submodule \"")
        .and_then(|rest| rest.strip_suffix(b"\"]"));
    name.is_some_and(|name| !name.contains(&b'"'))
}

/// Whether a value of the section may be one of `paths`: it is, or it is written in a way that only the parser reads.
fn may_name(section: &[u8], paths: &BTreeSet<&BStr>) -> bool {
    if !is_a_submodule(section) || section.contains(&b'\\') {
        return true;
    }
    section.lines().any(|line| {
        let Some((key, value)) = line.split_once_str("=") else {
            return false;
        };
        // Not the whole of it: the parser lets a key without a value stand before another, where git refuses the file.
        let is_path = key
            .trim_ascii_end()
            .last_chunk()
            .is_some_and(|last: &[u8; 4]| last.eq_ignore_ascii_case(b"path"));
        // Of a form feed the parser says whether it is a blank.
        let special = |byte: &u8| matches!(byte, b'"' | b'#' | b';' | b'\x0c');
        is_path && (paths.contains(value.trim_ascii().as_bstr()) || value.iter().any(special))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::random;

    #[test]
    fn sections_become_submodules() {
        let read = Gitmodules::parse(
            b"[submodule \"api name\"]\n\tpath = code-repos/api\n\turl = ../api.git\n\tignore = all\n\tshallow = yes\n\
              [core]\n\tfsmonitor = evil\n[submodule \"nowhere\"]\n\turl = x\n",
        )
        .unwrap();
        let found: Vec<_> = read.iter().cloned().collect();
        let want = Submodule {
            name: "api name".into(),
            path: "code-repos/api".into(),
            url: Some("../api.git".into()),
            branch: None,
            update: None,
            is_shallow: true,
        };
        assert_eq!(found, [want]);
    }

    #[test]
    fn a_part_reads_as_the_whole_does() {
        let text: &[u8] = b"[core]\n[submodule \"a=b\"]\n\tpath = x/a\r\n\turl = 1\n\
            [submodule \"c\"] path=x/c # it is\n[submodule \"d\"]\n path = \"x/d\"\n\
            [submodule \"e\"]\n url = 2\\\n[submodule \"f\"]\n path = x/e\n[submodule \"g\"]\n path = x/a\n\
            \t [submodule \"h\"]\n url = 3\n path = x/h";
        let whole = Gitmodules::parse(text).unwrap();
        assert_eq!(whole.by_path.len(), 5);
        for path in whole.by_path.keys() {
            let wanted = BTreeSet::from([path.as_bstr()]);
            let part = sections(text).filter(|section| may_name(section, &wanted));
            let part = Gitmodules::parse(&part.collect::<Vec<_>>().concat()).unwrap();
            assert_eq!(part.at(path.as_ref()), whole.at(path.as_ref()), "{path}");
        }
        let nothing = BTreeSet::from(["x".into()]);
        let plain: &[u8] = b"[submodule \"a\"]\n\tpath = x/a\n";
        assert!(!may_name(plain, &nothing));
        // What the parser alone reads: a value beside the header, one over two lines, a key in capitals.
        for text in [
            &b"[submodule \"a\"] path = x/a]\n"[..],
            b"[submodule \"a\"] path = \"x/a\"]\n",
            b"[submodule \"a\"]\n\turl = 1\\\n\tpath = x\n\tpath = x/a\\\n]\n",
            b"[submodule \"a\"]\r\n\tPATH=x/a]\r\n",
            b"[submodule \"a\"]\n\tpath = \x0cx/a]\n",
            b"[submodule \"a\"]\n\turl path = x/a]\n",
        ] {
            let whole = Gitmodules::parse(text).unwrap();
            let path = whole.by_path.keys().next().unwrap();
            assert!(path.ends_with(b"x/a]"), "{path}");
            assert!(may_name(text, &BTreeSet::from([path.as_bstr()])), "{path}");
        }
        assert_eq!(sections(text).collect::<Vec<_>>().concat(), text);
    }

    /// Pieces of configuration, put together at random, the same in every run.
    #[test]
    fn no_text_is_read_in_two_ways() {
        const PIECES: [&[u8]; 26] = [
            b"[submodule \"a\"]",
            b"[submodule \"b\"]",
            b"[submodule",
            b"\"]",
            b"[core]",
            b"\n",
            b"\n",
            b"\n\t",
            b"path = x",
            b"path=x/y",
            b"path = \"x\"",
            b"url = ../a",
            b"update = none",
            b"\\\n",
            b"\\",
            b"#",
            b";",
            b"\r\n",
            b" ",
            b"=",
            b"\0",
            b"\xff",
            b"\x0c",
            b"path",
            b"bare ",
            b"[include]\n\tpath = /etc/passwd",
        ];
        let mut read = 0;
        for text in random::texts(&PIECES, 14).take(50_000) {
            read += properties::reading(&text);
        }
        assert!(read > 100, "{read}");
    }

    #[test]
    fn a_broken_file_is_an_error() {
        let err = Gitmodules::parse(b"[submodule \"a\npath = x\n").unwrap_err();
        assert!(err.to_string().contains(".gitmodules"));
    }
}
