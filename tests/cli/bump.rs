//! `flota bump`: HEADs become pins, and no pin that nobody else could check out.

use std::fs;

use crate::sandbox::Sandbox;

const API: &str = "ours/code-repos/api";

/// A clone whose `api` is one commit ahead of its pin, on a branch that is not pushed yet.
fn ahead() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git(API, &["switch", "--quiet", "--create", "feature"]);
    sandbox.git(
        API,
        &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
    );
    sandbox
}

/// As the hint says.
fn push(sandbox: &Sandbox) {
    sandbox.git(API, &["push", "--quiet", "origin", "HEAD"]);
}

fn staged(sandbox: &Sandbox, path: &str) -> String {
    let listed = sandbox.git("ours", &["ls-files", "--stage", "--", path]);
    listed.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_pushed_head_becomes_the_pin() {
    let sandbox = ahead();
    push(&sandbox);
    insta::assert_snapshot!(sandbox.flota("ours", &["bump", "api"]).transcript());
    let head = sandbox.git(API, &["rev-parse", "HEAD"]);
    assert_eq!(staged(&sandbox, "code-repos/api"), head.trim());
    // Nothing is left to do.
    insta::assert_snapshot!(sandbox.flota("ours", &["bump", "api"]).transcript());
}

#[test]
fn what_is_not_pushed_is_refused_and_nothing_staged() {
    let sandbox = ahead();
    let before = sandbox.git("ours", &["ls-files", "--stage"]);
    insta::assert_snapshot!(sandbox.flota("ours", &["bump", "api", "web"]).transcript());
    sandbox.git(API, &["switch", "--quiet", "--detach"]);
    let detached = sandbox.flota("ours", &["bump", "api"]);
    let hint =
        "hint: push them to a branch: git -C code-repos/api push origin HEAD:refs/heads/BRANCH\n";
    assert!(detached.stderr.ends_with(hint), "{}", detached.stderr);
    sandbox.git(API, &["switch", "--quiet", "feature"]);
    fs::remove_dir_all(sandbox.path("ours/code-repos/web")).unwrap();
    insta::assert_snapshot!(sandbox.flota("ours", &["bump", "*"]).transcript());
    assert_eq!(sandbox.git("ours", &["ls-files", "--stage"]), before);
}

#[test]
fn a_dry_run_stages_nothing_and_says_the_same() {
    let sandbox = ahead();
    push(&sandbox);
    let before = staged(&sandbox, "code-repos/api");
    let arguments = ["bump", "api", "--format", "json"];
    let planned = sandbox
        .flota("ours", &[&arguments[..], &["--dry-run"]].concat())
        .json();
    assert_eq!(staged(&sandbox, "code-repos/api"), before);
    let done = sandbox.flota("ours", &arguments).json();
    assert_eq!(planned, done);
    assert_eq!(done["services"][0]["from"], before);
    assert_eq!(
        done["services"][0]["to"],
        staged(&sandbox, "code-repos/api")
    );
}

#[test]
fn uncommitted_changes_are_warned_of() {
    let sandbox = ahead();
    push(&sandbox);
    fs::write(sandbox.path(API).join("code/app"), "mine").unwrap();
    let ran = sandbox.flota("ours", &["bump", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("has uncommitted changes"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_index_that_somebody_else_writes_is_an_error() {
    let sandbox = ahead();
    push(&sandbox);
    fs::write(sandbox.path("ours/.git/index.lock"), "").unwrap();
    let before = staged(&sandbox, "code-repos/api");
    let ran = sandbox.flota("ours", &["bump", "api"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let hint = "hint: if no git process is running there: rm ";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    assert!(ran.stderr.contains("index.lock"), "{}", ran.stderr);
    assert_eq!(staged(&sandbox, "code-repos/api"), before);
}

/// What was merged in the service, and pushed, settles a pin in conflict.
#[test]
fn a_merge_in_the_service_settles_a_conflict() {
    let sandbox = Sandbox::scripted("conflict");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git_output("ours", &["merge", "origin/other"]);
    let web = "ours/code-repos/web";
    sandbox.git(web, &["switch", "--quiet", "--create", "merged"]);
    sandbox.git(web, &["merge", "--quiet", "origin/main"]);
    sandbox.git(web, &["push", "--quiet", "origin", "merged"]);
    let told = sandbox
        .flota("ours", &["bump", "web", "--format", "json"])
        .json();
    let head = sandbox.git(web, &["rev-parse", "HEAD"]);
    assert_eq!(told["services"][0]["from"], serde_json::Value::Null);
    assert_eq!(staged(&sandbox, "code-repos/web"), head.trim());
    let open = sandbox.git("ours", &["ls-files", "--unmerged", "--", "code-repos/web"]);
    assert_eq!(open, "");
}
