//! `flota push`: services first, never by force, and no pin of the fleet that nobody else can fetch.

use std::{collections::BTreeMap, fs};

use serde_json::json;

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

/// A commit on the branch that the service is on.
fn work(sandbox: &Sandbox, dir: &str) {
    let message = format!("--message=Of {dir}");
    sandbox.git(dir, &["commit", "--quiet", "--allow-empty", &message]);
}

/// The same, pinned by a commit of the fleet.
fn pinned(sandbox: &Sandbox, service: &str) {
    work(sandbox, &at(service));
    sandbox.git("ours", &["add", &format!("code-repos/{service}")]);
    let message = format!("--message=Move {service}");
    sandbox.git("ours", &["commit", "--quiet", &message]);
}

fn push(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, serde_json::Value) {
    let mut all = vec!["push", "--format", "json"];
    all.extend(arguments);
    let ran = sandbox.flota("ours", &all);
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran, told)
}

/// By service; the fleet is `.`.
fn outcomes(told: &serde_json::Value) -> BTreeMap<&str, &str> {
    let services = told["services"].as_array().unwrap().iter();
    let one = |one| -> Option<(&str, &str)> {
        let one: &serde_json::Value = one;
        let path = one["path"].as_str()?;
        let name = path.strip_prefix("code-repos/").unwrap_or(path);
        Some((name, one["outcome"].as_str()?))
    };
    services.chain([&told["fleet"]]).filter_map(one).collect()
}

