//! `flota branch`: listed as git lists them, made in each service, and deleted where nothing is lost.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox};

/// A clone whose services are on `main`.
fn on_branches() -> Sandbox {
    let sandbox = Sandbox::scripted("served");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let ran = sandbox.flota("ours", &["switch", "main"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox
}

fn at(service: &str) -> String {
    format!("ours/code-repos/{service}")
}

fn work(sandbox: &Sandbox, dir: &str) {
    let args = ["commit", "--quiet", "--allow-empty", "--message", "Mine"];
    sandbox.git(dir, &args);
}

fn branch(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, Value) {
    let mut all = vec!["branch", "--format", "json"];
    all.extend(arguments);
    let ran = sandbox.flota("ours", &all);
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran, told)
}

/// The outcome of each branch, by `service` or `service:branch` where there is one.
fn outcomes(told: &Value) -> BTreeMap<String, &str> {
    let all = told["services"].as_array().unwrap().iter();
    let one = |one| -> Option<(String, &str)> {
        let one: &Value = one;
        let path = one["path"].as_str()?.strip_prefix("code-repos/")?;
        let name = match one["branch"].as_str() {
            Some(branch) => format!("{path}:{branch}"),
            None => path.to_owned(),
        };
        Some((name, one["outcome"].as_str()?))
    };
    all.filter_map(one).collect()
}

#[test]
fn branches_are_listed_as_git_has_them() {
    let sandbox = on_branches();
    let api = at("api");
    sandbox.git(&api, &["branch", "--quiet", "merged"]);
    sandbox.git(&api, &["switch", "--quiet", "--create", "feature/x"]);
    work(&sandbox, &api);
    sandbox.git(
        &api,
        &["branch", "--quiet", "--set-upstream-to=origin/main"],
    );
    let ran = sandbox.flota("ours", &["branch", "-s", "api", "-s", "web"]);
    insta::assert_snapshot!(ran.transcript());
    let (_, told) = branch(&sandbox, &["--service", "api"]);
    let form = "--format=%(refname:short) %(objectname) %(upstream:short) %(HEAD)";
    let by_git = sandbox.git(&api, &["for-each-ref", "refs/heads", form]);
    let listed = told["services"][0]["branches"].as_array().unwrap().iter();
    let line = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let mark = if one["current"] == true { "*" } else { " " };
        format!(
            "{} {} {} {mark}\n",
            text("name"),
            text("commit"),
            text("upstream")
        )
    };
    assert_eq!(listed.map(line).collect::<String>(), by_git);
}

