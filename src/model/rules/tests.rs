use super::*;

fn oid(n: u8) -> Option<ObjectId> {
    Some(ObjectId::from_bytes_or_panic(&[n; 20]))
}

fn content(code: u8, config: u8, other: u8) -> Content {
    let part = |n| (n != 0).then(|| oid(n)).flatten();
    Content {
        code: part(code),
        config: part(config),
        other: part(other),
        environments: None,
    }
}

fn pinned(pin: u8, code: u8, config: u8, other: u8) -> Side {
    Side::Pinned(oid(pin).unwrap(), content(code, config, other))
}

fn outcome(base: Old, head: Side, moved: bool, url_changed: bool) -> (ChangeKind, Action, Reason) {
    let evidence = Evidence {
        base,
        head,
        moved,
        url_changed,
        other_action: Action::Chart,
    };
    let Decision {
        change,
        action,
        reason,
    } = decide(&evidence);
    (change, action, reason)
}

#[test]
fn the_table_of_rules() {
    use {Action as A, ChangeKind as C, Reason as R};
    let gone = Old::Unavailable(oid(1).unwrap());
    let directory = Side::Directory(content(1, 1, 1));
    let one = pinned(1, 1, 1, 1);
    for (base, head, moved, url, want) in [
        (
            Old::Known(Side::Absent),
            one,
            false,
            false,
            (C::Added, A::Image, R::Added),
        ),
        (
            Old::Known(Side::Absent),
            pinned(1, 0, 1, 0),
            false,
            false,
            (C::Added, A::Chart, R::Added),
        ),
        (
            Old::Known(Side::Absent),
            pinned(1, 0, 0, 1),
            false,
            false,
            (C::Added, A::None, R::Plain),
        ),
        (
            Old::Known(one),
            Side::Absent,
            false,
            false,
            (C::Removed, A::Retire, R::Removed),
        ),
        (
            gone,
            Side::Absent,
            false,
            false,
            (C::Removed, A::Retire, R::Removed),
        ),
        (
            Old::Known(pinned(1, 0, 0, 1)),
            Side::Absent,
            false,
            false,
            (C::Removed, A::None, R::Plain),
        ),
        (
            Old::Known(one),
            pinned(2, 2, 1, 1),
            false,
            false,
            (C::Code, A::Image, R::CodeChanged),
        ),
        (
            Old::Known(one),
            pinned(2, 2, 2, 1),
            false,
            false,
            (C::Code, A::Image, R::CodeAndConfigChanged),
        ),
        (
            Old::Known(one),
            pinned(2, 0, 2, 1),
            false,
            false,
            (C::Code, A::Chart, R::CodeAndConfigChanged),
        ),
        (
            Old::Known(one),
            pinned(2, 0, 1, 1),
            false,
            false,
            (C::Code, A::None, R::CodeChanged),
        ),
        (
            Old::Known(one),
            pinned(2, 1, 2, 2),
            false,
            false,
            (C::Config, A::Chart, R::ConfigChanged),
        ),
        (
            Old::Known(one),
            pinned(2, 1, 0, 1),
            false,
            false,
            (C::Config, A::None, R::ConfigChanged),
        ),
        (
            Old::Known(one),
            pinned(2, 1, 1, 2),
            false,
            false,
            (C::Other, A::Chart, R::OtherPaths),
        ),
        (
            Old::Known(pinned(1, 0, 0, 1)),
            pinned(2, 0, 0, 2),
            false,
            false,
            (C::Other, A::None, R::Plain),
        ),
        (
            Old::Known(one),
            pinned(2, 1, 1, 1),
            false,
            false,
            (C::PointerOnly, A::None, R::SameContent),
        ),
        (
            Old::Known(one),
            one,
            true,
            false,
            (C::Renamed, A::None, R::Renamed),
        ),
        (
            Old::Known(one),
            pinned(2, 2, 1, 1),
            true,
            false,
            (C::Code, A::Image, R::CodeChanged),
        ),
        (
            Old::Known(one),
            one,
            false,
            true,
            (C::UrlChanged, A::None, R::UrlChanged),
        ),
        (
            Old::Known(directory),
            one,
            false,
            false,
            (C::Extracted, A::None, R::SameContent),
        ),
        (
            Old::Known(one),
            directory,
            false,
            false,
            (C::FoldedIn, A::None, R::SameContent),
        ),
        (
            Old::Known(directory),
            pinned(1, 2, 1, 1),
            false,
            false,
            (C::Code, A::Image, R::CodeChanged),
        ),
        (
            gone,
            pinned(2, 1, 1, 1),
            false,
            false,
            (C::Code, A::Image, R::BaseUnavailable),
        ),
        (
            gone,
            pinned(2, 0, 1, 1),
            false,
            false,
            (C::Config, A::Chart, R::BaseUnavailable),
        ),
        (
            Old::Known(one),
            one,
            false,
            false,
            (C::Unchanged, A::None, R::SameContent),
        ),
    ] {
        assert_eq!(
            outcome(base, head, moved, url),
            want,
            "{base:?} -> {head:?}"
        );
    }
}

#[test]
fn a_commit_that_cannot_be_had_is_still_the_pin() {
    let pin = oid(1).unwrap();
    assert_eq!(Old::Unavailable(pin).pin(), Some(pin));
    assert_eq!(Old::Known(pinned(1, 2, 3, 4)).pin(), Some(pin));
    assert_eq!(Old::Known(Side::Absent).pin(), None);
    assert_eq!(Old::Known(Side::Directory(content(1, 1, 1))).pin(), None);
}

#[test]
fn values_of_environments_alone_are_nothing_to_build() {
    use {Action as A, ChangeKind as C, Reason as R};
    let with = |mut content: Content, n| {
        content.environments = oid(n);
        Side::Pinned(oid(n).unwrap(), content)
    };
    for (old, new, want) in [
        (
            content(1, 1, 1),
            content(1, 1, 1),
            (C::Other, A::None, R::EnvironmentValues),
        ),
        (
            content(0, 0, 1),
            content(0, 0, 1),
            (C::Other, A::None, R::Plain),
        ),
        (
            content(1, 1, 1),
            content(1, 1, 2),
            (C::Other, A::Chart, R::OtherPaths),
        ),
        (
            content(1, 1, 1),
            content(1, 2, 1),
            (C::Config, A::Chart, R::ConfigChanged),
        ),
    ] {
        assert_eq!(
            outcome(Old::Known(with(old, 1)), with(new, 2), false, false),
            want
        );
    }
}
