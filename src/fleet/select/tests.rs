//! Every form of SERVICE, one row each.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;

use super::{
    Choice, Selector, by_paths, by_words,
    words::{Called, Word, lies_in},
};
use crate::{
    git::{
        index::{Conflicted, Pins},
        vet::Link,
    },
    model::{error::Result, exit::Exit},
};

mod trees;

/// Path and name of every submodule. `web` is a path of one and the name of another.
const FLEET: [(&str, &str); 8] = [
    ("a/api", "a/api"),
    ("b/api", "b/api"),
    ("repos/deep/worker", "repos/deep/worker"),
    ("repos/docs", "handbook"),
    ("repos/web", "repos/web"),
    ("repos/web-admin", "repos/web-admin"),
    ("repos/x[1]", "repos/x[1]"),
    ("web", "front"),
];

/// What `typed` means to somebody in the folder `from` of the fleet at `/fleet`.
fn meant(from: Option<&str>, typed: &[u8], fleet: &[(BString, BString)]) -> Result<Vec<BString>> {
    let known: Vec<_> = fleet
        .iter()
        .map(|(path, name)| Called {
            path: path.as_ref(),
            name: name.as_ref(),
        })
        .collect();
    let typed = OsStr::from_bytes(typed);
    let word = Word::new(typed, Some(Path::new("/fleet")), from.map(BStr::new));
    let chosen = by_words(&[word], &known)?;
    Ok(chosen
        .into_iter()
        .map(|index| known[index].path.to_owned())
        .collect())
}

fn fleet() -> Vec<(BString, BString)> {
    FLEET.map(|(path, name)| (path.into(), name.into())).into()
}

#[test]
fn a_word_is_a_path_from_here_then_from_the_root_then_a_name_then_a_glob() {
    for (from, typed, want) in [
        // A path from the working directory, which is the root here.
        ("", "repos/web", "repos/web"),
        ("", "./repos/web", "repos/web"),
        ("", "repos/web/", "repos/web"),
        ("", "repos//web", "repos/web"),
        ("", "repos/../a/api", "a/api"),
        ("", "/fleet/repos/web", "repos/web"),
        ("", "web", "web"),
        // In a folder of the fleet the same word is another path.
        ("repos", "web", "repos/web"),
        ("repos", "./web/", "repos/web"),
        ("repos", "../web", "web"),
        ("repos", "../a/api", "a/api"),
        ("repos/deep", "../web", "repos/web"),
        ("repos/deep", "worker", "repos/deep/worker"),
        // In the empty folder of a service that is not initialised.
        ("repos/web", ".", "repos/web"),
        ("repos/web", "..", ""),
        ("repos/web", "../web-admin", "repos/web-admin"),
        // A path from the root.
        ("repos", "a/api", "a/api"),
        ("repos", "repos/web", "repos/web"),
        ("a", "web", "web"),
        // A name: of the folder, or of the submodule.
        ("", "worker", "repos/deep/worker"),
        ("a", "worker/", "repos/deep/worker"),
        ("", "handbook", "repos/docs"),
        ("", "front", "web"),
        ("a", "web-admin", "repos/web-admin"),
        // A glob over path and name, in which `*` ends at `/`.
        (
            "",
            "repos/*",
            "repos/docs repos/web repos/web-admin repos/x[1]",
        ),
        (
            "",
            "repos/**",
            "repos/deep/worker repos/docs repos/web repos/web-admin repos/x[1]",
        ),
        ("", "repos*", ""),
        ("", "w*", "repos/deep/worker repos/web repos/web-admin web"),
        ("", "*api", "a/api b/api"),
        ("", "?/api", "a/api b/api"),
        ("", "{a,b}/api", "a/api b/api"),
        ("", "hand*", "repos/docs"),
        ("a", "repos/w*", "repos/web repos/web-admin"),
        ("repos", "./w*", "repos/web repos/web-admin"),
        ("repos", "../a/*", "a/api"),
        ("repos", "./api*", ""),
        // What looks like a glob and is there is what it is.
        ("", "x[1]", "repos/x[1]"),
        ("", "repos/x[1]", "repos/x[1]"),
        // Nothing.
        ("", "wbe", ""),
        ("", ".", ""),
        ("", "", ""),
        ("", "repos", ""),
        ("", "../web", ""),
        ("", "/web", ""),
        ("repos", "./api", ""),
        ("", "repos/web/code", ""),
    ] {
        let found = meant(Some(from), typed.as_bytes(), &fleet());
        match (found, want) {
            (Err(error), "") => assert_eq!(error.exit(), Exit::Misuse, "{from} {typed}"),
            (found, want) => {
                let found = found.unwrap_or_else(|error| panic!("{from} {typed}: {error}"));
                assert_eq!(bstr::join(" ", found).as_bstr(), want, "{from} {typed}");
            }
        }
    }
}

