//! One error for many submodules, and what counts as a change.

use super::*;

#[test]
fn what_cannot_be_read_is_one_error_with_each_hint_once_and_not_too_many() {
    let unread = |path: &str, hints: &[&str]| Unread {
        path: path.into(),
        pin: ObjectId::null(gix::hash::Kind::Sha1),
        url: None,
        why: "because".into(),
        hints: hints.iter().map(ToString::to_string).collect(),
    };
    assert!(Unread::error(&[]).is_none());
    let hints = |unread: &[Unread]| Unread::error(unread).unwrap().hints().to_vec();
    let (one, other) = (unread("a", &["x", "y"]), unread("b", &["x", "z"]));
    assert_eq!(hints(std::slice::from_ref(&one)), ["x", "y"]);
    assert_eq!(hints(&[one, other]), ["x", "y", "z"]);
    let many: Vec<_> = (0..9)
        .map(|number| unread("a", &[&number.to_string()]))
        .collect();
    assert_eq!(hints(&many).len(), HINTS);
}

#[test]
fn a_part_that_comes_or_goes_or_differs_has_changed() {
    let one = Some(ObjectId::null(gix::hash::Kind::Sha1));
    let other = Some(ObjectId::empty_tree(gix::hash::Kind::Sha1));
    for (from, to, want) in [
        (None, None, false),
        (one, one, false),
        (one, other, true),
        (None, one, true),
        (one, None, true),
    ] {
        assert_eq!(Part { from, to }.changed(), want, "{from:?} {to:?}");
    }
}
