//! URLs that change in `.gitmodules`: clones that were made before follow, and nothing of the old repository passes for what is
//! in the new one.

use std::fs;

use serde_json::Value;

use crate::sandbox::Sandbox;

const API: &str = "ours/code-repos/api";

/// A clone of a fleet whose `api` is to come from another repository, `moved`, which has commits of its own. `ours` has the new
/// `.gitmodules` and pin by `git pull`.
fn replaced() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("", &["clone", "--quiet", "api", "moved"]);
    for (repository, subject) in [("moved", "In the new one"), ("api", "In the old one")] {
        let commit = ["commit", "--quiet", "--allow-empty", "--message", subject];
        sandbox.git(repository, &commit);
    }
    let url = [
        "config",
        "--file",
        ".gitmodules",
        "submodule.api.url",
        "../moved",
    ];
    sandbox.git("fleet", &url);
    let pin = sandbox.git("moved", &["rev-parse", "HEAD"]);
    let entry = format!("160000,{},code-repos/api", pin.trim());
    sandbox.git("fleet", &["update-index", "--cacheinfo", &entry]);
    sandbox.git("fleet", &["add", ".gitmodules"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Move api"]);
    sandbox.git("ours", &["pull", "--quiet", "--no-recurse-submodules"]);
    sandbox
}

fn urls(sandbox: &Sandbox) -> [String; 2] {
    let of = |dir: &str, key: &str| sandbox.git(dir, &["config", key]).trim().to_owned();
    [
        of("ours", "submodule.api.url"),
        of(API, "remote.origin.url"),
    ]
}

fn staged(sandbox: &Sandbox) -> String {
    let listed = sandbox.git("ours", &["ls-files", "--stage", "--", "code-repos/api"]);
    listed.split_whitespace().nth(1).unwrap().to_owned()
}

fn is_in(sandbox: &Sandbox, repository: &str, commit: &str) -> bool {
    let found = sandbox.git_output(repository, &["cat-file", "-e", commit]);
    found.status.success()
}

#[test]
fn update_follows_a_url_that_was_listed_once() {
    let sandbox = replaced();
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let new = sandbox.path("moved").display().to_string();
    assert_eq!(urls(&sandbox), [new.clone(), new]);
    assert_eq!(
        sandbox.git(API, &["rev-parse", "HEAD"]).trim(),
        staged(&sandbox)
    );
    // No branch of the old repository counts any more.
    let tip = sandbox.git(API, &["rev-parse", "refs/remotes/origin/main"]);
    assert!(is_in(&sandbox, "moved", tip.trim()));
    let ran = sandbox.flota("ours", &["update", "--remote"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(is_in(&sandbox, "moved", &staged(&sandbox)));
}

#[test]
fn no_commit_of_the_old_repository_is_staged() {
    let sandbox = replaced();
    let ran = sandbox.flota("ours", &["update", "--remote", "--format", "json"]);
    assert!(
        is_in(&sandbox, "moved", &staged(&sandbox)),
        "{}",
        ran.stderr
    );
}

/// A pin that stays where it is does not keep the URL from following.
#[test]
fn a_url_follows_also_where_the_pin_stays() {
    let sandbox = replaced();
    let old = sandbox.git(API, &["rev-parse", "HEAD"]);
    let entry = format!("160000,{},code-repos/api", old.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &entry]);
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let new = sandbox.path("moved").display().to_string();
    assert_eq!(urls(&sandbox), [new.clone(), new]);
    assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), old);
}

/// A URL of the user's own is nobody's to replace: but no tip from there becomes a pin that the listed one lacks.
#[test]
fn a_url_that_was_never_listed_stays_and_is_named() {
    let sandbox = replaced();
    sandbox.git("", &["clone", "--quiet", "--bare", "api", "mirror"]);
    let mirror = sandbox.path("mirror").display().to_string();
    sandbox.git("ours", &["config", "submodule.api.url", &mirror]);
    sandbox.git(API, &["remote", "set-url", "origin", &mirror]);
    let before = staged(&sandbox);
    let ran = sandbox.flota("ours", &["update", "--remote", "api"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(staged(&sandbox), before);
    assert!(
        ran.stderr.contains("git submodule sync -- code-repos/api"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(&mirror), "{}", ran.stderr);
    assert_eq!(urls(&sandbox), [mirror.clone(), mirror.clone()]);
    // Its pin comes from where it is.
    let ran = sandbox.flota("ours", &["update", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);

    let shown = sandbox
        .flota("ours", &["sync", "--dry-run", "--format", "json"])
        .json();
    assert_eq!(urls(&sandbox), [mirror.clone(), mirror.clone()]);
    let done = sandbox.flota("ours", &["sync", "--format", "json"]).json();
    assert_eq!(shown, done);
    assert_eq!(done["services"][0]["from"], mirror);
    let new = sandbox.path("moved").display().to_string();
    assert_eq!(done["services"][0]["to"], new);
    assert_eq!(urls(&sandbox), [new.clone(), new]);
    let ran = sandbox.flota("ours", &["sync"]);
    assert_eq!(ran.text(), "The services have the URLs of .gitmodules.\n");
}

#[test]
fn a_new_url_that_does_not_answer_changes_nothing() {
    let sandbox = replaced();
    fs::rename(sandbox.path("moved"), sandbox.path("gone")).unwrap();
    let before = (urls(&sandbox), sandbox.git(API, &["for-each-ref"]));
    let ran = sandbox.flota("ours", &["sync", "--format", "json"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_ne!(told["services"][0]["error"], Value::Null);
    assert!(ran.stderr.contains("── code-repos/api"), "{}", ran.stderr);
    assert_eq!(
        (urls(&sandbox), sandbox.git(API, &["for-each-ref"])),
        before
    );
}

/// Every level of submodules has URLs of its own.
#[test]
fn nested_submodules_follow_too() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let lib = "ours/code-repos/api/code/lib";
    let mirror = sandbox.path("mirror").display().to_string();
    sandbox.git(lib, &["remote", "set-url", "origin", &mirror]);
    let told = sandbox.flota("ours", &["sync", "--format", "json"]).json();
    assert_eq!(told["services"][0]["path"], "code-repos/api/code/lib");
    let url = sandbox.git(lib, &["config", "remote.origin.url"]);
    assert_eq!(url.trim(), sandbox.path("lib").display().to_string());
}

#[test]
fn a_worktree_of_the_fleet_leaves_the_clones_of_another_one() {
    let sandbox = replaced();
    sandbox.git("ours", &["worktree", "add", "--quiet", "../second"]);
    let before = urls(&sandbox)[1].clone();
    let ran = sandbox.flota("second", &["sync"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(urls(&sandbox)[1], before);
    let ran = sandbox.flota("ours", &["sync"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_ne!(urls(&sandbox)[1], before);
}
