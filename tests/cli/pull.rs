//! `flota pull`: the fleet's `git pull`, then its services; and nobody's work is lost.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox};

/// Two clones: `theirs` has moved `api` and pushed that.
fn moved_on() -> Sandbox {
    let sandbox = Sandbox::scripted("served");
    for fleet in ["ours", "theirs"] {
        let ran = sandbox.flota("", &["clone", "fleet", fleet]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    }
    publish(&sandbox, "api");
    sandbox
}

/// A commit of the service, pinned and pushed by somebody else.
fn publish(sandbox: &Sandbox, service: &str) {
    let dir = format!("theirs/code-repos/{service}");
    sandbox.git(&dir, &["switch", "--quiet", "main"]);
    fs::write(sandbox.path(&dir).join("code/app"), "theirs").unwrap();
    sandbox.git(&dir, &["commit", "--quiet", "--all", "--message", "Theirs"]);
    sandbox.git(&dir, &["push", "--quiet"]);
    let message = format!("--message=Move {service}");
    sandbox.git("theirs", &["commit", "--quiet", "--all", &message]);
    sandbox.git("theirs", &["push", "--quiet"]);
}

fn pull(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, Value) {
    let mut all = vec!["pull", "--format", "json"];
    all.extend(arguments);
    let ran = sandbox.flota("ours", &all);
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran, told)
}

fn outcomes(told: &Value) -> BTreeMap<&str, &str> {
    let all = told["submodules"].as_array().unwrap().iter();
    let one = |one| -> Option<(&str, &str)> {
        let one: &Value = one;
        let path = one["path"].as_str()?.strip_prefix("code-repos/")?;
        Some((path, one["outcome"].as_str()?))
    };
    all.filter_map(one).collect()
}

#[test]
fn the_fleet_is_pulled_and_then_its_services() {
    let sandbox = moved_on();
    let ran = sandbox.flota("ours", &["pull", "--quiet"]);
    insta::assert_snapshot!(ran.transcript());
    assert_eq!(sandbox.tip("ours", "HEAD"), sandbox.tip("fleet", "main"));
    let api = "ours/code-repos/api";
    assert_eq!(sandbox.tip(api, "HEAD"), sandbox.tip("api", "main"));
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    let again = sandbox.flota("ours", &["pull", "--quiet"]);
    insta::assert_snapshot!(again.transcript());
}

