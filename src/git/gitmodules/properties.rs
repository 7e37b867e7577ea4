//! Properties that hold for every `.gitmodules`: the seeded tests assert it, and the fuzz targets (`tests/fuzz`).

use std::{collections::BTreeSet, path::PathBuf};

use bstr::ByteSlice;

use super::{Gitmodules, may_name, sections};
use crate::{git::config_file::ConfigFile, model::fleet::Submodule};

/// A part reads as the whole does, and what is written of a submodule reads back. Says how many submodules were read.
pub fn reading(text: &[u8]) -> usize {
    assert_eq!(sections(text).collect::<Vec<_>>().concat(), text);
    let Ok(whole) = Gitmodules::parse(text) else {
        return 0;
    };
    for submodule in whole.iter() {
        let path = submodule.path.as_bstr();
        let wanted = BTreeSet::from([path]);
        let part = sections(text).filter(|section| may_name(section, &wanted));
        let part = Gitmodules::parse(&part.collect::<Vec<_>>().concat()).unwrap();
        assert_eq!(part.at(path), Some(submodule), "{:?}", text.as_bstr());
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
    assert_eq!(sections(&text).count(), 2, "{:?}", text.as_bstr());
    let read = Gitmodules::parse(&text).unwrap();
    let read = read.at(submodule.path.as_ref());
    let read = read.unwrap_or_else(|| panic!("{submodule:?} as {:?}", text.as_bstr()));
    assert_eq!(read.name, submodule.name);
    assert_eq!(read.url, submodule.url);
    assert_eq!(read.branch, submodule.branch);
}
