//! Refs of the remote, moved by compare-and-swap.

use super::*;
use crate::{
    git::records::{
        local::held,
        remote::{Pushed, RefUpdate, Winner},
    },
    model::exit::Exit,
};

fn update(
    reference: &SharedRef,
    expected: Option<ObjectId>,
    new: Option<ObjectId>,
) -> RefUpdate<'_> {
    RefUpdate {
        reference,
        expected,
        new,
    }
}

#[test]
fn a_ref_moves_only_from_what_is_expected() {
    let shared = SharedRemote::new(1);
    let fleet = shared.clone(0);
    let remote = remote(&fleet);
    let reference = shared_ref("environment/prod");
    let [one, two] = ["one", "two"].map(|name| commit(&shared.path("clone0"), name));
    let push = |expected, new| remote.push(&[update(&reference, expected, new)]).unwrap();
    let lost = |commit| {
        let reference = reference.there().to_owned();
        Pushed::Lost {
            moved: 0,
            winner: Winner { reference, commit },
        }
    };

    assert_eq!(push(Some(one), Some(two)), lost(None));
    assert_eq!(push(None, Some(one)), Pushed::Taken);
    assert_eq!(push(None, Some(two)), lost(Some(one)));
    assert_eq!(push(Some(two), None), lost(Some(one)));
    assert_eq!(
        shared.there(&["rev-parse", reference.there()]),
        one.to_string()
    );
    // A server that accepted it and could not say so any more.
    assert_eq!(push(None, Some(one)), Pushed::Taken);
    assert_eq!(push(Some(one), Some(two)), Pushed::Taken);
    assert_eq!(push(Some(two), None), Pushed::Taken);
    assert_eq!(remote.ask(&[&reference]).unwrap(), [None]);
}

#[test]
fn one_question_brings_all_refs_and_touches_no_other() {
    let shared = SharedRemote::new(2);
    let (writer, reader) = (shared.clone(0), shared.clone(1));
    let refs = ["environment/a", "environment/b", "evidence"].map(shared_ref);
    let refs: Vec<_> = refs.iter().collect();
    let ids = ["a", "b"].map(|name| commit(&shared.path("clone0"), name));
    for (reference, id) in refs.iter().zip(ids) {
        let pushed = remote(&writer).push(&[update(reference, None, Some(id))]);
        assert_eq!(pushed.unwrap(), Pushed::Taken);
    }
    let all = ["for-each-ref", "--format=%(refname) %(objectname)"];
    let before = shared.git("clone1", &all);
    let want = [Some(ids[0]), Some(ids[1]), None];
    assert_eq!(remote(&reader).ask(&refs).unwrap(), want);
    assert_eq!(shared.git("clone1", &all), before);
    assert_eq!(remote(&reader).fetch(&refs).unwrap(), want);
    assert_eq!(held(&reader, refs[1]), Some(ids[1]));
    let mut now = shared.git("clone1", &all);
    for (reference, id) in refs.iter().zip(ids) {
        now = now.replace(&format!("{} {id}", reference.here()), "");
    }
    assert_eq!(
        now.split_whitespace().collect::<Vec<_>>(),
        before.split_whitespace().collect::<Vec<_>>()
    );
}

#[test]
fn several_refs_move_in_one_step_or_not_at_all() {
    let shared = SharedRemote::new(1);
    let fleet = shared.clone(0);
    let remote = remote(&fleet);
    let (record, lock) = (shared_ref("environment/a"), shared_ref("lock/a"));
    let [one, two, held] = ["1", "2", "lock"].map(|name| commit(&shared.path("clone0"), name));
    let both = |expected, new, lock_now| {
        let moves = [
            update(&record, expected, Some(new)),
            update(&lock, Some(lock_now), None),
        ];
        remote.push(&moves).unwrap()
    };
    let begin = remote.push(&[update(&lock, None, Some(held))]).unwrap();
    assert_eq!(begin, Pushed::Taken);
    let lost = both(None, one, two);
    assert!(matches!(lost, Pushed::Lost { moved: 0, .. }), "{lost:?}");
    assert_eq!(remote.ask(&[&record, &lock]).unwrap(), [None, Some(held)]);
    assert_eq!(both(None, one, held), Pushed::Taken);
    assert_eq!(remote.ask(&[&record, &lock]).unwrap(), [Some(one), None]);
}

#[test]
fn a_server_that_cannot_do_it_in_one_step_gets_them_in_order() {
    let shared = SharedRemote::new(1);
    shared.there(&["config", "receive.advertiseAtomic", "false"]);
    let fleet = shared.clone(0);
    let remote = remote(&fleet);
    let (record, lock) = (shared_ref("environment/a"), shared_ref("lock/a"));
    let [one, two, held] = ["1", "2", "lock"].map(|name| commit(&shared.path("clone0"), name));
    remote.push(&[update(&lock, None, Some(held))]).unwrap();
    let both = |expected, new, lock_now| {
        let moves = [
            update(&record, expected, Some(new)),
            update(&lock, Some(lock_now), None),
        ];
        remote.push(&moves).unwrap()
    };
    // Somebody else's record: the lock stays.
    let lost = both(Some(two), one, held);
    assert!(matches!(lost, Pushed::Lost { moved: 0, .. }), "{lost:?}");
    assert_eq!(remote.ask(&[&record, &lock]).unwrap(), [None, Some(held)]);
    assert_eq!(both(None, one, held), Pushed::Taken);
    assert_eq!(remote.ask(&[&record, &lock]).unwrap(), [Some(one), None]);
    // A lock that is somebody else's by now: the record is there, and the answer says so.
    let theirs = commit(&shared.path("clone0"), "theirs");
    remote.push(&[update(&lock, None, Some(theirs))]).unwrap();
    let lost = both(Some(one), two, held);
    assert!(matches!(lost, Pushed::Lost { moved: 1, .. }), "{lost:?}");
    let there = remote.ask(&[&record, &lock]).unwrap();
    assert_eq!(there, [Some(two), Some(theirs)]);
}

/// As servers of forges do that know branches and tags alone.
#[test]
fn a_server_that_accepts_only_branches_gets_branches() {
    let shared = SharedRemote::new(2);
    shared.hook(
        "update",
        "case $1 in refs/heads/*) ;; *) echo deny updating a hidden ref; exit 1;; esac",
    );
    let (writer, reader) = (shared.clone(0), shared.clone(1));
    let id = commit(&shared.path("clone0"), "x");
    let plain = shared_ref("environment/prod");
    let error = remote(&writer)
        .push(&[update(&plain, None, Some(id))])
        .unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);
    assert!(error.with_causes().contains("hidden ref"), "{error:?}");

    let branch = SharedRef::new("refs/heads/flota", plain.here().to_owned());
    let pushed = remote(&writer).push(&[update(&branch, None, Some(id))]);
    assert_eq!(pushed.unwrap(), Pushed::Taken);
    assert_eq!(remote(&reader).fetch(&[&branch]).unwrap(), [Some(id)]);
    let refs = shared.git("clone1", &["for-each-ref", "--format=%(refname)"]);
    assert!(refs.contains("refs/flota/environment/prod"), "{refs}");
    assert!(!refs.contains("refs/heads/flota"), "{refs}");
}
