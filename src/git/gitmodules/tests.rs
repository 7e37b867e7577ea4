//! Against git: what `git config --list` says of files that are made at random.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use super::*;
use crate::git::random;

/// Pieces of configuration.
const PIECES: [&[u8]; 58] = [
    b"[submodule \"a\"]\n",
    b"[submodule \"b\"]\n",
    b"[submodule \"A\"]\n",
    b"[SubModule \"a\"]\n",
    b"[submodule \"a.b\"]\n",
    b"[submodule.Old]\n",
    b"[submodule.old \"New\"]\n",
    b"[submodule \"q\\\"u\\\\o\\te\"]\n",
    b"[submodule  \t\"spaced\"] path = beside\n",
    b"[submodule]\n",
    b"[submodules \"a\"]\n",
    b"[submodule \"\xff \xc3\xa9\"]\n",
    b"[submodule \"a\" ]\n",
    b"[submodule",
    b"[ \"x\"]\n",
    b"[]\n",
    b"[core]\n",
    b"[include]\n\tpath = other\n",
    b"\"]\n",
    b"]",
    b"[",
    b"\n",
    b"\n\t",
    b"\r\n",
    b"\r",
    b" ",
    b"\t",
    b"\x0c",
    b"path = x\n",
    b"path = y\n",
    b"PATH=x/y\n",
    b"Path = \"x\"\n",
    b"path\n",
    b"path =\n",
    b"path = x # said\n",
    b"path = x;said\r\n",
    b"path = \"x#\" \" y\" \n",
    b"path = x\\\n\ty\n",
    b"path = \\\"x\\t\\n\\b\\\\\n",
    b"path = \\x\n",
    b"path = x\\\n",
    b"pa-th1 = 1\n",
    b"1path = 1\n",
    b"path x\n",
    b"path = \"open\n",
    b"url = ../a\n",
    b"URL = ../b\n",
    b"url\n",
    b"branch = .\n",
    b"update = none\n",
    b"shallow\n",
    b"shallow = no\n",
    b"shallow = 1\n",
    b"# [submodule \"c\"]\n",
    b"; path = z\n",
    b"\xef\xbb\xbf",
    b"=",
    b"\\",
];

/// How many files are asked of git, one process each.
const ASKED: usize = 1500;

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

/// By name and path, as `git submodule` (2.39) lists them for the same file.
#[test]
fn the_last_word_counts() {
    for (text, want) in [
        // Two sections of one name are one submodule.
        (
            "[submodule \"a\"]\npath = x\nurl = 1\n[submodule \"a\"]\nurl = 2\n",
            &[("a", "x", Some("2"))][..],
        ),
        (
            "[submodule \"a\"]\nurl = 1\n[core]\n[SUBMODULE \"a\"]\nPATH = x\n",
            &[("a", "x", Some("1"))],
        ),
        // A name that differs in capitals is another; in the old form there are none.
        (
            "[submodule \"a\"]\npath = x\n[submodule \"A\"]\npath = y\n[submodule.A]\nurl = 3\n",
            &[("a", "x", Some("3")), ("A", "y", None)],
        ),
        // Of two names for one path the later has it.
        (
            "[submodule \"a\"]\npath = x\nurl = 1\n[submodule \"b\"]\npath = x\nurl = 2\n",
            &[("b", "x", Some("2"))],
        ),
        (
            "[submodule \"a\"]\npath = x\npath = y\n",
            &[("a", "y", None)],
        ),
        ("[submodule]\npath = x\n", &[]),
        ("[include]\npath = /etc/gitconfig\n", &[]),
        ("\u{feff}[submodule \"a\"] path = x", &[("a", "x", None)]),
    ] {
        let read = Gitmodules::parse(text.as_bytes()).unwrap();
        let found = read.iter().map(|one| {
            let url = one.url.as_ref().map(ToString::to_string);
            (one.name.to_string(), one.path.to_string(), url)
        });
        let want = want.iter().map(|(name, path, url)| {
            let url = url.map(ToOwned::to_owned);
            ((*name).to_owned(), (*path).to_owned(), url)
        });
        assert_eq!(
            found.collect::<Vec<_>>(),
            want.collect::<Vec<_>>(),
            "{text}"
        );
    }
}

#[test]
fn a_broken_file_is_an_error() {
    for (text, why) in [
        ("[submodule \"a\npath = x\n", "bad config line 1"),
        (
            "[core]\n\n[submodule \"a\"]\n\tpath x\n",
            "bad config line 4",
        ),
        (
            "[submodule \"a\"]\n\tpath\n\turl = x\n",
            "missing value for 'submodule.a.path'",
        ),
    ] {
        let err = Gitmodules::parse(text.as_bytes()).unwrap_err();
        assert!(err.to_string().contains(FILE));
        let cause = std::error::Error::source(&err).unwrap().to_string();
        assert!(cause.contains(why), "{cause}");
    }
}

