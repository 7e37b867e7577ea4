//! `flota check`

use crate::sandbox::Sandbox;

/// A fleet whose last commit moves `api`, with `more` run in the service's worktree before the pin is taken.
fn fleet_with(more: &[&[&str]]) -> Sandbox {
    let sandbox = Sandbox::scripted("unpushed");
    for arguments in more {
        sandbox.git("fleet/code-repos/api", arguments);
    }
    sandbox.git("fleet", &["add", "code-repos/api"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Move api"]);
    sandbox
}

const RANGE: &str = "HEAD~1..HEAD";

#[test]
fn a_pushed_pin_passes() {
    let sandbox = fleet_with(&[&["push", "--quiet", "origin", "HEAD:work"]]);
    let ran = sandbox.flota("fleet", &["check", RANGE]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn a_pin_that_was_never_pushed_fails() {
    let sandbox = fleet_with(&[]);
    insta::assert_snapshot!(sandbox.flota("fleet", &["check", RANGE]).transcript());
    let offline = sandbox.flota("fleet", &["check", RANGE, "--offline"]);
    insta::assert_snapshot!(offline.transcript());
}

#[test]
fn a_pin_on_no_branch_fails() {
    let sandbox = fleet_with(&[&["push", "--quiet", "origin", "HEAD:refs/pull/1/head"]]);
    let ran = sandbox.flota("fleet", &["check", RANGE, "--format", "json"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let answer: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(answer["warnings"][0]["kind"], "branchless-pin");
}

#[test]
fn the_server_is_asked_where_the_last_fetch_does_not_settle_it() {
    let sandbox = fleet_with(&[&["push", "--quiet", "origin", "HEAD:work"]]);
    let api = sandbox.path("fleet/.git/modules/api");
    for gone in ["refs/remotes", "packed-refs"] {
        let gone = api.join(gone);
        let _ = std::fs::remove_dir_all(&gone).or_else(|_| std::fs::remove_file(&gone));
    }
    let offline = sandbox.flota("fleet", &["check", RANGE, "--offline"]);
    assert_eq!(offline.status, Some(4), "{}", offline.stderr);
    assert_eq!(sandbox.flota("fleet", &["check", RANGE]).status, Some(0));
}

/// What a branch led to when it was fetched says nothing of a pin once the branch is gone from the server.
#[test]
fn a_branch_that_was_deleted_vouches_for_no_pin() {
    let sandbox = fleet_with(&[&["push", "--quiet", "origin", "HEAD:work"]]);
    let api = "fleet/code-repos/api";
    sandbox.git(api, &["update-ref", "-d", "refs/remotes/origin/work"]);
    assert_eq!(sandbox.flota("fleet", &["check", RANGE]).status, Some(0));
    sandbox.git("api", &["branch", "--quiet", "-D", "work"]);
    let ran = sandbox.flota("fleet", &["check", RANGE, "--format", "json"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let answer: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(answer["warnings"][0]["kind"], "branchless-pin");
}

#[test]
fn a_merge_that_keeps_the_older_pin_fails() {
    let sandbox = Sandbox::scripted("merge-keeps-older-pin");
    let ran = sandbox.flota("fleet", &["check", "HEAD~1..HEAD", "--offline"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("a merge kept the older pin"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let sandbox = fleet_with(&[]);
    std::fs::rename(sandbox.path("api"), sandbox.path("gone")).unwrap();
    let ran = sandbox.flota("fleet", &["check", RANGE]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("cannot fetch the branches of"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}

#[test]
fn a_server_that_cannot_be_reached_hides_nothing_of_the_other_services() {
    let sandbox = Sandbox::scripted("served");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for service in ["api", "web"] {
        let dir = format!("ours/code-repos/{service}");
        sandbox.git(
            &dir,
            &["commit", "--quiet", "--allow-empty", "--message=Mine"],
        );
    }
    sandbox.git("ours", &["commit", "--quiet", "--all", "--message=Move"]);
    std::fs::rename(sandbox.path("api"), sandbox.path("gone")).unwrap();
    let ran = sandbox.flota("ours", &["check", RANGE, "--format", "json"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(told["warnings"][0]["path"], "code-repos/web", "{told}");
    assert_eq!(told["warnings"][0]["kind"], "unpushed-pin");
    for path in ["code-repos/api", "code-repos/web"] {
        assert!(ran.stderr.contains(path), "{path}: {}", ran.stderr);
    }
    assert!(
        ran.stderr.contains("cannot fetch the branches of"),
        "{}",
        ran.stderr
    );
}
