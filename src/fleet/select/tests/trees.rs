//! What SERVICE means in the trees of two commits.

use std::{collections::BTreeMap, ffi::OsString};

use gix::{
    ObjectId,
    objs::{Data, Find, Kind},
};

use super::Selector;
use crate::{
    git::{Database, Objects},
    model::exit::Exit,
};

/// Objects by their ids, and nothing else.
#[derive(Default)]
struct Store(BTreeMap<ObjectId, (Kind, Vec<u8>)>);

impl Database for Store {}

impl Find for Store {
    fn try_find<'b>(
        &self,
        id: &gix::oid,
        buffer: &'b mut Vec<u8>,
    ) -> gix::Result<Option<Data<'b>>> {
        Ok(self.0.get(id).map(|(kind, bytes)| {
            buffer.clone_from(bytes);
            Data::new(buffer, *kind, id.kind())
        }))
    }
}

impl Store {
    fn add(&mut self, kind: Kind, bytes: Vec<u8>) -> ObjectId {
        let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, &bytes).unwrap();
        self.0.insert(id, (kind, bytes));
        id
    }

    /// A tree with submodules at its top, each with path and name.
    fn tree(&mut self, submodules: &[(&str, &str)]) -> ObjectId {
        let section = |(path, name): &(&str, &str)| {
            format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = ../{name}\n")
        };
        let text: String = submodules.iter().map(section).collect();
        let modules = self.add(Kind::Blob, text.into_bytes());
        let mut tree = [b"100644 .gitmodules\0", modules.as_slice()].concat();
        for (path, _) in submodules {
            let pin = ObjectId::from_hex("1".repeat(40).as_bytes()).unwrap();
            tree.extend([format!("160000 {path}\0").as_bytes(), pin.as_slice()].concat());
        }
        self.add(Kind::Tree, tree)
    }
}

#[test]
fn a_word_means_what_is_at_head_and_only_else_what_was_at_base() {
    let mut store = Store::default();
    let base = store.tree(&[("gone", "old"), ("moved", "moving"), ("same", "same")]);
    let head = store.tree(&[("new", "new"), ("place", "moving"), ("same", "gone-name")]);
    let chosen = |words: &[&str], base, head| {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        Selector::from_root(&words).in_trees(Objects::new(&store), base, head)
    };
    for (word, want) in [
        ("same", &["same"][..]),
        ("new", &["new"]),
        // Whoever left is found where it was.
        ("gone", &["gone"]),
        ("old", &["gone"]),
        ("moved", &["moved"]),
        // A name at head counts before the same name at base.
        ("moving", &["place"]),
        // A glob is of both.
        ("*", &["gone", "moved", "new", "place", "same"]),
        ("mov*", &["moved", "place"]),
        // A submodule inside one.
        ("same/vendor/lib", &["same/vendor/lib"]),
        ("gone/lib", &["gone/lib"]),
    ] {
        let found = chosen(&[word], Some(base), Some(head)).unwrap().unwrap();
        assert!(found.iter().eq(want), "{word}: {found:?}");
    }
    let error = chosen(&["nobody"], Some(base), Some(head)).unwrap_err();
    assert_eq!(error.exit(), Exit::Misuse);
    assert!(chosen(&["gone"], None, Some(head)).is_err());
    let new = chosen(&["new"], None, Some(head)).unwrap().unwrap();
    assert!(new.iter().eq(["new"]));
    assert!(chosen(&[], Some(base), Some(head)).unwrap().is_none());

    let step = |path: &str| {
        let selector = Selector::of_steps([path.into()]);
        selector.in_trees(Objects::new(&store), Some(base), Some(head))
    };
    assert!(step("gone").unwrap().unwrap().iter().eq(["gone"]));
    assert!(step("moving").is_err(), "a name is not a path");
}
