//! `flota commit`: staged work of the services, then their pins, and nothing that was not meant.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

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

fn write(sandbox: &Sandbox, service: &str, text: &str) {
    fs::write(sandbox.path(at(service)).join("code/app"), text).unwrap();
}

fn stage(sandbox: &Sandbox, service: &str) {
    write(sandbox, service, "mine");
    sandbox.git(at(service), &["add", "code/app"]);
}

fn commit(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, serde_json::Value) {
    let mut all = vec!["commit", "--message", "Mine", "--format", "json"];
    all.extend(arguments);
    let ran = sandbox.flota("ours", &all);
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran, told)
}

fn outcomes(told: &serde_json::Value) -> BTreeMap<&str, &str> {
    let services = told["services"].as_array().unwrap().iter();
    let one = |one| -> Option<(&str, &str)> {
        let one: &serde_json::Value = one;
        let path = one["path"].as_str()?.strip_prefix("code-repos/")?;
        Some((path, one["outcome"].as_str()?))
    };
    services.filter_map(one).collect()
}

#[test]
fn what_is_staged_is_committed_and_then_its_pins_alone() {
    let sandbox = on_branches();
    stage(&sandbox, "api");
    stage(&sandbox, "web");
    // Work that nobody staged stays as it is, here and in the fleet; so does what is staged in the fleet beside pins.
    write(&sandbox, "auth", "not staged");
    fs::write(sandbox.path("ours/other"), "staged").unwrap();
    sandbox.git("ours", &["add", "other"]);
    fs::write(sandbox.path("ours/README.md"), "not staged").unwrap();
    let before = sandbox.tip("ours", "HEAD");
    let ran = sandbox.flota("ours", &["commit", "-m", "Mine", "-m", "Because."]);
    insta::assert_snapshot!(ran.transcript());
    for service in ["api", "web"] {
        let message = sandbox.git(at(service), &["log", "-1", "--format=%B"]);
        assert_eq!(message, "Mine\n\nBecause.\n\n");
        assert_eq!(sandbox.git(at(service), &["status", "--porcelain"]), "");
        let pin = sandbox.tip("ours", &format!("HEAD:code-repos/{service}"));
        assert_eq!(pin, sandbox.tip(&at(service), "main"));
    }
    assert_eq!(sandbox.tip("ours", "HEAD~1"), before);
    let named = sandbox.git("ours", &["diff", "--name-only", "HEAD~1", "HEAD"]);
    assert_eq!(named, "code-repos/api\ncode-repos/web\n");
    let left = sandbox.git(
        "ours",
        &["status", "--porcelain", "--ignore-submodules=dirty"],
    );
    assert_eq!(left, " M README.md\nA  other\n");
    assert_eq!(
        sandbox.git(at("auth"), &["status", "--porcelain"]),
        " M code/app\n"
    );
    // A second run has nothing to do, and makes no commit.
    let head = sandbox.tip("ours", "HEAD");
    let again = sandbox.flota("ours", &["commit", "-m", "Mine"]);
    insta::assert_snapshot!(again.transcript());
    assert_eq!(sandbox.tip("ours", "HEAD"), head);
}