#[test]
fn a_branch_is_made_in_each_and_nobody_moves() {
    let sandbox = on_branches();
    sandbox.git("web", &["branch", "--quiet", "mine"]);
    sandbox.git(at("web"), &["fetch", "--quiet"]);
    work(&sandbox, &at("cart"));
    sandbox.git(at("cart"), &["branch", "--quiet", "mine", "HEAD~1"]);
    sandbox.git(at("docs"), &["branch", "--quiet", "mine"]);
    fs::remove_dir_all(sandbox.path(at("pay"))).unwrap();
    let wanted = [
        ("api:mine", "created"),
        ("auth:mine", "created"),
        ("cart:mine", "left"),
        ("docs:mine", "unchanged"),
        ("pay", "uninitialised"),
        ("web:mine", "created"),
    ];
    let wanted = BTreeMap::from(wanted.map(|(name, outcome)| (name.to_owned(), outcome)));
    let (ran, planned) = branch(&sandbox, &["mine", "--dry-run"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&planned), wanted);
    assert_eq!(sandbox.git(at("api"), &["branch", "--list", "mine"]), "");
    let (ran, done) = branch(&sandbox, &["mine"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(done, planned);
    for service in ["api", "auth", "web"] {
        let current = sandbox.git(at(service), &["branch", "--show-current"]);
        assert_eq!(current, "main\n");
    }
    let upstream = sandbox.git(at("web"), &["rev-parse", "--abbrev-ref", "mine@{upstream}"]);
    assert_eq!(upstream, "origin/mine\n");
    let ran = sandbox.flota("ours", &["branch", "--", "-x"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
}

/// One row each: a branch, and whether it may go.
#[test]
fn only_what_the_remote_has_is_deleted() {
    type Prepare = fn(&Sandbox, &str);
    let rows: [(&str, Prepare, &str); 7] = [
        (
            "at the default branch",
            |sandbox, dir| drop(sandbox.git(dir, &["branch", "--quiet", "mine"])),
            "deleted",
        ),
        (
            "with a commit of its own",
            |sandbox, dir| {
                sandbox.git(dir, &["switch", "--quiet", "--create", "mine"]);
                work(sandbox, dir);
                sandbox.git(dir, &["switch", "--quiet", "main"]);
            },
            "left",
        ),
        (
            "with a commit that its upstream has",
            |sandbox, dir| {
                sandbox.git(dir, &["switch", "--quiet", "--create", "mine"]);
                work(sandbox, dir);
                sandbox.git(
                    dir,
                    &["push", "--quiet", "--set-upstream", "origin", "mine"],
                );
                sandbox.git(dir, &["switch", "--quiet", "main"]);
            },
            "deleted",
        ),
        (
            "merged here, and not pushed",
            |sandbox, dir| {
                sandbox.git(dir, &["switch", "--quiet", "--create", "mine"]);
                work(sandbox, dir);
                sandbox.git(dir, &["switch", "--quiet", "main"]);
                sandbox.git(dir, &["merge", "--quiet", "mine"]);
            },
            "left",
        ),
        (
            "HEAD is on it",
            |sandbox, dir| drop(sandbox.git(dir, &["switch", "--quiet", "--create", "mine"])),
            "left",
        ),
        (
            "checked out in another worktree",
            |sandbox, dir| {
                sandbox.git(dir, &["branch", "--quiet", "mine"]);
                let other = sandbox.path("other");
                let add = [
                    "worktree",
                    "add",
                    "--quiet",
                    other.to_str().unwrap(),
                    "mine",
                ];
                sandbox.git(dir, &add);
            },
            "failed",
        ),
        ("not there", |_, _| {}, "absent"),
    ];
    for (state, prepare, wanted) in rows {
        let sandbox = on_branches();
        prepare(&sandbox, &at("api"));
        let before = sandbox.git(at("api"), &["branch", "--list", "mine"]);
        let (ran, told) = branch(&sandbox, &["--delete", "mine", "-s", "api"]);
        assert_eq!(
            outcomes(&told)["api:mine"],
            wanted,
            "{state}: {}",
            ran.stderr
        );
        let after = sandbox.git(at("api"), &["branch", "--list", "mine"]);
        match wanted {
            "deleted" => assert_eq!(after, "", "{state}"),
            _ => assert_eq!(after, before, "{state}"),
        }
        let exit = match wanted {
            "left" => 4,
            "failed" => 1,
            _ => 0,
        };
        assert_eq!(ran.status, Some(exit), "{state}: {}", ran.stderr);
    }
}

#[test]
fn all_that_is_merged_is_deleted_but_for_default_and_current_branches() {
    let sandbox = on_branches();
    for service in ["api", "web"] {
        sandbox.git(at(service), &["branch", "--quiet", "one"]);
        sandbox.git(at(service), &["branch", "--quiet", "two"]);
    }
    sandbox.git(at("web"), &["switch", "--quiet", "two"]);
    sandbox.git(at("api"), &["switch", "--quiet", "--create", "open"]);
    work(&sandbox, &at("api"));
    let (ran, planned) = branch(&sandbox, &["--delete", "--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let (ran, done) = branch(&sandbox, &["--delete"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(planned, done);
    let deleted: Vec<_> = outcomes(&done)
        .into_iter()
        .filter(|(_, outcome)| *outcome == "deleted")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(deleted, ["api:one", "api:two", "web:one"]);
    let left = |service: &str| sandbox.git(at(service), &["branch", "--format=%(refname:short)"]);
    assert_eq!(left("api"), "main\nopen\n");
    assert_eq!(left("web"), "main\ntwo\n");
}

#[test]
fn without_a_default_branch_nothing_counts_as_merged() {
    let sandbox = on_branches();
    sandbox.git(at("api"), &["remote", "set-head", "--delete", "origin"]);
    sandbox.git(at("api"), &["branch", "--quiet", "mine"]);
    let (ran, told) = branch(&sandbox, &["--delete", "-s", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(told["services"][0]["outcome"], json!("absent"));
    let (ran, told) = branch(&sandbox, &["--delete", "mine", "-s", "api"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(told["services"][0]["outcome"], json!("left"));
}
