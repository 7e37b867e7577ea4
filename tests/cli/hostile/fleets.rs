//! Every fleet of `fixtures/hostile/`, met by every command that reads one.

use std::{fmt::Write as _, fs, path::Path, sync::LazyLock};

use rayon::prelude::*;
use regex::Regex;

use super::{Surroundings, assert_harmless, assert_inert};
use crate::sandbox::{Ran, Sandbox};

/// The names of the scripts, sorted.
pub fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile");
    let files = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|found| found == "sh"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "lib")
        .collect();
    names.sort();
    assert!(names.len() > 70, "{names:?}");
    names
}

/// Fleets whose harm is in files of their own: after a `git clone` that is over, and the services are as they should be.
const HARM_IS_IN_FILES: [&str; 5] = [
    "dot-git-by-hfs",
    "link-above-a-submodule",
    "link-and-folder",
    "link-and-folder-by-case",
    "tree-with-dots",
];

/// What is different in every run or with every git, and what nobody wants to read to its end.
static FILTERS: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
    let pattern = |text| Regex::new(text).unwrap();
    [
        (pattern(r"\.flota-clone-\w+"), ".flota-clone-XXXXXX"),
        (pattern(r"x{50,}|(?:\.\./){20,}"), "[…]"),
        // What git says, in the order in which its processes came to say it.
        (pattern(r"(?m)^ .*(?:fatal|error|remote): .*\n"), ""),
    ]
});

#[test]
fn every_hostile_fleet_is_refused_by_name_and_reason() {
    let told: Vec<_> = names().par_iter().map(|name| meet(name)).collect();
    insta::assert_snapshot!(told.concat());
}

/// Lets the commands meet the fleet, the way it comes from its server and the way git takes it over; gives what was said.
fn meet(name: &str) -> String {
    let sandbox = Sandbox::hostile(name);
    fs::create_dir(sandbox.path("place")).unwrap();
    let before = Surroundings::of(&sandbox);
    let mut told = format!("════ {name}\n");
    let run = |dir: &str, args: &[&str]| {
        let ran = sandbox.flota(dir, args);
        let case = format!("{name}, {args:?}: {}", ran.stderr);
        assert_inert(&case, &ran);
        before.assert_unchanged(&case, &sandbox);
        assert_harmless(&case, &sandbox.path("place"));
        assert!(ran.status.is_some_and(|code| code <= 4), "{case}");
        ran
    };
    let mut refused = |ran: &Ran, command: &str| {
        assert_ne!(ran.status, Some(0), "{name}: {command} {}", ran.text());
        let filters = FILTERS.iter();
        let transcript = filters.fold(ran.transcript(), |text, (pattern, with)| {
            pattern.replace_all(&text, *with).into_owned()
        });
        write!(told, "$ flota {command}: {transcript}").unwrap();
    };

    let ran = run("place", &["clone", "--quiet", "../fleet", "ours"]);
    refused(&ran, "clone");
    // The trees may be read: nothing of them becomes files.
    run("fleet", &["changed", "main~1..main", "--files"]);

    let is_bomb = name.ends_with("without-end");
    if !is_bomb && is_taken_by_git(&sandbox) {
        let ran = run("place/plain", &["update", "--quiet"]);
        if !HARM_IS_IN_FILES.contains(&name) {
            refused(&ran, "update");
        }
        run("place/plain", &["status"]);
        run("place/plain", &["foreach", "--", "true"]);
    }
    told
}

/// Clones the fleet itself, if git does that.
fn is_taken_by_git(sandbox: &Sandbox) -> bool {
    let args = [
        "clone",
        "--quiet",
        "--template=",
        "--no-local",
        "../fleet",
        "plain",
    ];
    let cloned = sandbox.git_output("place", &args);
    cloned.status.success()
}