#[test]
fn states_in_which_a_commit_would_be_lost_or_wrong_are_left_and_named() {
    let sandbox = on_branches();
    for service in ["api", "auth", "cart", "docs", "pay", "web"] {
        stage(&sandbox, service);
    }
    sandbox.git(at("api"), &["switch", "--quiet", "--detach"]);
    // A merge that is under way, and one with a conflict.
    for service in ["auth", "cart"] {
        let dir = at(service);
        sandbox.git(&dir, &["commit", "--quiet", "--message", "Ours"]);
        sandbox.git(&dir, &["switch", "--quiet", "--create", "side", "HEAD~1"]);
        let file = if service == "auth" {
            "notes"
        } else {
            "code/app"
        };
        fs::write(sandbox.path(&dir).join(file), "theirs").unwrap();
        sandbox.git(&dir, &["add", "--all"]);
        sandbox.git(&dir, &["commit", "--quiet", "--message", "Theirs"]);
        sandbox.git(&dir, &["switch", "--quiet", "main"]);
        sandbox.git_output(&dir, &["merge", "--quiet", "--no-commit", "side"]);
    }
    fs::remove_dir_all(sandbox.path(at("docs"))).unwrap();
    sandbox.hook(
        "ours/.git/modules/pay",
        "pre-commit",
        "echo not on a Wednesday; exit 1",
    );
    let heads = ["api", "auth", "cart", "pay"].map(|one| sandbox.tip(&at(one), "HEAD"));
    let (ran, told) = commit(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let wanted = [
        ("api", "left"),
        ("auth", "left"),
        ("cart", "left"),
        ("docs", "uninitialised"),
        ("pay", "failed"),
        ("web", "committed"),
    ];
    assert_eq!(outcomes(&told), wanted.into());
    for (service, said) in [
        ("api", "its HEAD is detached"),
        ("auth", "in progress"),
        ("cart", "in conflict"),
        ("pay", "not on a Wednesday"),
    ] {
        let from = ran.stderr.find(&format!("── code-repos/{service}\n"));
        assert!(ran.stderr[from.unwrap()..].contains(said), "{}", ran.stderr);
    }
    let after = ["api", "auth", "cart", "pay"].map(|one| sandbox.tip(&at(one), "HEAD"));
    assert_eq!(heads, after);
    // No pin of those is in the fleet's commit, and none is staged.
    let named = sandbox.git("ours", &["diff", "--name-only", "HEAD~1", "HEAD"]);
    assert_eq!(named, "code-repos/web\n");
    assert_eq!(
        sandbox.git("ours", &["diff", "--cached", "--name-only"]),
        ""
    );
    // Without the failure it is the state that counts.
    let (ran, _) = commit(&sandbox, &["api", "cart"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
}

#[test]
fn hooks_and_signatures_are_the_users() {
    let sandbox = on_branches();
    stage(&sandbox, "api");
    sandbox.hook(
        "ours/.git/modules/api",
        "commit-msg",
        "echo 'Change-Id: 7' >>\"$1\"",
    );
    sandbox.hook(
        "ours/.git",
        "commit-msg",
        "echo 'Of-the-fleet: yes' >>\"$1\"",
    );
    // A signing program that signs with fixed words.
    let gpg = sandbox.path("gpg");
    fs::write(
        &gpg,
        "#!/bin/sh\ncat >/dev/null\nprintf '\\n[GNUPG:] SIG_CREATED \\n' >&2\nprintf '%s\\n' '-----BEGIN PGP SIGNATURE-----' x '-----END PGP SIGNATURE-----'\n",
    )
    .unwrap();
    fs::set_permissions(&gpg, fs::Permissions::from_mode(0o755)).unwrap();
    for dir in [at("api").as_str(), "ours"] {
        sandbox.git(dir, &["config", "commit.gpgSign", "true"]);
        sandbox.git(dir, &["config", "gpg.program", gpg.to_str().unwrap()]);
    }
    let (ran, _) = commit(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for (dir, trailer) in [(at("api").as_str(), "Change-Id"), ("ours", "Of-the-fleet")] {
        let raw = sandbox.git(dir, &["cat-file", "commit", "HEAD"]);
        assert!(
            raw.contains("\ngpgsig -----BEGIN PGP SIGNATURE-----"),
            "{raw}"
        );
        assert!(raw.contains(trailer), "{raw}");
    }
}

#[test]
fn the_fleets_own_hook_may_refuse_and_the_pins_stay_staged() {
    let sandbox = on_branches();
    stage(&sandbox, "api");
    sandbox.hook("ours/.git", "pre-commit", "echo no pins today; exit 1");
    let head = sandbox.tip("ours", "HEAD");
    let (ran, told) = commit(&sandbox, &[]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("no pins today"), "{}", ran.stderr);
    assert_eq!(outcomes(&told)["api"], "committed");
    assert_eq!(told["commit"], json!(null));
    assert!(told["error"].is_string());
    assert_eq!(sandbox.tip("ours", "HEAD"), head);
    let staged = sandbox.tip("ours", ":code-repos/api");
    assert_eq!(staged, sandbox.tip(&at("api"), "HEAD"));
}

/// In these states of the fleet nothing is committed anywhere.
#[test]
fn a_fleet_that_cannot_take_the_pins_is_told_before_anything_is_done() {
    type Prepare = fn(&Sandbox);
    let states: [(&str, Prepare); 3] = [
        ("HEAD is detached", |sandbox| {
            sandbox.git("ours", &["switch", "--quiet", "--detach"]);
        }),
        ("in progress", |sandbox| {
            let run = |args: &[&str]| drop(sandbox.git("ours", args));
            run(&["switch", "--quiet", "--create", "side"]);
            run(&["commit", "--quiet", "--allow-empty", "--message", "Side"]);
            run(&["switch", "--quiet", "main"]);
            run(&["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
        }),
        ("index has conflicts", |sandbox| {
            let blob = sandbox.tip("ours", "HEAD:README.md");
            let lines = format!("100644 {blob} 1\tREADME.md\n100644 {blob} 2\tREADME.md\n");
            fs::write(
                sandbox.path("lines"),
                format!("0 {blob}\tREADME.md\n{lines}"),
            )
            .unwrap();
            let shell = "git update-index --index-info <../lines";
            let done = sandbox.program("sh", "ours").args(["-c", shell]).status();
            assert!(done.unwrap().success());
        }),
    ];
    for (said, prepare) in states {
        let sandbox = on_branches();
        stage(&sandbox, "api");
        prepare(&sandbox);
        let head = sandbox.tip(&at("api"), "HEAD");
        let (ran, _) = commit(&sandbox, &[]);
        assert_eq!(ran.status, Some(4), "{said}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
        assert_eq!(sandbox.tip(&at("api"), "HEAD"), head, "{said}");
        // Where nothing is to be committed, the state is nobody's concern.
        let (ran, _) = commit(&sandbox, &["web"]);
        assert_eq!(ran.status, Some(0), "{said}: {}", ran.stderr);
    }
}

#[test]
fn a_dry_run_says_the_same_and_commits_nothing() {
    let sandbox = on_branches();
    stage(&sandbox, "api");
    stage(&sandbox, "web");
    sandbox.git(at("web"), &["switch", "--quiet", "--detach"]);
    let heads =
        ["ours", at("api").as_str(), at("web").as_str()].map(|dir| sandbox.tip(dir, "HEAD"));
    let (ran, planned) = commit(&sandbox, &["--dry-run"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let after =
        ["ours", at("api").as_str(), at("web").as_str()].map(|dir| sandbox.tip(dir, "HEAD"));
    assert_eq!(heads, after);
    let (_, done) = commit(&sandbox, &[]);
    assert_eq!(outcomes(&planned), outcomes(&done));
}

/// Its pin alone would be a submodule that no `.gitmodules` lists.
#[test]
fn the_pin_of_a_service_that_is_new_in_the_fleet_goes_with_gitmodules() {
    let sandbox = on_branches();
    sandbox.git("", &["clone", "--quiet", "--bare", "api", "new"]);
    let add = ["submodule", "--quiet", "add", "../new", "code-repos/new"];
    sandbox.git("ours", &add);
    stage(&sandbox, "new");
    stage(&sandbox, "api");
    let (ran, told) = commit(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(told["staged"], json!([{"path": "code-repos/new"}]));
    let named = sandbox.git("ours", &["diff", "--name-only", "HEAD~1", "HEAD"]);
    assert_eq!(named, "code-repos/api\n");
    let staged = sandbox.tip("ours", ":code-repos/new");
    assert_eq!(staged, sandbox.tip(&at("new"), "HEAD"));
}

/// The same commits as `git commit` makes in the services, whatever the number of jobs.
#[test]
fn the_commits_are_those_of_git() {
    let sandbox = on_branches();
    let theirs = Sandbox::scripted("served");
    theirs.flota("", &["clone", "fleet", "ours"]);
    theirs.flota("ours", &["switch", "main"]);
    for sandbox in [&sandbox, &theirs] {
        for service in ["api", "cart", "docs", "pay", "web"] {
            stage(sandbox, service);
        }
    }
    let (ran, told) = commit(
        &sandbox,
        &["--jobs", "4", "api", "cart", "docs", "pay", "web"],
    );
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for service in ["api", "cart", "docs", "pay", "web"] {
        theirs.git(at(service), &["commit", "--quiet", "--message", "Mine"]);
        theirs.git("ours", &["add", &format!("code-repos/{service}")]);
        assert_eq!(
            sandbox.tip(&at(service), "HEAD"),
            theirs.tip(&at(service), "HEAD")
        );
    }
    theirs.git("ours", &["commit", "--quiet", "--message", "Mine"]);
    assert_eq!(sandbox.tip("ours", "HEAD"), theirs.tip("ours", "HEAD"));
    assert_eq!(told["commit"], theirs.tip("ours", "HEAD"));
}

#[test]
fn a_message_is_needed() {
    let sandbox = on_branches();
    assert_eq!(sandbox.flota("ours", &["commit"]).status, Some(2));
}

#[test]
fn a_message_is_taken_as_it_is() {
    let sandbox = on_branches();
    for message in ["--amend", "# not a comment", "a \u{e9}\n\n  indented"] {
        write(&sandbox, "api", message);
        sandbox.git(at("api"), &["add", "code/app"]);
        let ran = sandbox.flota("ours", &["commit", "-m", message]);
        assert_eq!(ran.status, Some(0), "{message}: {}", ran.stderr);
        for dir in [at("api").as_str(), "ours"] {
            let said = sandbox.git(dir, &["log", "-1", "--format=%B"]);
            assert_eq!(said.trim_end(), message);
        }
    }
}

/// A git that is at work there, or that died.
#[test]
fn a_lock_keeps_its_service_and_the_others_are_committed() {
    let sandbox = on_branches();
    stage(&sandbox, "api");
    stage(&sandbox, "web");
    fs::write(sandbox.path("ours/.git/modules/api/index.lock"), "").unwrap();
    let (ran, told) = commit(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let outcomes = outcomes(&told);
    assert_eq!((outcomes["api"], outcomes["web"]), ("left", "committed"));
    let named = sandbox.git("ours", &["diff", "--name-only", "HEAD~1", "HEAD"]);
    assert_eq!(named, "code-repos/web\n");
}
