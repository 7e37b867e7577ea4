//! `flota switch`: services go to a branch, and nobody's work is lost.

use std::{collections::BTreeMap, fs};

use serde_json::json;

use crate::sandbox::{Ran, Sandbox};

const API: &str = "ours/code-repos/api";
const WEB: &str = "ours/code-repos/web";

/// A clone whose `api` has a branch `feature` at its remote, one commit further; `web` has none.
fn cloned() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git("api", &["switch", "--quiet", "--create", "feature"]);
    fs::write(sandbox.path("api/code/app"), "feature").unwrap();
    sandbox.git(
        "api",
        &["commit", "--quiet", "--all", "--message", "Feature"],
    );
    sandbox.git("api", &["switch", "--quiet", "main"]);
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox
}

fn switch(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut all = vec!["switch", "--format", "json"];
    all.extend(arguments);
    sandbox.flota("ours", &all)
}

fn outcomes(ran: &Ran) -> BTreeMap<String, String> {
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
    assert_eq!(told["schema"], "flota.switch/v1");
    let one = |one: &serde_json::Value| {
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        (text("path"), text("outcome"))
    };
    told["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(one)
        .collect()
}

fn branch(sandbox: &Sandbox, dir: &str) -> String {
    sandbox
        .git(dir, &["branch", "--show-current"])
        .trim()
        .to_owned()
}

#[test]
fn the_remotes_branch_is_followed_where_there_is_one() {
    let sandbox = cloned();
    insta::assert_snapshot!(sandbox.flota("ours", &["switch", "feature"]).transcript());
    assert_eq!(branch(&sandbox, API), "feature");
    let upstream = sandbox.git(API, &["rev-parse", "--abbrev-ref", "feature@{upstream}"]);
    assert_eq!(upstream, "origin/feature\n");
    assert_eq!(
        fs::read(sandbox.path(API).join("code/app")).unwrap(),
        b"feature"
    );
    assert_eq!(branch(&sandbox, WEB), "");
    // Back, forth, and again.
    sandbox.git(API, &["switch", "--quiet", "--detach", "origin/main"]);
    assert_eq!(
        outcomes(&switch(&sandbox, &["feature", "api"]))["code-repos/api"],
        "switched"
    );
    assert_eq!(
        outcomes(&switch(&sandbox, &["feature", "api"]))["code-repos/api"],
        "current"
    );
}

#[test]
fn a_new_branch_is_made_in_each() {
    let sandbox = cloned();
    let ran = switch(&sandbox, &["--create", "mine"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for dir in [API, WEB] {
        assert_eq!(branch(&sandbox, dir), "mine");
        assert_eq!(sandbox.git(dir, &["status", "--porcelain"]), "");
        let upstream = sandbox.git_output(dir, &["rev-parse", "mine@{upstream}"]);
        assert!(!upstream.status.success());
    }
    // The pins did not move, and a second run finds nothing to do.
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    let again = switch(&sandbox, &["--create", "mine"]);
    assert_eq!(outcomes(&again)["code-repos/web"], "current");
    // Made beside an older one of that name it is not.
    sandbox.git(API, &["switch", "--quiet", "--detach"]);
    let ran = switch(&sandbox, &["--create", "mine"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/api"], "refused");
}

#[test]
fn made_where_the_remote_has_it_a_branch_follows_that() {
    let sandbox = cloned();
    let ran = switch(&sandbox, &["-c", "feature"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let outcomes = outcomes(&ran);
    assert_eq!(outcomes["code-repos/api"], "tracking");
    assert_eq!(outcomes["code-repos/web"], "created");
}

#[test]
fn changes_that_would_be_overwritten_keep_their_service_and_the_others_go() {
    let sandbox = cloned();
    sandbox.git(WEB, &["branch", "feature"]);
    fs::write(sandbox.path(API).join("code/app"), "mine").unwrap();
    let ran = sandbox.flota("ours", &["switch", "feature"]);
    insta::assert_snapshot!(ran.transcript());
    assert_eq!(branch(&sandbox, API), "");
    assert_eq!(branch(&sandbox, WEB), "feature");
    assert_eq!(
        fs::read(sandbox.path(API).join("code/app")).unwrap(),
        b"mine"
    );
}

/// As with `git switch`: what is changed beside the difference comes along.
#[test]
fn other_changes_come_along() {
    let sandbox = cloned();
    fs::write(sandbox.path(API).join("README.md"), "mine").unwrap();
    // Its time alone says that something happened.
    fs::write(sandbox.path(API).join("code/app"), "api, first version\n").unwrap();
    let ran = switch(&sandbox, &["feature", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(branch(&sandbox, API), "feature");
    assert_eq!(
        sandbox.git(API, &["status", "--porcelain"]),
        " M README.md\n"
    );
}

#[test]
fn untracked_files_are_not_overwritten() {
    let sandbox = cloned();
    sandbox.git("api", &["switch", "--quiet", "feature"]);
    fs::write(sandbox.path("api/notes"), "theirs").unwrap();
    sandbox.git("api", &["add", "notes"]);
    sandbox.git("api", &["commit", "--quiet", "--message", "Notes"]);
    sandbox.git(API, &["fetch", "--quiet"]);
    fs::write(sandbox.path(API).join("notes"), "mine").unwrap();
    let ran = switch(&sandbox, &["feature", "api"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(fs::read(sandbox.path(API).join("notes")).unwrap(), b"mine");
    assert_eq!(branch(&sandbox, API), "");
}

#[test]
fn commits_on_no_branch_are_not_left_behind() {
    let sandbox = cloned();
    sandbox.git(
        API,
        &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
    );
    let mine = sandbox.git(API, &["rev-parse", "HEAD"]);
    let ran = switch(&sandbox, &["feature"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("is on no branch"), "{}", ran.stderr);
    assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), mine);
    // A branch of their own takes them along.
    assert_eq!(switch(&sandbox, &["-c", "mine"]).status, Some(0));
    assert_eq!(sandbox.git(API, &["rev-parse", "mine"]), mine);
}

#[test]
fn a_merge_under_way_is_not_left() {
    let sandbox = cloned();
    sandbox.git(API, &["switch", "--quiet", "--create", "side"]);
    fs::write(sandbox.path(API).join("code/app"), "side").unwrap();
    sandbox.git(API, &["commit", "--quiet", "--all", "--message", "Side"]);
    assert!(
        !sandbox
            .git_output(API, &["merge", "origin/feature"])
            .status
            .success()
    );
    let ran = switch(&sandbox, &["--create", "mine"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("in progress"), "{}", ran.stderr);
    assert_eq!(branch(&sandbox, API), "side");
    assert_eq!(branch(&sandbox, WEB), "mine");
}

#[test]
fn a_dry_run_says_the_same_and_moves_nothing() {
    let sandbox = cloned();
    fs::write(sandbox.path(WEB).join("code/app"), "mine").unwrap();
    let planned = switch(&sandbox, &["-c", "feature", "--dry-run"]);
    let note = "A dry run: nothing was changed.\n";
    assert!(planned.stderr.ends_with(note), "{}", planned.stderr);
    assert_eq!(
        (branch(&sandbox, API), branch(&sandbox, WEB)),
        Default::default()
    );
    let done = switch(&sandbox, &["-c", "feature"]);
    assert_eq!(planned.text(), done.text());
    assert_eq!(planned.status, done.status);
}

#[test]
fn a_branch_that_a_named_service_lacks_is_an_error() {
    let sandbox = cloned();
    insta::assert_snapshot!(
        sandbox
            .flota("ours", &["switch", "feature", "api", "web"])
            .transcript()
    );
    insta::assert_snapshot!(sandbox.flota("ours", &["switch", "no-such"]).transcript());
}

#[test]
fn what_is_not_initialised_stays_so() {
    let sandbox = cloned();
    fs::remove_dir_all(sandbox.path(WEB)).unwrap();
    let ran = switch(&sandbox, &["-c", "mine"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/web"], "uninitialised");
    assert_eq!(switch(&sandbox, &["-c", "mine", "web"]).status, Some(4));
}

#[test]
fn a_name_that_is_none_is_misuse() {
    let sandbox = cloned();
    for name in ["--force", "a..b", "a b", "HEAD", "", "-", "@{-1}"] {
        let ran = switch(&sandbox, &["--create", "--", name]);
        assert_eq!(ran.status, Some(2), "{name}: {}", ran.stderr);
    }
    assert_eq!(sandbox.git(API, &["branch", "--list"]).lines().count(), 2);
}

#[test]
fn the_json_names_branch_and_commit() {
    let sandbox = cloned();
    let told = switch(&sandbox, &["feature", "api"]).json();
    let head = sandbox.git(API, &["rev-parse", "HEAD"]);
    assert_eq!(told["branch"], "feature");
    assert_eq!(
        told["services"],
        json!([{
            "path": "code-repos/api",
            "outcome": "tracking",
            "from": null,
            "commit": head.trim(),
            "error": null,
        }])
    );
}

/// A branch whose files are ignored here: whose they are, they are somebody's work.
#[test]
fn ignored_files_are_not_overwritten() {
    let sandbox = cloned();
    sandbox.git("api", &["switch", "--quiet", "feature"]);
    fs::write(sandbox.path("api/.env"), "theirs").unwrap();
    sandbox.git("api", &["add", ".env"]);
    sandbox.git("api", &["commit", "--quiet", "--message", "Settings"]);
    sandbox.git(API, &["fetch", "--quiet"]);
    let exclude = sandbox.path("ours/.git/modules/api/info/exclude");
    fs::create_dir_all(exclude.parent().unwrap()).unwrap();
    fs::write(exclude, ".env\n").unwrap();
    let env = sandbox.path(API).join(".env");
    fs::write(&env, "mine").unwrap();
    for arguments in [&["feature", "--dry-run"][..], &["feature"]] {
        let ran = switch(&sandbox, arguments);
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
        assert!(ran.stderr.contains("overwritten: `.env`"), "{}", ran.stderr);
        assert_eq!(fs::read(&env).unwrap(), b"mine");
        assert_eq!(branch(&sandbox, API), "");
    }
    // Without a difference there is nothing to keep; and the user may say that there is not.
    fs::write(&env, "theirs").unwrap();
    assert_eq!(switch(&sandbox, &["feature"]).status, Some(0));
    sandbox.git(API, &["switch", "--quiet", "--detach", "origin/main"]);
    fs::write(&env, "mine").unwrap();
    let ran = switch(&sandbox, &["feature", "--overwrite-ignore"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(fs::read(&env).unwrap(), b"theirs");
}
