//! `flota update --remote`: pins follow their branches.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;

use crate::sandbox::{Ran, Sandbox};

const API: &str = "code-repos/api";

/// A clone whose services' remotes have moved on: `api` by two commits, `web` by one.
fn behind() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for (service, subject) in [("api", "Second"), ("api", "Third"), ("web", "Fixes #7")] {
        write(&sandbox, service, subject);
    }
    sandbox
}

fn write(sandbox: &Sandbox, service: &str, subject: &str) {
    fs::write(sandbox.path(service).join("code/app"), subject).unwrap();
    sandbox.git(
        service,
        &["commit", "--quiet", "--all", "--message", subject],
    );
}

fn follow(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, serde_json::Value) {
    let mut all = vec!["update", "--remote", "--format", "json"];
    all.extend(arguments);
    let ran = sandbox.flota("ours", &all);
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran, told)
}

fn staged(sandbox: &Sandbox, path: &str) -> String {
    let listed = sandbox.git("ours", &["ls-files", "--stage", "--", path]);
    listed.split_whitespace().nth(1).unwrap().to_owned()
}

fn set_branch(sandbox: &Sandbox, service: &str, branch: &str) {
    let key = format!("submodule.{service}.branch");
    sandbox.git("ours", &["config", "--file", ".gitmodules", &key, branch]);
    sandbox.git("ours", &["add", ".gitmodules"]);
}

#[test]
fn pins_go_where_git_would_take_them() {
    let sandbox = behind();
    sandbox.flota("", &["clone", "fleet", "theirs"]);
    sandbox.git("theirs", &["submodule", "--quiet", "update", "--remote"]);
    sandbox.git("theirs", &["add", "code-repos"]);
    insta::assert_snapshot!(
        sandbox
            .flota("ours", &["update", "--remote", "--quiet"])
            .transcript()
    );
    let index = |fleet: &str| sandbox.git(fleet, &["ls-files", "--stage"]);
    assert_eq!(index("ours"), index("theirs"));
    for service in ["api", "web"] {
        let path = format!("ours/code-repos/{service}");
        assert_eq!(sandbox.tip(&path, "HEAD"), sandbox.tip(service, "main"));
        assert_eq!(sandbox.git(&path, &["status", "--porcelain"]), "");
    }
    // They are pushed, and flota knows; there is nothing left to do.
    let status = sandbox.flota("ours", &["status"]);
    assert!(
        status.text().contains("2 of 2 services in step"),
        "{}",
        status.text()
    );
    insta::assert_snapshot!(
        sandbox
            .flota("ours", &["update", "--remote", "--quiet"])
            .transcript()
    );
}

