//! Properties that hold for every `.gitmodules`: the seeded tests assert it, and the fuzz targets (`tests/fuzz`).

use std::{collections::BTreeSet, path::PathBuf};

use bstr::ByteSlice;

use super::Gitmodules;
use crate::{git::config_file::ConfigFile, model::fleet::Submodule};

/// A submodule stands at its own path, what is read of it alone is the same, and what is written of it reads back. Says how many
/// submodules were read.
pub fn reading(text: &[u8]) -> usize {
    let Ok(whole) = Gitmodules::parse(text) else {
        assert!(Gitmodules::parse_at(text, &BTreeSet::new()).is_err());
        return 0;
    };
    for submodule in whole.iter() {
        let path = submodule.path.as_bstr();
        assert_eq!(whole.at(path), Some(submodule));
        let alone = Gitmodules::parse_at(text, &BTreeSet::from([path])).unwrap();
        assert_eq!(alone.at(path), Some(submodule), "{:?}", text.as_bstr());
        is_written_as_meant(submodule);
    }
    whole.iter().count()
}

/// What is written into a configuration is what is read from it, and nothing beside it (CVE-2023-29007).
fn is_written_as_meant(submodule: &Submodule) {
    let name = submodule.name.as_bstr();
    let mut file = ConfigFile::parse(PathBuf::new(), b"[core]\n\tbare = false\n").unwrap();
    let values = [
        ("path", Some(&submodule.path)),
        ("url", submodule.url.as_ref()),
        ("branch", submodule.branch.as_ref()),
    ];
    for (key, value) in values {
        let Some(value) = value else { continue };
        if file.set("submodule", Some(name), key, value).is_err() {
            return;
        }
    }
    let text = file.text();
    let read = Gitmodules::parse(&text).unwrap();
    assert_eq!(read.iter().count(), 1, "{:?}", text.as_bstr());
    let read = read.at(submodule.path.as_ref());
    let read = read.unwrap_or_else(|| panic!("{submodule:?} as {:?}", text.as_bstr()));
    assert_eq!(read.name, submodule.name);
    assert_eq!(read.url, submodule.url);
    assert_eq!(read.branch, submodule.branch);
}
