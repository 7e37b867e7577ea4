//! Evidence: written at once, read by key.

use std::thread;

use super::*;
use crate::{
    git::records::evidence::{EvidenceFiles, read_evidence, reference, write_evidence},
    model::evidence_key::EvidenceKey,
};

fn key(number: usize) -> EvidenceKey {
    let content = format!("{:064x}", number + 0xab_cdef);
    EvidenceKey::new("image", &content, "scan").unwrap()
}

fn one(number: usize, text: &str) -> EvidenceFiles {
    [(key(number), text.as_bytes().to_owned())].into()
}

/// In these tests documents are newer the greater they are.
fn is_newer(one: &[u8], other: &[u8]) -> bool {
    other > one
}

#[test]
fn ten_writers_at_once_lose_nothing() {
    let shared = SharedRemote::new(10);
    let evidence = reference(PREFIX);
    thread::scope(|scope| {
        for number in 0..10 {
            let (shared, evidence) = (&shared, &evidence);
            scope.spawn(move || {
                let fleet = shared.clone(number);
                let mut found = one(number, "{\"at\":1}");
                found.extend(one(99, &format!("{number}")));
                let remote = remote(&fleet);
                write_evidence(&fleet, evidence, Some(&remote), &found, is_newer).unwrap();
            });
        }
    });
    let listed = shared.there(&["ls-tree", "-r", "--name-only", evidence.there()]);
    assert_eq!(listed.lines().count(), 11, "{listed}");
    let path = key(3).path();
    assert!(listed.lines().any(|line| line == path), "{listed}");
    // Of those about the same, the newest.
    let blob = format!("{}:{}", evidence.there(), key(99).path());
    assert_eq!(shared.there(&["cat-file", "-p", &blob]), "9");
    shared.there(&["fsck", "--strict"]);

    let fleet = shared.clone(0);
    remote(&fleet).fetch(&[&evidence]).unwrap();
    let keys: Vec<_> = [0, 9, 50].map(key).into();
    let read = read_evidence(&fleet, &evidence, &keys).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[&key(9)], b"{\"at\":1}");
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let shared = SharedRemote::new(1);
    let (fleet, evidence) = (shared.clone(0), reference(PREFIX));
    let write =
        |found: &EvidenceFiles| write_evidence(&fleet, &evidence, None, found, is_newer).unwrap();
    assert_eq!(write(&EvidenceFiles::new()), None);
    let first = write(&one(1, "2"));
    assert_eq!(write(&one(1, "2")), first);
    assert_eq!(write(&one(1, "1")), first, "older");
    assert_ne!(write(&one(1, "3")), first);
    let read = read_evidence(&fleet, &evidence, &[key(1)]).unwrap();
    assert_eq!(read, one(1, "3"));
    assert_eq!(shared.there(&["for-each-ref", "refs/flota"]), "");
}

#[test]
fn repositories_with_sha_256_hold_it_too() {
    let shared = SharedRemote::of_format(1, "sha256");
    let (fleet, evidence) = (shared.clone(0), reference(PREFIX));
    let remote = remote(&fleet);
    write_evidence(&fleet, &evidence, Some(&remote), &one(1, "x"), is_newer).unwrap();
    let blob = format!("{}:{}", evidence.there(), key(1).path());
    assert_eq!(shared.there(&["cat-file", "-p", &blob]), "x");
}

#[test]
fn something_else_in_its_place_is_named() {
    let shared = SharedRemote::new(1);
    let (fleet, evidence) = (shared.clone(0), reference(PREFIX));
    let path = key(1).path();
    let nested = EvidenceKey::new("image", &format!("{:064x}", 0xab_cdef + 1), "scan").unwrap();
    assert_eq!(nested.path(), path);
    fs::create_dir_all(shared.path("clone0").join(&path)).unwrap();
    fs::write(shared.path("clone0").join(&path).join("x"), "").unwrap();
    shared.git("clone0", &["add", "."]);
    shared.git("clone0", &["commit", "--quiet", "-m", "x"]);
    shared.git("clone0", &["update-ref", evidence.here(), "HEAD"]);
    let error = read_evidence(&fleet, &evidence, &[key(1)]).unwrap_err();
    assert!(error.to_string().contains(&path), "{error}");
}