#[test]
fn who_stands_elsewhere_names_from_the_root() {
    let found = meant(None, b"repos/web", &fleet()).unwrap();
    assert_eq!(found, ["repos/web"]);
    assert!(meant(None, b"./repos/web", &fleet()).is_err());
    let absolute = meant(None, b"/fleet/repos/web", &fleet()).unwrap();
    assert_eq!(absolute, ["repos/web"]);
}

#[test]
fn a_name_that_two_share_is_an_error_with_both_paths() {
    let error = meant(Some(""), b"api", &fleet()).unwrap_err();
    assert_eq!(error.exit(), Exit::Misuse);
    assert_eq!(
        error.to_string(),
        "2 services are called `api`: `a/api`, `b/api`"
    );
    // One's folder and another's name are shared, too.
    let mut shared = fleet();
    shared.push(("c/handbook".into(), "c/handbook".into()));
    let error = meant(Some(""), b"handbook", &shared).unwrap_err();
    assert!(
        error.to_string().contains("`repos/docs`, `c/handbook`"),
        "{error}"
    );
}

#[test]
fn what_nobody_is_called_is_an_error_with_the_nearest() {
    for (typed, hint) in [
        ("wbe", "did you mean `web`?"),
        ("repos/wbe", "did you mean `repos/web`?"),
        ("handbok", "did you mean `handbook`?"),
        ("repos", "name the services in it: 'repos/*'"),
        ("something-else", "list them: flota plan --all"),
    ] {
        let error = meant(Some(""), typed.as_bytes(), &fleet()).unwrap_err();
        assert_eq!(error.exit(), Exit::Misuse, "{typed}");
        assert_eq!(
            error.to_string(),
            format!("the fleet has no service `{typed}`")
        );
        assert_eq!(error.hints(), [hint], "{typed}");
    }
    let error = meant(Some(""), b"[", &fleet()).unwrap_err();
    assert_eq!(error.exit(), Exit::Misuse);
    assert!(error.to_string().contains("not a valid pattern"), "{error}");
}

#[test]
fn paths_and_names_are_bytes() {
    let mut fleet = fleet();
    fleet.push((b"repos/caf\xe9".into(), b"repos/caf\xe9".into()));
    for (typed, want) in [
        (b"repos/caf\xe9".as_slice(), b"repos/caf\xe9".as_slice()),
        (b"caf\xe9", b"repos/caf\xe9"),
        (b"caf?", b"repos/caf\xe9"),
        (b"repos/c*", b"repos/caf\xe9"),
    ] {
        let found = meant(Some(""), typed, &fleet).unwrap();
        assert_eq!(found, [want], "{}", typed.as_bstr());
    }
    assert!(meant(Some(""), b"caf\xe8", &fleet).is_err());
    let here = meant(Some("repos"), b"./caf\xe9", &fleet).unwrap();
    assert_eq!(here, [b"repos/caf\xe9".as_slice()]);
}

#[test]
fn a_repository_that_is_a_service_is_called_by_its_name_or_where_it_is() {
    for (typed, is_it) in [
        ("api", true),
        ("api/", true),
        ("a*", true),
        (".", true),
        ("./", true),
        ("web", false),
        ("..", false),
        ("w*", false),
    ] {
        let words = [OsString::from(typed)];
        let found = Selector::from_root(&words).check_own("api".into());
        assert_eq!(found.is_ok(), is_it, "{typed}");
    }
}