#[test]
fn a_dry_run_says_what_would_come_and_moves_nothing() {
    let sandbox = moved_on();
    let refs = sandbox.git("ours", &["for-each-ref"]);
    let head = sandbox.tip("ours", "HEAD");
    let (ran, planned) = pull(&sandbox, &["--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.git("ours", &["for-each-ref"]), refs);
    assert_eq!(sandbox.tip("ours", "HEAD"), head);
    assert!(!sandbox.path("ours/.git/FETCH_HEAD").exists());
    let (_, done) = pull(&sandbox, &[]);
    for key in ["branch", "upstream", "from", "to", "pins"] {
        assert_eq!(planned[key], done[key], "{key}");
    }
}

#[test]
fn work_in_a_service_keeps_it_where_it_is() {
    let sandbox = moved_on();
    let file = sandbox.path("ours/code-repos/api/code/app");
    fs::write(&file, "mine").unwrap();
    let (ran, told) = pull(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&told)["api"], "left");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(sandbox.tip("ours", "HEAD"), sandbox.tip("fleet", "main"));
}

/// One row each: a state of the fleet in which `git pull` does nothing, and what is said.
#[test]
fn states_in_which_git_would_not_pull_are_named_and_nothing_moves() {
    type Prepare = fn(&Sandbox);
    let commit: Prepare = |sandbox| {
        let args = ["commit", "--quiet", "--allow-empty", "--message", "Mine"];
        sandbox.git("ours", &args);
    };
    let rows: [(&str, Prepare, i32); 6] = [
        (
            "HEAD is detached",
            |sandbox| drop(sandbox.git("ours", &["switch", "--quiet", "--detach"])),
            4,
        ),
        (
            "has no upstream",
            |sandbox| drop(sandbox.git("ours", &["switch", "--quiet", "--create", "mine"])),
            4,
        ),
        ("divergent branches", commit, 4),
        (
            "in progress",
            |sandbox| {
                let run = |args: &[&str]| drop(sandbox.git("ours", args));
                run(&["switch", "--quiet", "--create", "side"]);
                run(&["commit", "--quiet", "--allow-empty", "--message", "Side"]);
                run(&["switch", "--quiet", "main"]);
                run(&["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
            },
            4,
        ),
        (
            "would be overwritten",
            |sandbox| {
                fs::write(sandbox.path("theirs/README.md"), "theirs").unwrap();
                sandbox.git(
                    "theirs",
                    &["commit", "--quiet", "--all", "--message=Theirs"],
                );
                sandbox.git("theirs", &["push", "--quiet"]);
                fs::write(sandbox.path("ours/README.md"), "mine").unwrap();
            },
            4,
        ),
        (
            "cannot fetch from",
            |sandbox| fs::rename(sandbox.path("fleet"), sandbox.path("gone")).unwrap(),
            1,
        ),
    ];
    for (said, prepare, exit) in rows {
        let sandbox = moved_on();
        prepare(&sandbox);
        let before = ["ours", "ours/code-repos/api"].map(|dir| sandbox.tip(dir, "HEAD"));
        let (ran, _) = pull(&sandbox, &[]);
        assert_eq!(ran.status, Some(exit), "{said}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        let after = ["ours", "ours/code-repos/api"].map(|dir| sandbox.tip(dir, "HEAD"));
        assert_eq!(before, after, "{said}");
    }
}

#[test]
fn how_branches_come_together_is_the_users_choice() {
    for (key, value, is_merge) in [
        ("pull.rebase", "false", true),
        ("pull.rebase", "true", false),
    ] {
        let sandbox = moved_on();
        let args = ["commit", "--quiet", "--allow-empty", "--message", "Mine"];
        sandbox.git("ours", &args);
        sandbox.git("ours", &["config", key, value]);
        let (ran, told) = pull(&sandbox, &[]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(outcomes(&told)["api"], "moved");
        let parents = sandbox.git("ours", &["rev-list", "--parents", "-1", "HEAD"]);
        assert_eq!(parents.split(' ').count() == 3, is_merge, "{value}");
    }
}

#[test]
fn pins_in_conflict_are_left_for_flota_resolve_and_no_service_moves() {
    let sandbox = moved_on();
    let api = "ours/code-repos/api";
    sandbox.git(api, &["switch", "--quiet", "main"]);
    let args = ["commit", "--quiet", "--allow-empty", "--message", "Mine"];
    sandbox.git(api, &args);
    sandbox.git("ours", &["commit", "--quiet", "--all", "--message=Mine"]);
    sandbox.git("ours", &["config", "pull.rebase", "false"]);
    publish(&sandbox, "web");
    let before = sandbox.tip("ours/code-repos/web", "HEAD");
    let (ran, _) = pull(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("flota resolve"), "{}", ran.stderr);
    assert_eq!(sandbox.tip("ours/code-repos/web", "HEAD"), before);
    assert!(sandbox.path("ours/.git/MERGE_HEAD").exists());
    // A second run does not make it worse.
    let (ran, _) = pull(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
}

#[test]
fn a_service_that_is_new_is_cloned_and_only_those_that_are_named_are_updated() {
    let sandbox = moved_on();
    sandbox.git("", &["clone", "--quiet", "--bare", "api", "new"]);
    let add = ["submodule", "--quiet", "add", "../new", "code-repos/new"];
    sandbox.git("theirs", &add);
    sandbox.git("theirs", &["commit", "--quiet", "--message=Add new"]);
    sandbox.git("theirs", &["push", "--quiet"]);
    let (ran, told) = pull(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&told), [("web", "current")].into());
    assert_eq!(told["pins"][1]["path"], "code-repos/new");
    assert_eq!(told["pins"][1]["from"], json!(null));
    let (_, told) = pull(&sandbox, &[]);
    let outcomes = outcomes(&told);
    assert_eq!((outcomes["api"], outcomes["new"]), ("moved", "cloned"));
}

#[test]
fn no_hook_runs() {
    let sandbox = moved_on();
    let hook = sandbox.path("ours/.git/hooks/post-merge");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ntouch canary\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let (ran, _) = pull(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!sandbox.path("ours/canary").exists());
}