#[test]
fn what_is_written_is_what_was_read() {
    let mut read = 0;
    for text in random::texts(&PIECES, 14).take(50_000) {
        read += properties::reading(&text);
    }
    assert!(read > 100, "{read}");
}

/// Every setting of every file, and whether the file is refused. `FLOTA_TEST_SEED` repeats a run.
#[test]
fn files_are_read_as_git_reads_them() {
    let seed = std::env::var("FLOTA_TEST_SEED").map_or_else(
        |_| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            now.as_nanos() as u64
        },
        |seed| seed.parse().unwrap(),
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let mut accepted = 0;
    for text in random::seeded(seed, &PIECES, 10).take(ASKED) {
        let case = format!("FLOTA_TEST_SEED={seed}: {text:?}");
        fs::write(&file, &text).unwrap();
        let mut found = Vec::new();
        let read = syntax::read(&text, |setting| {
            let name = [setting.section, setting.key];
            let name = match setting.section.is_empty() {
                true => setting.key.to_owned(),
                false => name.join(&b'.'),
            };
            found.push((name, setting.value.map(as_before)));
        });
        let said = listed(&file);
        assert_eq!(read.is_ok().then_some(&found), said.as_ref(), "{case}");
        if let Some(said) = said {
            accepted += 1;
            agrees(&text, &said, &case);
        }
    }
    assert!(accepted > ASKED / 20, "{accepted}");
}

/// A setting's full name, and its value.
type Listed = (Vec<u8>, Option<Vec<u8>>);

/// The settings, in order, as git prints them; none where it refuses the file.
fn listed(file: &Path) -> Option<Vec<Listed>> {
    let output = Command::new("git")
        .args(["config", "--list", "-z", "--file"])
        .arg(file)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let setting = |text: &[u8]| match text.split_once_str("\n") {
        Some((name, value)) => (name.to_owned(), Some(as_before(value))),
        None => (text.to_owned(), None),
    };
    let all = output.stdout.strip_suffix(b"\0").unwrap_or(b"");
    let settings = all.split_str(b"\0").filter(|text| !text.is_empty());
    output
        .status
        .success()
        .then(|| settings.map(setting).collect())
}

/// Before git 2.45 each blank in a value was a space.
fn as_before(value: &[u8]) -> Vec<u8> {
    value.replace("\t", " ").replace("\r", " ")
}

/// The list of submodules is what follows from the settings: the last value of each name, the last name of each path.
fn agrees(text: &[u8], settings: &[Listed], case: &str) {
    let mut values = BTreeMap::new();
    let mut lacks = false;
    for (name, value) in settings {
        let Some(rest) = name.strip_prefix(b"submodule.") else {
            continue;
        };
        let Some((name, key)) = rest.rsplit_once_str(".") else {
            continue;
        };
        lacks |= value.is_none()
            && ["path", "url", "branch", "update"]
                .iter()
                .any(|it| key == it.as_bytes());
        values.insert((name, key), value.clone());
    }
    let read = Gitmodules::parse(text);
    assert_eq!(read.is_err(), lacks, "{case}");
    let Ok(read) = read else { return };
    for one in read.iter() {
        let value = |key: &[u8]| values.get(&(&one.name[..], key)).cloned().flatten();
        assert_eq!(value(b"path"), Some(as_before(&one.path)), "{case}");
        assert_eq!(
            value(b"url"),
            one.url.as_ref().map(|text| as_before(text)),
            "{case}"
        );
        assert_eq!(
            value(b"branch"),
            one.branch.as_ref().map(|text| as_before(text)),
            "{case}"
        );
        assert_eq!(
            value(b"update"),
            one.update.as_ref().map(|text| as_before(text)),
            "{case}"
        );
    }
    let last = settings.iter().rev().find_map(|(name, value)| {
        let name = name.strip_prefix(b"submodule.")?.strip_suffix(b".path")?;
        Some((name, value.as_ref()?))
    });
    if let Some((name, path)) = last {
        assert!(
            read.iter()
                .any(|one| one.name == name && as_before(&one.path) == *path)
        );
    }
    let paths = values.iter().filter(|((_, key), _)| *key == b"path");
    let paths: BTreeSet<_> = paths.filter_map(|(_, value)| value.clone()).collect();
    let found: BTreeSet<_> = read.iter().map(|one| as_before(&one.path)).collect();
    assert!(found.is_subset(&paths), "{case}");
}
