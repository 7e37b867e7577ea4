//! `flota fetch`: what is new at the remotes, and nothing else changes.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox};

/// A clone on branches, whose `api` and fleet have moved on at their remotes; `web` has a new branch there.
fn moved_on() -> Sandbox {
    let sandbox = Sandbox::scripted("served");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.flota("ours", &["switch", "main"]);
    for (repository, branch) in [("api", "main"), ("fleet", "main"), ("web", "feature")] {
        let theirs = format!("theirs-{repository}");
        sandbox.git("", &["clone", "--quiet", repository, &theirs]);
        let message = ["commit", "--quiet", "--allow-empty", "--message", "Theirs"];
        sandbox.git(&theirs, &message);
        let to = format!("HEAD:refs/heads/{branch}");
        sandbox.git(&theirs, &["push", "--quiet", "origin", &to]);
    }
    sandbox
}

fn at(service: &str) -> String {
    format!("ours/code-repos/{service}")
}

fn fetch(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, Value) {
    let mut all = vec!["fetch", "--format", "json"];
    all.extend(arguments);
    let ran = sandbox.flota("ours", &all);
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran, told)
}

fn outcomes(told: &Value) -> BTreeMap<&str, &str> {
    let services = told["services"].as_array().unwrap().iter();
    let all = services.chain([&told["fleet"]]).filter_map(|one| {
        let path = one["path"].as_str()?;
        let name = path.strip_prefix("code-repos/").unwrap_or(path);
        Some((name, one["outcome"].as_str()?))
    });
    all.collect()
}

/// References, HEAD, index and files of all repositories.
fn state(sandbox: &Sandbox, what: &[&str]) -> String {
    let services = ["api", "auth", "cart", "docs", "pay", "web"].map(at);
    let dirs = services.iter().map(String::as_str).chain(["ours"]);
    dirs.map(|dir| sandbox.git(dir, what)).collect()
}

#[test]
fn what_is_new_is_fetched_as_git_fetches_it() {
    let sandbox = moved_on();
    let files = ["status", "--porcelain=v2"];
    let heads = ["for-each-ref", "refs/heads"];
    let before = (state(&sandbox, &files), state(&sandbox, &heads));
    // One with `git fetch` in each.
    let copy = std::process::Command::new("cp")
        .args(["-r", "ours", "gits"])
        .current_dir(sandbox.root())
        .status();
    assert!(copy.unwrap().success());
    insta::assert_snapshot!(sandbox.flota("ours", &["fetch"]).transcript());
    assert_eq!((state(&sandbox, &files), state(&sandbox, &heads)), before);
    for service in ["api", "auth", "web"] {
        let dir = format!("gits/code-repos/{service}");
        sandbox.git(&dir, &["fetch", "--quiet"]);
        let refs = |dir: &str| sandbox.git(dir, &["for-each-ref"]);
        assert_eq!(refs(&at(service)), refs(&dir), "{service}");
    }
    sandbox.git("gits", &["fetch", "--quiet", "--no-recurse-submodules"]);
    let refs = |dir: &str| sandbox.git(dir, &["for-each-ref"]);
    assert_eq!(refs("ours"), refs("gits"));
    let (_, again) = fetch(&sandbox, &[]);
    assert!(
        outcomes(&again)
            .values()
            .all(|outcome| *outcome == "unchanged")
    );
    assert_eq!(again["services"][0]["behind"], 1);
}

#[test]
fn a_dry_run_says_the_same_and_fetches_nothing() {
    let sandbox = moved_on();
    let refs = state(&sandbox, &["for-each-ref"]);
    let (ran, planned) = fetch(&sandbox, &["--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(state(&sandbox, &["for-each-ref"]), refs);
    let (_, done) = fetch(&sandbox, &[]);
    assert_eq!(outcomes(&planned), outcomes(&done));
    for index in [0, 5] {
        assert_eq!(
            planned["services"][index]["branches"],
            done["services"][index]["branches"]
        );
    }
    assert_eq!(planned["fleet"]["branches"], done["fleet"]["branches"]);
}

#[test]
fn a_server_that_is_gone_costs_its_service_alone() {
    let sandbox = moved_on();
    fs::rename(sandbox.path("auth"), sandbox.path("gone")).unwrap();
    fs::remove_dir_all(sandbox.path(at("docs"))).unwrap();
    sandbox.git(at("pay"), &["remote", "remove", "origin"]);
    let (ran, told) = fetch(&sandbox, &[]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let wanted = [
        ("api", "fetched"),
        ("auth", "failed"),
        ("cart", "unchanged"),
        ("docs", "uninitialised"),
        ("pay", "unchanged"),
        ("web", "fetched"),
        (".", "fetched"),
    ];
    assert_eq!(outcomes(&told), wanted.into());
    assert!(
        ran.stderr.contains("── code-repos/auth\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn pruning_is_the_users_choice() {
    let sandbox = moved_on();
    fetch(&sandbox, &[]);
    sandbox.git(
        "web",
        &["branch", "--quiet", "--delete", "--force", "feature"],
    );
    let (_, told) = fetch(&sandbox, &["web"]);
    assert_eq!(outcomes(&told), [("web", "unchanged")].into());
    sandbox.git(at("web"), &["config", "fetch.prune", "true"]);
    let (_, told) = fetch(&sandbox, &["web"]);
    let branches = &told["services"][0]["branches"];
    assert_eq!(branches[0]["name"], "feature");
    assert_eq!(branches[0]["to"], json!(null));
    assert_eq!(told["fleet"], json!(null));
}

#[test]
fn no_hook_runs() {
    let sandbox = moved_on();
    let hook = sandbox.path("ours/.git/modules/api/hooks/reference-transaction");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ntouch ../../../canary\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let (ran, told) = fetch(&sandbox, &["api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&told)["api"], "fetched");
    assert!(!sandbox.path("ours/canary").exists() && !sandbox.path("canary").exists());
}
