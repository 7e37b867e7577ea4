//! Submodules of services, at every level, in every command.

use std::fs;

use crate::sandbox::{Ran, Sandbox};

const API: &str = "ours/code-repos/api";
const LIB: &str = "ours/code-repos/api/code/lib";
const CORE: &str = "ours/code-repos/api/code/lib/core";

/// A clone of a fleet whose `api` has a submodule `lib`, which has a submodule `core`.
fn cloned() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git("", &["init", "--quiet", "core"]);
    fs::write(sandbox.path("core/file"), "core").unwrap();
    sandbox.git("core", &["add", "file"]);
    sandbox.git("core", &["commit", "--quiet", "--message=Start"]);
    sandbox.git("lib", &["submodule", "--quiet", "add", "../core", "core"]);
    sandbox.git("lib", &["commit", "--quiet", "--message=Use core"]);
    sandbox.git("api/code/lib", &["pull", "--quiet", "origin", "main"]);
    sandbox.commit_and_pin("api", "Use the new lib");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(sandbox.path(CORE).join("file").is_file());
    sandbox
}

fn commit(sandbox: &Sandbox, dir: &str) {
    sandbox.git(
        dir,
        &["commit", "--quiet", "--allow-empty", "--message=Mine"],
    );
}

/// Commits the submodule at `path` where it is.
fn pin(sandbox: &Sandbox, dir: &str, path: &str) {
    sandbox.git(dir, &["commit", "--quiet", "--message=Move", "--", path]);
}

fn push(sandbox: &Sandbox, dir: &str) {
    sandbox.git(dir, &["push", "--quiet", "origin", "HEAD:refs/heads/mine"]);
}

