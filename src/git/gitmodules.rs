//! `.gitmodules` as a commit has it (gitmodules(5)): names and URLs, nothing else. Whether a submodule exists, and where
//! its pin is, only the tree says.

use std::collections::BTreeMap;

use bstr::{BStr, BString};
use gix::{ObjectId, objs::FindExt};

use super::{Objects, tree};
use crate::model::{
    error::{Error, Result},
    fleet::Submodule,
};

/// Where git looks for it.
pub const FILE: &str = ".gitmodules";

/// A fleet of 100,000 services has one of about 15 MB; what is larger is no list of submodules.
const SIZE_LIMIT: usize = 64 << 20;

/// The submodules one commit lists, by path.
#[derive(Debug, Default)]
pub struct Gitmodules {
    by_path: BTreeMap<BString, Submodule>,
}

impl Gitmodules {
    /// Reads the file from a tree; a tree without one lists nothing.
    pub fn of_tree(objects: Objects<'_>, root: ObjectId) -> Result<Self> {
        let Some((mode, id)) = tree::entry_at(objects, root, FILE.into())? else {
            return Ok(Self::default());
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
        let blob = objects.find_blob(&id, &mut buffer).map_err(|err| {
            Error::repository(format!("cannot read {FILE} (blob {id})")).because(err)
        })?;
        if blob.data.len() > SIZE_LIMIT {
            return Err(Error::repository(format!(
                "{FILE} is larger than {SIZE_LIMIT} bytes"
            )));
        }
        Self::parse(blob.data)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_become_submodules() {
        let read = Gitmodules::parse(
            b"[submodule \"api name\"]\n\tpath = code-repos/api\n\turl = ../api.git\n\tignore = all\n\
              [core]\n\tfsmonitor = evil\n[submodule \"nowhere\"]\n\turl = x\n",
        )
        .unwrap();
        let found: Vec<_> = read.iter().cloned().collect();
        let want = Submodule {
            name: "api name".into(),
            path: "code-repos/api".into(),
            url: Some("../api.git".into()),
        };
        assert_eq!(found, [want]);
    }

    #[test]
    fn a_broken_file_is_an_error() {
        let err = Gitmodules::parse(b"[submodule \"a\npath = x\n").unwrap_err();
        assert!(err.to_string().contains(".gitmodules"));
    }
}