#[test]
fn the_steps_of_a_plan_name_paths_and_nothing_else() {
    let fleet = fleet();
    let known: Vec<_> = fleet
        .iter()
        .map(|(path, name)| Called {
            path: path.as_ref(),
            name: name.as_ref(),
        })
        .collect();
    let held = |path: &str| {
        let found = by_paths(&[path.into()], &known)?;
        Ok(found.into_iter().map(|index| known[index].path).collect())
    };
    let held = |path: &str| -> Result<Vec<&BStr>> { held(path) };
    assert_eq!(held("repos/web").unwrap(), ["repos/web"]);
    // A submodule inside a service is brought with it.
    assert_eq!(held("repos/web/vendor/lib").unwrap(), ["repos/web"]);
    assert_eq!(held(".").unwrap().len(), fleet.len());
    for path in ["worker", "handbook", "repos/*", "repos", "repos/web-", ""] {
        assert_eq!(held(path).unwrap_err().exit(), Exit::Misuse, "{path}");
    }
    assert!(matches!(Selector::of_steps([]).0, Choice::Paths(_)));
}

#[test]
fn a_path_lies_in_what_a_slash_ends() {
    for (path, above, want) in [
        ("repos/web", "repos", true),
        ("repos/web/code", "repos", true),
        ("repos", "repos", false),
        ("repos/", "repos", false),
        ("repos-old/web", "repos", false),
        ("web", "repos", false),
        ("web", "", true),
        ("", "", false),
    ] {
        assert_eq!(lies_in(path.into(), above.into()), want, "{path} {above}");
    }
}

/// Settled pins at the first paths, and pins in conflict at the others.
fn pins(settled: &[&str], conflicted: &[&str]) -> Pins {
    let pin = ObjectId::null(gix::hash::Kind::Sha1);
    let link = |path: &&str| Link {
        path: (*path).into(),
        pin,
        listed: None,
    };
    let conflict = |path: &&str| Conflicted {
        path: (*path).into(),
        base: None,
        ours: Some(pin),
        theirs: None,
        listed: None,
    };
    Pins {
        links: settled.iter().map(link).collect(),
        conflicted: conflicted.iter().map(conflict).collect(),
    }
}

#[test]
fn pins_in_conflict_are_chosen_like_settled_ones() {
    let settled = ["a", "b", "d"];
    let conflicted = ["c", "e"];
    for (words, want_settled, want_conflicted) in [
        (&[][..], &settled[..], &conflicted[..]),
        (&["a"], &["a"], &[]),
        (&["d"], &["d"], &[]),
        (&["c"], &[], &["c"]),
        (&["e"], &[], &["e"]),
        (&["b", "c"], &["b"], &["c"]),
        (&["*"], &settled, &conflicted),
    ] {
        let typed: Vec<_> = words.iter().map(OsString::from).collect();
        let selector = Selector::from_root(&typed);
        assert_eq!(selector.is_named(), !words.is_empty(), "{words:?}");
        let found = selector.among(pins(&settled, &conflicted)).unwrap();
        let links: Vec<_> = found.links.iter().map(|one| &one.path).collect();
        let conflicts: Vec<_> = found.conflicted.iter().map(|one| &one.path).collect();
        assert_eq!(links, want_settled, "{words:?}");
        assert_eq!(conflicts, want_conflicted, "{words:?}");
    }
}

#[test]
fn a_step_of_a_repository_that_is_a_service_is_at_its_root_or_its_name() {
    for (paths, is_it) in [
        (&[][..], true),
        (&["."], true),
        (&["api"], true),
        (&[".", "api"], true),
        (&["web"], false),
        (&["api/"], false),
        (&["api", "web"], false),
    ] {
        let selector = Selector::of_steps(paths.iter().map(|path| BString::from(*path)));
        assert_eq!(selector.check_own("api".into()).is_ok(), is_it, "{paths:?}");
    }
}