#[test]
fn status_tells_of_every_level() {
    type Change = (&'static str, fn(&Sandbox, &str));
    let changes: [Change; 7] = [
        ("1 untracked", |sandbox, dir| {
            fs::write(sandbox.path(dir).join("notes"), "mine").unwrap();
        }),
        ("1 staged", |sandbox, dir| {
            fs::write(sandbox.path(dir).join("notes"), "mine").unwrap();
            sandbox.git(dir, &["add", "notes"]);
        }),
        ("1 ahead", |sandbox, dir| commit(sandbox, dir)),
        ("1 behind", |sandbox, dir| {
            // Another parent of the pin, which is not a merge.
            let pin = sandbox.git(dir, &["rev-parse", "HEAD"]);
            commit(sandbox, dir);
            sandbox.git(dir, &["update-ref", "refs/heads/x", "HEAD"]);
            let moved = sandbox.git(dir, &["rev-parse", "HEAD"]);
            let above = dir.rsplit_once('/').unwrap().0;
            let (above, path) = match above.ends_with("/code") {
                true => (above.strip_suffix("/code").unwrap(), "code/lib"),
                false => (above, "core"),
            };
            let link = format!("160000,{},{path}", moved.trim());
            sandbox.git(above, &["update-index", "--cacheinfo", &link]);
            sandbox.git(dir, &["switch", "--quiet", "--detach", pin.trim()]);
        }),
        ("not initialised", |sandbox, dir| {
            fs::remove_dir_all(sandbox.path(dir)).unwrap();
            fs::create_dir(sandbox.path(dir)).unwrap();
        }),
        ("unreadable", |sandbox, dir| {
            fs::write(sandbox.path(dir).join(".git"), "gitdir: nowhere\n").unwrap();
        }),
        ("1 commit", |sandbox, dir| commit(sandbox, dir)),
    ];
    for (want, change) in changes {
        for dir in [LIB, CORE] {
            let sandbox = cloned();
            change(&sandbox, dir);
            let ran = sandbox.flota("ours", &["status"]);
            let told = ran.text();
            let path = dir.strip_prefix("ours/").unwrap();
            let row = told
                .lines()
                .find(|line| line.starts_with(&format!("{path} ")));
            let row = row.unwrap_or_else(|| panic!("{want} in {path}: {told}"));
            assert!(row.contains(want), "{want} in {path}: {told}");
            assert!(told.ends_with("1 of 2 services in step\n"), "{told}");
            let json = sandbox.flota("ours", &["status", "--format=json"]);
            let told: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
            let nested = told["services"][0]["nested"].as_array().unwrap();
            assert!(nested.iter().any(|one| one["path"] == path), "{told}");
        }
    }
    let sandbox = cloned();
    let ran = sandbox.flota("ours", &["status"]);
    assert_eq!(ran.stdout, b"2 of 2 services in step\n", "{}", ran.stderr);
    // What nobody wants to have is not missed.
    sandbox.git(LIB, &["config", "submodule.core.active", "false"]);
    fs::remove_dir_all(sandbox.path(CORE)).unwrap();
    fs::create_dir(sandbox.path(CORE)).unwrap();
    let ran = sandbox.flota("ours", &["status"]);
    assert_eq!(ran.stdout, b"2 of 2 services in step\n", "{}", ran.stderr);
}

fn bump(sandbox: &Sandbox) -> Ran {
    sandbox.flota("ours", &["bump", "api"])
}

#[test]
fn bump_and_check_refuse_a_commit_whose_nested_pins_nobody_can_fetch() {
    let sandbox = cloned();
    sandbox.git("ours", &["config", "core.hooksPath", "/dev/null"]);
    // core moves and is not pushed; lib and api, which pin it, are.
    commit(&sandbox, CORE);
    pin(&sandbox, LIB, "core");
    push(&sandbox, LIB);
    pin(&sandbox, API, "code/lib");
    push(&sandbox, API);
    let ran = bump(&sandbox);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("code-repos/api/code/lib/core"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        sandbox.git("ours", &["diff", "--cached", "--name-only"]),
        ""
    );

    sandbox.git("ours", &["commit", "--quiet", "--all", "--message=By hand"]);
    let check =
        |offline: &[&str]| sandbox.flota("ours", &[&["check", "HEAD~1..HEAD"], offline].concat());
    for offline in [&[][..], &["--offline"]] {
        let ran = check(offline);
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("code-repos/api/code/lib/core"),
            "{}",
            ran.stderr
        );
    }
    // The same where nothing of it is checked out: what it takes to tell is fetched.
    sandbox.git(
        "ours",
        &["push", "--quiet", "origin", "HEAD:refs/heads/mine"],
    );
    sandbox.git("", &["clone", "--quiet", "--branch=mine", "fleet", "plain"]);
    let ran = sandbox.flota("plain", &["check", "HEAD~1..HEAD"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("code-repos/api/code/lib/core"),
        "{}",
        ran.stderr
    );

    push(&sandbox, CORE);
    let ran = check(&[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let ran = sandbox.flota("plain", &["check", "HEAD~1..HEAD"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("ours", &["reset", "--quiet", "--soft", "HEAD~1"]);
    sandbox.git("ours", &["reset", "--quiet"]);
    let ran = bump(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn bump_takes_a_nested_pin_that_the_server_has_though_no_fetch_saw_it() {
    let sandbox = cloned();
    // Made at the server by somebody else, and known here by its id alone.
    commit(&sandbox, "core");
    let newer = sandbox.git("core", &["rev-parse", "HEAD"]);
    let link = format!("160000,{},core", newer.trim());
    sandbox.git(LIB, &["update-index", "--cacheinfo", &link]);
    sandbox.git(LIB, &["commit", "--quiet", "--message=Move"]);
    push(&sandbox, LIB);
    pin(&sandbox, API, "code/lib");
    push(&sandbox, API);
    let ran = bump(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    // Nothing was fetched into the user's repository.
    let here = sandbox.git_output(CORE, &["cat-file", "-e", newer.trim()]);
    assert!(!here.status.success());
}

/// A branch `feature` of api, whose lib and core are one commit further.
fn with_feature() -> Sandbox {
    let sandbox = cloned();
    commit(&sandbox, "core");
    sandbox.git("lib/core", &["pull", "--quiet", "origin", "main"]);
    pin(&sandbox, "lib", "core");
    sandbox.git("api", &["switch", "--quiet", "--create", "feature"]);
    sandbox.git("api/code/lib", &["pull", "--quiet", "origin", "main"]);
    pin(&sandbox, "api", "code/lib");
    sandbox.git("api", &["switch", "--quiet", "main"]);
    sandbox.git(API, &["fetch", "--quiet", "--no-recurse-submodules"]);
    sandbox
}

#[test]
fn switch_takes_the_submodules_of_services_along() {
    let sandbox = with_feature();
    let ran = sandbox.flota("ours", &["switch", "feature"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.git(API, &["status", "--porcelain"]), "");
    for (there, here) in [("lib", LIB), ("core", CORE)] {
        let head = |dir: &str| sandbox.git(dir, &["rev-parse", "HEAD"]);
        assert_eq!(head(there), head(here));
    }
    // And back; what would be lost stays where it is, and is named.
    fs::write(sandbox.path(CORE).join("file"), "mine").unwrap();
    sandbox.git(API, &["branch", "--quiet", "old", "origin/main"]);
    let ran = sandbox.flota("ours", &["switch", "old", "api", "--format=json"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("code-repos/api/code/lib/core"),
        "{}",
        ran.stderr
    );
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let nested = told["services"][0]["submodules"].as_array().unwrap();
    let outcomes: Vec<_> = nested
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["moved", "left"], "{told}");
    assert_eq!(fs::read(sandbox.path(CORE).join("file")).unwrap(), b"mine");
}

#[test]
fn a_dry_run_of_switch_moves_no_submodule() {
    let sandbox = with_feature();
    let before = sandbox.git(LIB, &["rev-parse", "HEAD"]);
    let ran = sandbox.flota("ours", &["switch", "feature", "--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.git(LIB, &["rev-parse", "HEAD"]), before);
}

#[test]
fn commit_names_the_service_below_which_work_is_staged() {
    for (dir, shown) in [
        (LIB, "code-repos/api/code/lib"),
        (CORE, "code-repos/api/code/lib/core"),
    ] {
        let sandbox = cloned();
        assert_eq!(sandbox.flota("ours", &["switch", "main"]).status, Some(0));
        fs::write(sandbox.path(dir).join("notes"), "mine").unwrap();
        sandbox.git(dir, &["add", "notes"]);
        // Staged work of the service itself would be committed without what belongs to it.
        for is_staged in [false, true] {
            if is_staged {
                fs::write(sandbox.path(API).join("notes"), "mine").unwrap();
                sandbox.git(API, &["add", "notes"]);
            }
            let before = sandbox.tip(API, "HEAD");
            let ran = sandbox.flota("ours", &["commit", "--message=Mine"]);
            assert_eq!(ran.status, Some(4), "{}", ran.stderr);
            let named = format!("its submodule `{shown}` has staged work");
            assert!(ran.stderr.contains(&named), "{}", ran.stderr);
            assert_eq!(sandbox.tip(API, "HEAD"), before);
        }
    }
}

#[test]
fn a_switch_that_was_interrupted_below_a_service_goes_on() {
    let sandbox = with_feature();
    let pin = sandbox.tip(LIB, "HEAD");
    let ran = sandbox.flota("ours", &["switch", "feature"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let followed = sandbox.tip(LIB, "HEAD");
    assert_ne!(followed, pin);
    let note = sandbox.path("ours/.git/modules/api/flota-switch");
    assert!(!note.exists());
    sandbox.git(LIB, &["switch", "--quiet", "--detach", &pin]);
    // Where somebody put it, it stays.
    let ran = sandbox.flota("ours", &["switch", "feature"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.tip(LIB, "HEAD"), pin);
    // What a run leaves that ends between the service and its submodules.
    fs::write(&note, sandbox.tip(API, "HEAD")).unwrap();
    let ran = sandbox.flota("ours", &["switch", "feature"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.tip(LIB, "HEAD"), followed);
    assert!(!note.exists());
}
