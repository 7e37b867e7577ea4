//! What is left of services that are not in the fleet any more.

use std::fs;

use serde_json::json;

use crate::sandbox::{Ran, Sandbox};

const API: &str = "ours/code-repos/api";
const GIT_DIR: &str = "ours/.git/modules/api";

/// A clone of a fleet that has dropped `api`, which has a submodule of its own.
fn dropped() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("fleet", &["rm", "--quiet", "code-repos/api"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Drop api"]);
    sandbox.git("ours", &["pull", "--quiet"]);
    assert!(sandbox.path(API).join("code/app").is_file());
    sandbox
}

fn prune(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let arguments = ["update", "--prune", "--format", "json"];
    sandbox.flota("ours", &[&arguments[..], more].concat())
}

fn pruned(ran: &Ran) -> serde_json::Value {
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
    told["pruned"].clone()
}

fn leftovers(sandbox: &Sandbox) -> serde_json::Value {
    let told = sandbox.flota("ours", &["status", "--format", "json"]);
    told.json()["leftovers"].clone()
}

#[test]
fn what_is_at_its_server_goes() {
    let sandbox = dropped();
    assert_eq!(leftovers(&sandbox), json!([]));
    let planned = prune(&sandbox, &["--dry-run"]);
    assert_eq!(planned.status, Some(0), "{}", planned.stderr);
    assert!(planned.stderr.contains("A dry run"), "{}", planned.stderr);
    assert!(sandbox.path(API).join("code/app").is_file());
    let ran = prune(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let want =
        json!([{"path": "code-repos/api", "name": "api", "outcome": "removed", "error": null}]);
    assert_eq!(pruned(&ran), want);
    assert_eq!(pruned(&planned), want);
    assert!(!sandbox.path(API).exists());
    assert!(!sandbox.path(GIT_DIR).exists());
    let config = fs::read_to_string(sandbox.path("ours/.git/config")).unwrap();
    assert!(!config.contains("submodule \"api\""), "{config}");
    // The other one is whole, and there is nothing left to do.
    assert!(sandbox.path("ours/code-repos/web/code/app").is_file());
    assert_eq!(pruned(&prune(&sandbox, &[])), json!([]));
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    insta::assert_snapshot!(
        sandbox
            .flota("ours", &["update", "--prune", "--quiet"])
            .transcript()
    );
}

#[test]
fn a_git_directory_without_files_goes_too() {
    let sandbox = dropped();
    fs::remove_dir_all(sandbox.path(API)).unwrap();
    let ran = prune(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(pruned(&ran)[0]["path"], "code-repos/api");
    assert!(!sandbox.path(GIT_DIR).exists());
}

type Work<'a> = (&'a str, &'a dyn Fn(&Sandbox), &'a str, bool);

/// Whatever somebody could miss, each alone, with what is said of it, and whether `status` shows it without asking a server.
const WORK: [Work<'_>; 17] = [
    ("a change", &|it| write(it, "code/app"), "has changed", true),
    (
        "a staged change",
        &|it| {
            write(it, "code/app");
            git(it, &["add", "code/app"]);
        },
        "has changed",
        true,
    ),
    (
        "an untracked file",
        &|it| write(it, "notes"),
        "untracked",
        true,
    ),
    (
        "an ignored file",
        &|it| {
            exclude(it, ".env");
            write(it, ".env");
        },
        "ignored",
        false,
    ),
    (
        "a change that git does not look for",
        &|it| {
            git(it, &["update-index", "--assume-unchanged", "code/app"]);
            write(it, "code/app");
        },
        "is told not to look",
        false,
    ),
    (
        "a commit on no branch",
        &|it| commit(it),
        "its HEAD is not at",
        true,
    ),
    (
        "a commit on a branch",
        &|it| {
            git(it, &["switch", "--quiet", "--create", "mine"]);
            commit(it);
            git(it, &["switch", "--quiet", "--detach", "origin/main"]);
        },
        "`mine` is not at",
        true,
    ),
    (
        "a branch that the server has lost",
        &|it| {
            git(it, &["switch", "--quiet", "--create", "mine"]);
            commit(it);
            git(it, &["push", "--quiet", "origin", "mine"]);
            git(it, &["switch", "--quiet", "--detach", "origin/main"]);
            it.git("api", &["branch", "--quiet", "-D", "mine"]);
        },
        "`mine` is not at",
        false,
    ),
    (
        "a tag",
        &|it| git(it, &["tag", "v1"]),
        "its tag `v1` is not at",
        false,
    ),
    (
        "a tag of another commit",
        &|it| {
            it.git("api", &["tag", "v1", "HEAD"]);
            git(it, &["tag", "v1", "HEAD~1"]);
        },
        "its tag `v1` is not at",
        false,
    ),
    (
        "a note",
        &|it| git(it, &["notes", "add", "--message", "mine"]),
        "is not at",
        false,
    ),
    (
        "a stash",
        &|it| {
            write(it, "code/app");
            git(it, &["stash", "--quiet"]);
        },
        "stashed",
        true,
    ),
    (
        "a bisection",
        &|it| git(it, &["bisect", "start"]),
        "bisect is in progress",
        true,
    ),
    (
        "another worktree",
        &|it| {
            git(
                it,
                &["worktree", "add", "--quiet", "--detach", "../../../other"],
            )
        },
        "other worktrees",
        false,
    ),
    (
        "a change in its submodule",
        &|it| write(it, "code/lib/code/app"),
        "its submodule `code/lib`",
        false,
    ),
    (
        "a commit in its submodule",
        &|it| {
            let lib = format!("{API}/code/lib");
            it.git(
                &lib,
                &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
            );
            it.git(&lib, &["branch", "mine"]);
            it.git(&lib, &["switch", "--quiet", "--detach", "HEAD~1"]);
        },
        "its submodule `code/lib`",
        false,
    ),
    (
        "a file where its submodule is not",
        &|it| {
            fs::remove_dir_all(it.path(API).join("code/lib")).unwrap();
            fs::create_dir(it.path(API).join("code/lib")).unwrap();
            write(it, "code/lib/notes");
        },
        "the directory `code/lib`",
        false,
    ),
];

fn git(sandbox: &Sandbox, arguments: &[&str]) {
    sandbox.git(API, arguments);
}

fn write(sandbox: &Sandbox, file: &str) {
    fs::write(sandbox.path(API).join(file), "mine").unwrap();
}

fn commit(sandbox: &Sandbox) {
    git(
        sandbox,
        &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
    );
}

fn exclude(sandbox: &Sandbox, pattern: &str) {
    let exclude = sandbox.path(GIT_DIR).join("info/exclude");
    fs::create_dir_all(exclude.parent().unwrap()).unwrap();
    fs::write(exclude, pattern).unwrap();
}

#[test]
fn what_somebody_could_miss_is_left_and_named() {
    for (name, work, said, is_seen) in WORK {
        let sandbox = dropped();
        work(&sandbox);
        let is_shown = leftovers(&sandbox) != json!([]);
        assert_eq!(is_shown, is_seen, "{name}: {}", leftovers(&sandbox));
        for more in [&["--dry-run"][..], &[]] {
            let ran = prune(&sandbox, more);
            assert_eq!(ran.status, Some(4), "{name}: {}", ran.stderr);
            assert_eq!(pruned(&ran)[0]["outcome"], "left", "{name}");
            assert!(ran.stderr.contains(said), "{name}: {}", ran.stderr);
            assert!(sandbox.path(API).join("code").is_dir(), "{name}");
            assert!(sandbox.path(GIT_DIR).is_dir(), "{name}");
        }
    }
}

#[test]
fn a_server_that_does_not_answer_vouches_for_nothing() {
    let sandbox = dropped();
    fs::rename(sandbox.path("api"), sandbox.path("gone")).unwrap();
    let ran = prune(&sandbox, &[]);
    assert_ne!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(pruned(&ran)[0]["outcome"], "left");
    assert!(sandbox.path(GIT_DIR).is_dir());
}

#[test]
fn a_folder_with_files_of_the_fleet_is_left() {
    let sandbox = dropped();
    fs::write(sandbox.path("fleet/file"), "x").unwrap();
    let blob = sandbox.git("fleet", &["hash-object", "-w", "file"]);
    let entry = format!("100644,{},code-repos/api/code/app", blob.trim());
    sandbox.git("ours", &["fetch", "--quiet"]);
    sandbox.git("ours", &["update-index", "--add", "--cacheinfo", &entry]);
    let ran = prune(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(sandbox.path(API).join("code/app").is_file());
}

#[test]
fn a_service_with_another_name_for_its_git_directory_is_no_leftover() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let listed = fs::read_to_string(sandbox.path("ours/.gitmodules")).unwrap();
    let renamed = listed.replace("submodule \"web\"", "submodule \"shop\"");
    assert_ne!(listed, renamed);
    fs::write(sandbox.path("ours/.gitmodules"), renamed).unwrap();
    sandbox.git("ours", &["add", ".gitmodules"]);
    let ran = prune(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(pruned(&ran), json!([]));
    assert!(sandbox.path("ours/code-repos/web/code/app").is_file());
}

#[test]
fn status_lists_what_holds_work() {
    let sandbox = dropped();
    write(&sandbox, "code/app");
    git(&sandbox, &["stash", "--quiet"]);
    write(&sandbox, "notes");
    commit(&sandbox);
    insta::assert_snapshot!(sandbox.flota("ours", &["status"]).transcript());
    let told = leftovers(&sandbox)[0].clone();
    assert_eq!(told["path"], "code-repos/api");
    assert_eq!(
        (&told["unpushed"], &told["stashes"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(told["changes"]["untracked"], 1);
    // Of the services that were named alone.
    let ran = sandbox.flota("ours", &["status", "web", "--format", "json"]);
    assert_eq!(ran.json()["leftovers"], json!([]));
}

#[test]
fn the_flags_belong_together() {
    let sandbox = dropped();
    for arguments in [
        &["update", "--dry-run"][..],
        &["update", "--prune", "--remote"],
        &["update", "--prune", "web"],
    ] {
        assert_eq!(sandbox.flota("ours", arguments).status, Some(2));
    }
}