#[test]
fn a_commit_says_what_the_pins_bring() {
    let sandbox = behind();
    fs::write(
        sandbox.path("ours/other"),
        "staged, and not for this commit",
    )
    .unwrap();
    sandbox.git("ours", &["add", "other"]);
    let (ran, told) = follow(&sandbox, &["--commit"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(told["commit"], sandbox.tip("ours", "HEAD"));
    insta::assert_snapshot!(sandbox.git("ours", &["log", "-1", "--format=%B"]));
    let changed = sandbox.git("ours", &["diff", "--name-only", "HEAD~1", "HEAD"]);
    assert_eq!(changed, "code-repos/api\ncode-repos/web\n");
    assert_eq!(
        sandbox.git("ours", &["status", "--porcelain"]),
        "A  other\n"
    );
    // With nothing new there is nothing to commit.
    let (ran, told) = follow(&sandbox, &["--commit"]);
    assert_eq!((ran.status, &told["commit"]), (Some(0), &json!(null)));
    assert_eq!(told["pins"], json!([]));
}

#[test]
fn settings_that_ignore_submodules_keep_no_pin_from_being_committed() {
    let sandbox = behind();
    for key in ["diff.ignoreSubmodules", "submodule.api.ignore"] {
        sandbox.git("ours", &["config", key, "all"]);
    }
    let (ran, told) = follow(&sandbox, &["--commit"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(told["commit"], sandbox.tip("ours", "HEAD"));
    for service in ["api", "web"] {
        let pin = sandbox.tip("ours", &format!("HEAD:code-repos/{service}"));
        assert_eq!(pin, sandbox.tip(service, "main"));
    }
}

#[test]
fn hooks_have_their_say() {
    let sandbox = behind();
    let hook = sandbox.path("ours/.git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho not on a Wednesday\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let head = sandbox.tip("ours", "HEAD");
    let (ran, _) = follow(&sandbox, &["--commit"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("not on a Wednesday"), "{}", ran.stderr);
    assert_eq!(sandbox.tip("ours", "HEAD"), head);
    assert_eq!(staged(&sandbox, API), sandbox.tip("api", "main"));
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let sandbox = behind();
    let before = sandbox.git("ours", &["ls-files", "--stage"]);
    let (ran, planned) = follow(&sandbox, &["--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.git("ours", &["ls-files", "--stage"]), before);
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    let (_, done) = follow(&sandbox, &[]);
    for (planned, done) in planned["pins"]
        .as_array()
        .unwrap()
        .iter()
        .zip(done["pins"].as_array().unwrap())
    {
        for key in ["path", "branch", "from", "to"] {
            assert_eq!(planned[key], done[key]);
        }
    }
}

#[test]
fn branches_are_those_that_gitmodules_names() {
    let sandbox = behind();
    sandbox.git("api", &["branch", "release", "HEAD~1"]);
    sandbox.git("web", &["branch", "next", "HEAD~1"]);
    sandbox.git("web", &["branch", "never", "HEAD~1"]);
    set_branch(&sandbox, "api", "release");
    set_branch(&sandbox, "web", "never");
    // The user's own configuration wins; and `.` is the fleet's branch.
    sandbox.git("ours", &["config", "submodule.web.branch", "."]);
    sandbox.git("ours", &["switch", "--quiet", "--create", "next"]);
    let (ran, told) = follow(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(staged(&sandbox, API), sandbox.tip("api", "release"));
    // web's `next` is where its pin is.
    assert_eq!(told["pins"].as_array().unwrap().len(), 1);
    assert_eq!(told["pins"][0]["branch"], "release");
    sandbox.git("ours", &["switch", "--quiet", "--detach"]);
    let (ran, _) = follow(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("git switch BRANCH"), "{}", ran.stderr);
}

#[test]
fn a_branch_that_is_not_there_costs_its_service_alone() {
    let sandbox = behind();
    let before = staged(&sandbox, API);
    for branch in ["gone", "--upload-pack=touch canary", "a b"] {
        set_branch(&sandbox, "api", branch);
        let (ran, told) = follow(&sandbox, &[]);
        assert_eq!(ran.status, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains("── code-repos/api"), "{}", ran.stderr);
        assert_eq!(told["submodules"][0]["outcome"], "failed");
        assert_eq!(staged(&sandbox, API), before);
    }
    let web = staged(&sandbox, "code-repos/web");
    assert_eq!(web, sandbox.tip("web", "main"));
}

#[test]
fn a_branch_that_went_back_is_followed_and_told() {
    let sandbox = behind();
    follow(&sandbox, &[]);
    sandbox.git("api", &["reset", "--quiet", "--hard", "HEAD~2"]);
    let ran = sandbox.flota("ours", &["update", "--remote", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.text().contains("rollback, 2 gone"), "{}", ran.text());
    assert_eq!(staged(&sandbox, API), sandbox.tip("api", "main"));
}

#[test]
fn work_keeps_its_service_where_it_is() {
    let sandbox = behind();
    let before = staged(&sandbox, API);
    fs::write(sandbox.path("ours").join(API).join("code/app"), "mine").unwrap();
    let (ran, told) = follow(&sandbox, &["--commit"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(staged(&sandbox, API), before);
    assert_eq!(told["pins"].as_array().unwrap().len(), 1);
    let subject = sandbox.git("ours", &["log", "-1", "--format=%s"]);
    assert!(subject.starts_with("Bump web to "), "{subject}");
    let mine = fs::read(sandbox.path("ours").join(API).join("code/app")).unwrap();
    assert_eq!(mine, b"mine");
}

#[test]
fn a_service_that_is_not_there_yet_is_brought() {
    let sandbox = behind();
    sandbox.git("", &["clone", "--quiet", "fleet", "bare-of-services"]);
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    fs::rename(sandbox.path("bare-of-services"), sandbox.path("ours")).unwrap();
    let (ran, told) = follow(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(told["pins"][0]["gained"]["count"], 2);
    assert_eq!(staged(&sandbox, API), sandbox.tip("api", "main"));
    assert!(
        sandbox
            .path("ours")
            .join(API)
            .join("code/lib/code/app")
            .is_file()
    );
}

#[test]
fn a_merge_under_way_is_not_committed_in_part() {
    let sandbox = behind();
    sandbox.git("ours", &["switch", "--quiet", "--create", "side"]);
    sandbox.git(
        "ours",
        &["commit", "--quiet", "--allow-empty", "--message", "Side"],
    );
    sandbox.git("ours", &["switch", "--quiet", "-"]);
    sandbox.git(
        "ours",
        &["merge", "--quiet", "--no-ff", "--no-commit", "side"],
    );
    let before = sandbox.git("ours", &["ls-files", "--stage"]);
    let (ran, _) = follow(&sandbox, &["--commit"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(sandbox.git("ours", &["ls-files", "--stage"]), before);
}

#[test]
fn the_flags_belong_together() {
    let sandbox = behind();
    for arguments in [
        &["update", "--commit"][..],
        &["update", "--dry-run"],
        &["update", "--remote", "--commit", "--dry-run"],
    ] {
        assert_eq!(sandbox.flota("ours", arguments).status, Some(2));
    }
}