#[test]
fn services_go_before_the_fleet() {
    let sandbox = on_branches();
    pinned(&sandbox, "api");
    pinned(&sandbox, "web");
    // Whoever gets the fleet's commit gets its pins: the server itself looks.
    sandbox.hook(
        "fleet",
        "pre-receive",
        "read -r _ new _
        for service in api web; do
          pin=$(git rev-parse \"$new:code-repos/$service\")
          env -u GIT_OBJECT_DIRECTORY -u GIT_QUARANTINE_PATH git --git-dir=\"../$service\" cat-file -e \"$pin\" || exit 1
        done",
    );
    insta::assert_snapshot!(sandbox.flota("ours", &["push"]).transcript());
    for service in ["api", "web"] {
        let ours = sandbox.tip(&at(service), "main");
        assert_eq!(sandbox.tip(service, "main"), ours);
    }
    assert_eq!(sandbox.tip("fleet", "main"), sandbox.tip("ours", "main"));
    // Everything is there, and everybody knows.
    insta::assert_snapshot!(sandbox.flota("ours", &["push"]).transcript());
    assert_eq!(sandbox.git("ours", &["status", "--short"]), "");
}

#[test]
fn a_new_branch_gets_an_upstream_where_it_has_commits() {
    let sandbox = on_branches();
    let ran = sandbox.flota("ours", &["switch", "--create", "feature"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("ours", &["switch", "--quiet", "--create", "feature"]);
    pinned(&sandbox, "api");
    let (ran, told) = push(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let outcomes = outcomes(&told);
    assert_eq!((outcomes["api"], outcomes["."]), ("created", "created"));
    assert_eq!(outcomes["web"], "unchanged");
    assert_eq!(told["services"][0]["target"], "origin/feature");
    for dir in ["ours", &at("api")] {
        let upstream = sandbox.git(dir, &["rev-parse", "--abbrev-ref", "feature@{upstream}"]);
        assert_eq!(upstream, "origin/feature\n");
    }
    let refs = sandbox.git("web", &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs, "refs/heads/main\n");
}

/// One row each: what a service may be like, what becomes of it, and of a fleet that pins it.
#[test]
fn each_state_of_a_service_is_pushed_or_named() {
    type Prepare = fn(&Sandbox);
    let upstream = |sandbox: &Sandbox| {
        sandbox.git("", &["clone", "--quiet", "api", "theirs"]);
        work(sandbox, "theirs");
        sandbox.git("theirs", &["push", "--quiet", "origin", "HEAD:main"]);
    };
    let rows: [(&str, Prepare, &str, &str, i32); 10] = [
        ("clean", |_| {}, "unchanged", "unchanged", 0),
        (
            "uncommitted",
            |sandbox| fs::write(sandbox.path(at("api")).join("code/app"), "mine").unwrap(),
            "unchanged",
            "unchanged",
            0,
        ),
        (
            "detached at the pin",
            |sandbox| drop(sandbox.git(at("api"), &["switch", "--quiet", "--detach"])),
            "unchanged",
            "unchanged",
            0,
        ),
        (
            "detached with commits, and pinned",
            |sandbox| {
                sandbox.git(at("api"), &["switch", "--quiet", "--detach"]);
                pinned(sandbox, "api");
            },
            "left",
            "left",
            4,
        ),
        (
            "ahead",
            |sandbox| pinned(sandbox, "api"),
            "pushed",
            "pushed",
            0,
        ),
        (
            "ahead, and not pinned",
            |sandbox| work(sandbox, &at("api")),
            "pushed",
            "unchanged",
            0,
        ),
        (
            "without a remote",
            |sandbox| {
                sandbox.git(at("api"), &["remote", "remove", "origin"]);
                pinned(sandbox, "api");
            },
            "left",
            "left",
            4,
        ),
        (
            "refused by a hook of the user's",
            |sandbox| {
                let git_dir = "ours/.git/modules/api";
                sandbox.hook(git_dir, "pre-push", "echo not today; exit 1");
                pinned(sandbox, "api");
            },
            "failed",
            "left",
            4,
        ),
        (
            "refused by the server",
            |sandbox| {
                sandbox.hook("api", "pre-receive", "echo main is protected; exit 1");
                pinned(sandbox, "api");
            },
            "failed",
            "left",
            4,
        ),
        (
            "following a branch with another name",
            |sandbox| {
                let create = ["switch", "--quiet", "--create", "mine", "--track"];
                sandbox.git(at("api"), &[&create[..], &["origin/main"]].concat());
                pinned(sandbox, "api");
            },
            "left",
            "left",
            4,
        ),
    ];
    for (state, prepare, service, fleet, exit) in rows {
        let sandbox = on_branches();
        prepare(&sandbox);
        let before = ["api", "fleet"].map(|dir| sandbox.tip(dir, "main"));
        let (ran, told) = push(&sandbox, &[]);
        let outcomes = outcomes(&told);
        assert_eq!(
            (outcomes["api"], outcomes["."], ran.status),
            (service, fleet, Some(exit)),
            "{state}: {}",
            ran.stderr
        );
        let after = ["api", "fleet"].map(|dir| sandbox.tip(dir, "main"));
        assert_eq!(before[0] != after[0], service == "pushed", "{state}");
        assert_eq!(before[1] != after[1], fleet == "pushed", "{state}");
        for outcome in ["left", "failed"] {
            let is_told = ran.stderr.contains("── code-repos/api\n");
            assert!(service != outcome || is_told, "{state}: {}", ran.stderr);
        }
    }
    // The server has moved on: seen by a fetch, or not.
    for is_fetched in [true, false] {
        let sandbox = on_branches();
        upstream(&sandbox);
        pinned(&sandbox, "api");
        if is_fetched {
            sandbox.git(at("api"), &["fetch", "--quiet"]);
        }
        let before = sandbox.tip("api", "main");
        let (ran, told) = push(&sandbox, &[]);
        let outcomes = outcomes(&told);
        assert_eq!((outcomes["api"], outcomes["."]), ("left", "left"));
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
        assert_eq!(sandbox.tip("api", "main"), before);
        let hint = "hint: bring them together: git -C ";
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    }
}

/// Whatever is configured, nothing of the server's is overwritten.
#[test]
fn nothing_is_forced() {
    let sandbox = on_branches();
    sandbox.git("", &["clone", "--quiet", "api", "theirs"]);
    work(&sandbox, "theirs");
    sandbox.git("theirs", &["push", "--quiet", "origin", "HEAD:main"]);
    let before = sandbox.tip("api", "main");
    work(&sandbox, &at("api"));
    let force = "+refs/heads/*:refs/heads/*";
    sandbox.git(at("api"), &["config", "remote.origin.push", force]);
    let (ran, _) = push(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(sandbox.tip("api", "main"), before);
}

/// A fork has the pin, and whoever clones the fleet asks somebody else.
#[test]
fn a_fork_vouches_for_no_pin() {
    let sandbox = on_branches();
    sandbox.git("", &["clone", "--quiet", "--bare", "api", "fork"]);
    let fork = sandbox.path("fork");
    let fork = fork.to_str().unwrap();
    let url = ["remote", "set-url", "--push", "origin", fork];
    sandbox.git(at("api"), &url);
    // Nor does the fleet's own configuration here.
    sandbox.git("ours", &["config", "submodule.api.url", fork]);
    pinned(&sandbox, "api");
    let (_, planned) = push(&sandbox, &["--dry-run"]);
    let (ran, told) = push(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&told), outcomes(&planned));
    let outcomes = outcomes(&told);
    assert_eq!((outcomes["api"], outcomes["."]), ("pushed", "left"));
    assert!(
        ran.stderr.contains("where .gitmodules says"),
        "{}",
        ran.stderr
    );
    assert_ne!(sandbox.tip("fleet", "main"), sandbox.tip("ours", "main"));
}

/// Nobody can check out a commit of the fleet halfway, either.
#[test]
fn pins_of_every_commit_are_looked_for() {
    let sandbox = on_branches();
    sandbox.git(at("api"), &["switch", "--quiet", "--create", "lost"]);
    pinned(&sandbox, "api");
    sandbox.git(at("api"), &["switch", "--quiet", "main"]);
    sandbox.git("ours", &["add", "code-repos/api"]);
    sandbox.git("ours", &["commit", "--quiet", "--message", "Back"]);
    let (ran, told) = push(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&told)["."], "left");
    // Where the branch is pushed too, everything is there.
    sandbox.git(at("api"), &["push", "--quiet", "origin", "lost"]);
    let (ran, told) = push(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&told)["."], "pushed");
}

#[test]
fn a_pin_that_is_not_listed_can_be_cloned_by_nobody() {
    let sandbox = on_branches();
    let id = sandbox.tip(&at("api"), "HEAD");
    let entry = format!("160000,{id},code-repos/stray");
    sandbox.git("ours", &["update-index", "--add", "--cacheinfo", &entry]);
    sandbox.git("ours", &["commit", "--quiet", "--message", "Stray"]);
    let (ran, told) = push(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&told)["."], "left");
    assert!(ran.stderr.contains("code-repos/stray"), "{}", ran.stderr);
}

#[test]
fn a_dry_run_says_the_same_and_pushes_nothing() {
    let sandbox = on_branches();
    pinned(&sandbox, "api");
    let refs = || {
        let dirs = ["api", "fleet", "ours"].into_iter();
        let all = dirs.map(|dir| sandbox.git(dir, &["for-each-ref"]));
        all.collect::<Vec<_>>()
    };
    let before = refs();
    let (ran, planned) = push(&sandbox, &["--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(refs(), before);
    let (_, done) = push(&sandbox, &[]);
    assert_eq!(planned, done);
}

#[test]
fn named_services_go_with_the_fleet() {
    let sandbox = on_branches();
    pinned(&sandbox, "api");
    work(&sandbox, &at("web"));
    let (ran, told) = push(&sandbox, &["api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let wanted = [("api", "pushed"), (".", "pushed")];
    assert_eq!(outcomes(&told), wanted.into());
    assert_ne!(sandbox.tip("web", "main"), sandbox.tip(&at("web"), "main"));
}

/// What a nested submodule has alone would be missing from the service.
#[test]
fn a_nested_submodule_that_is_not_pushed_keeps_its_service() {
    let sandbox = on_branches();
    let dir = at("api");
    sandbox.git(&dir, &["submodule", "--quiet", "add", "../web", "lib"]);
    work(&sandbox, &format!("{dir}/lib"));
    sandbox.git(&dir, &["add", "lib"]);
    sandbox.git(&dir, &["commit", "--quiet", "--message", "Use lib"]);
    let (ran, told) = push(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&told)["api"], "left");
    assert!(ran.stderr.contains("lib"), "{}", ran.stderr);
}

#[test]
fn the_json_says_where_each_branch_went() {
    let sandbox = on_branches();
    work(&sandbox, &at("api"));
    let (_, told) = push(&sandbox, &["api"]);
    assert_eq!(told["schema"], "flota.push/v1");
    assert_eq!(
        told["services"],
        json!([{
            "path": "code-repos/api",
            "outcome": "pushed",
            "branch": "main",
            "target": "origin/main",
            "commits": 1,
            "error": null,
        }])
    );
}
