use std::{collections::BTreeMap, error::Error as _, ffi::OsStr, fmt::Write, fs, path::Path};

use super::{
    env::{branch, commit, number},
    *,
};

const FIXTURES: &str = "fixtures/ci";
const ONE: &str = "1111111111111111111111111111111111111111";

/// Runs every `fixtures/ci/<system>/<case>.env` against the snapshot beside it: one without a snapshot fails.
#[test]
fn environments_give_what_their_snapshots_say() {
    let mut cases = 0;
    for (folder, file) in files("env") {
        let variables = variables(&folder, &file);
        let outcome = describe(detect(&|name| variables.get(name).map(OsString::from)));
        insta::with_settings!({
            snapshot_path => Path::new("../..").join(&folder),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(stem(&file), outcome);
        });
        cases += 1;
    }
    assert!(cases > 50, "only {cases} cases: are the fixtures there?");
}

#[test]
fn every_snapshot_and_payload_belongs_to_a_case() {
    let cases = files("env");
    for (folder, file) in files("snap") {
        let case = (folder, format!("{}.env", stem(&file)));
        assert!(
            cases.contains(&case),
            "{case:?} is gone, its snapshot is not"
        );
    }
    let used: Vec<_> = cases
        .iter()
        .filter_map(|(folder, file)| variables(folder, file).remove("GITHUB_EVENT_PATH"))
        .collect();
    for (folder, file) in files("json") {
        let path = format!("{folder}/{file}");
        assert!(used.contains(&path), "no case reads {path}");
    }
}

#[test]
fn values_that_an_env_file_cannot_hold_are_refused_by_name() {
    let hostile = [
        "main\n::set-output::",
        "ma\u{1b}[2Jin",
        "ma\u{9b}in",
        "ma\u{7f}in",
    ];
    for value in hostile {
        let error = push_from_gitlab("CI_COMMIT_BRANCH", value.as_ref()).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("CI_COMMIT_BRANCH is not a valid branch name"),
            "{message}"
        );
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf_8_is_refused_by_name() {
    let value = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9");
    let error = push_from_gitlab("CI_COMMIT_BRANCH", value).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("CI_COMMIT_BRANCH is not UTF-8")
    );
}

#[test]
fn a_refused_value_is_shown_in_part_when_it_is_long() {
    let long = "-".repeat(100_000);
    let error = push_from_gitlab("CI_COMMIT_BRANCH", long.as_ref()).unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn branch_names_follow_git_check_ref_format() {
    for name in ["main", "feature/x", "a$(id)`;&|<>", "été", "@", "1111", ONE] {
        assert_eq!(branch("X", name).unwrap(), name);
    }
    for name in [
        "",
        "-",
        "--output=x",
        "a b",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.",
        "a.lock",
        "a.lock/b",
        "a@{1}",
        "HEAD",
    ] {
        assert!(branch("X", name).is_err(), "{name:?}");
    }
}

#[test]
fn commits_are_full_ids_and_zeros_are_none() {
    for id in [ONE, &"2".repeat(64), &"ABCDEF0123".repeat(4)] {
        let read = commit("X", id).unwrap().unwrap();
        assert_eq!(read.to_string(), id.to_lowercase());
    }
    for zeros in [40, 64] {
        assert_eq!(commit("X", &"0".repeat(zeros)).unwrap(), None);
    }
    let [short, long] = [&ONE[1..], &format!("{ONE}1")];
    for value in [
        short,
        long,
        "",
        "HEAD",
        "--output=x",
        &"g".repeat(40),
        &format!("{} ", &ONE[1..]),
    ] {
        assert!(commit("X", value).is_err(), "{value:?}");
    }
}

#[test]
fn numbers_are_digits() {
    assert_eq!(number("X", "0042").unwrap(), 42);
    for value in ["", "+1", "-1", "1 ", "0x1", "١", "99999999999999999999"] {
        assert!(number("X", value).is_err(), "{value:?}");
    }
}

fn push_from_gitlab(name: &str, value: &OsStr) -> Result<Option<CiRun>> {
    detect(&|asked| match asked {
        "GITLAB_CI" => Some("true".into()),
        "CI_PIPELINE_SOURCE" => Some("push".into()),
        _ => (asked == name).then(|| value.to_owned()),
    })
}

/// The folder and name of every fixture with this extension, sorted.
fn files(extension: &str) -> Vec<(String, String)> {
    let found = walkdir::WalkDir::new(FIXTURES).sort_by_file_name();
    let paths = found.into_iter().map(|entry| entry.unwrap().into_path());
    paths
        .filter(|path| path.extension() == Some(extension.as_ref()))
        .map(|path| {
            let text = |part: &OsStr| part.to_str().unwrap().to_owned();
            (
                text(path.parent().unwrap().as_os_str()),
                text(path.file_name().unwrap()),
            )
        })
        .collect()
}

fn stem(file: &str) -> &str {
    file.rsplit_once('.').unwrap().0
}

/// The `NAME=value` lines of a case; the event payload lies in the same folder.
fn variables(folder: &str, file: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(Path::new(folder).join(file)).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once('=').unwrap() {
            ("GITHUB_EVENT_PATH", payload) => {
                ("GITHUB_EVENT_PATH".into(), format!("{folder}/{payload}"))
            }
            (name, value) => (name.into(), value.into()),
        })
        .collect()
}

fn describe(outcome: Result<Option<CiRun>>) -> String {
    match outcome {
        Ok(None) => "no CI system".into(),
        Ok(Some(run)) => format!("{run:#?}"),
        Err(error) => {
            let mut text = format!("{:?}: {error}", error.exit());
            if let Some(cause) = error.source() {
                write!(text, "\ncaused by: {cause}").unwrap();
            }
            for hint in error.hints() {
                write!(text, "\nhint: {hint}").unwrap();
            }
            text
        }
    }
}
