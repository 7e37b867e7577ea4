//! `submodule.<name>.update`, and files that git ignores.

use std::fs;

use super::{behind, outcomes, update};
use crate::sandbox::Sandbox;

const API: &str = "ours/code-repos/api";

fn set(sandbox: &Sandbox, service: &str, how: &str) {
    let key = format!("submodule.{service}.update");
    sandbox.git("ours", &["config", &key, how]);
}

/// The fleet of [`behind`] with a commit on a branch of `api` that has nothing to do with what is new there.
fn with_a_branch(how: &str) -> Sandbox {
    let sandbox = behind();
    set(&sandbox, "api", how);
    sandbox.git(API, &["switch", "--quiet", "--create", "mine"]);
    commit(&sandbox, "local", "mine");
    sandbox
}

fn commit(sandbox: &Sandbox, file: &str, text: &str) {
    fs::write(sandbox.path(API).join(file), text).unwrap();
    sandbox.git(API, &["add", file]);
    sandbox.git(API, &["commit", "--quiet", "--message", text]);
}

fn branch(sandbox: &Sandbox) -> String {
    let branch = sandbox.git(API, &["branch", "--show-current"]);
    branch.trim().to_owned()
}

fn app(sandbox: &Sandbox) -> Vec<u8> {
    fs::read(sandbox.path(API).join("code/app")).unwrap()
}

#[test]
fn none_is_left_as_it_is_until_it_is_named() {
    let sandbox = behind();
    set(&sandbox, "api", "none");
    let before = sandbox.git(API, &["rev-parse", "HEAD"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!outcomes(&ran).contains_key("code-repos/api"));
    assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), before);
    assert_eq!(
        outcomes(&update(&sandbox, &["api"]))["code-repos/api"],
        "moved"
    );

    // Nor is it cloned, a nested one neither.
    let ours = sandbox.path("ours");
    fs::remove_dir_all(&ours).unwrap();
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    sandbox.git("ours", &["submodule", "--quiet", "init"]);
    set(&sandbox, "web", "none");
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&ran).len(), 2, "api and its lib");
    assert!(!sandbox.path("ours/code-repos/web/code").exists());
    let lib = sandbox.path(API).join("code/lib");
    fs::remove_dir_all(&lib).unwrap();
    sandbox.git(API, &["config", "submodule.code/lib.update", "none"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!lib.exists());
}

#[test]
fn rebase_puts_the_branch_on_the_pin() {
    let sandbox = with_a_branch("rebase");
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/api"], "rebased");
    // As the table says it: HEAD has more than the pin.
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let mut services = told["submodules"].as_array().unwrap().iter();
    let api = services
        .find(|one| one["path"] == "code-repos/api")
        .unwrap();
    assert_eq!(api["to"], sandbox.tip(API, "HEAD"));
    assert_ne!(api["to"], api["pin"]);
    assert_eq!(branch(&sandbox), "mine");
    assert_eq!(app(&sandbox), b"second");
    assert!(sandbox.path(API).join("local").is_file());
    let pin = sandbox.git("ours", &["rev-parse", "HEAD:code-repos/api"]);
    assert_eq!(sandbox.git(API, &["rev-parse", "HEAD~1"]), pin);
    assert_eq!(
        outcomes(&update(&sandbox, &[]))["code-repos/api"],
        "current"
    );
}

#[test]
fn merge_brings_the_pin_into_the_branch() {
    let sandbox = with_a_branch("merge");
    let before = sandbox.git(API, &["rev-parse", "HEAD"]);
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.text().contains("merged"), "{}", ran.text());
    assert_eq!(branch(&sandbox), "mine");
    assert_eq!(app(&sandbox), b"second");
    let parents = sandbox.git(API, &["rev-parse", "HEAD^1", "HEAD^2"]);
    let pin = sandbox.git("ours", &["rev-parse", "HEAD:code-repos/api"]);
    assert_eq!(parents, before + &pin);
    assert_eq!(
        outcomes(&update(&sandbox, &[]))["code-repos/api"],
        "current"
    );
}

#[test]
fn what_does_not_fit_is_left_as_it_was() {
    for how in ["rebase", "merge"] {
        let sandbox = with_a_branch(how);
        commit(&sandbox, "code/app", "in conflict");
        let before = sandbox.git(API, &["rev-parse", "HEAD"]);
        let ran = update(&sandbox, &[]);
        assert_eq!(ran.status, Some(4), "{how}: {}", ran.stderr);
        assert_eq!(outcomes(&ran)["code-repos/api"], "left");
        let hint = format!("code-repos/api {how} ");
        assert!(ran.stderr.contains(&hint), "{how}: {}", ran.stderr);
        assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), before);
        assert_eq!(branch(&sandbox), "mine");
        assert_eq!(sandbox.git(API, &["status", "--porcelain"]), "");
        let told = sandbox.flota("ours", &["status", "--format", "json"]);
        assert!(told.json()["services"][0]["operation"].is_null());
    }
}

#[test]
fn a_command_is_named_and_not_run() {
    let sandbox = with_a_branch("!touch canary");
    let before = sandbox.git(API, &["rev-parse", "HEAD"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("submodule.api.update"),
        "{}",
        ran.stderr
    );
    assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), before);
    assert!(!sandbox.path(API).join("canary").exists());
    // It is the user's configuration that cannot be meant: nothing is done.
    set(&sandbox, "api", "perhaps");
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("submodule.api.update"),
        "{}",
        ran.stderr
    );
}

/// `api` at a commit that ignores `.env`; its new pin tracks that file.
fn ignoring() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    fs::write(sandbox.path("api/.gitignore"), ".env\n").unwrap();
    sandbox.commit_and_pin("api", "Ignore");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    fs::write(sandbox.path("api/.env"), "theirs").unwrap();
    sandbox.git("api", &["add", "--force", ".env"]);
    sandbox.commit_and_pin("api", "Track");
    sandbox.git("ours", &["pull", "--quiet"]);
    sandbox
}

#[test]
fn an_ignored_file_that_the_pin_tracks_is_kept() {
    for how in ["checkout", "rebase", "merge"] {
        let sandbox = ignoring();
        set(&sandbox, "api", how);
        let env = sandbox.path(API).join(".env");
        fs::write(&env, "mine").unwrap();
        let before = sandbox.git(API, &["rev-parse", "HEAD"]);
        let ran = update(&sandbox, &[]);
        assert_eq!(ran.status, Some(4), "{how}: {}", ran.stderr);
        assert!(ran.stderr.contains(".env"), "{how}: {}", ran.stderr);
        let hint = "flota update --overwrite-ignore";
        assert!(ran.stderr.contains(hint), "{how}: {}", ran.stderr);
        assert_eq!(fs::read(&env).unwrap(), b"mine");
        assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), before);
        // Without a difference there is nothing to keep.
        fs::write(&env, "theirs").unwrap();
        let ran = update(&sandbox, &[]);
        assert_eq!(ran.status, Some(0), "{how}: {}", ran.stderr);
        assert_eq!(sandbox.git(API, &["status", "--porcelain"]), "");
    }
}

#[test]
fn an_ignored_file_goes_where_the_user_says_so() {
    let sandbox = ignoring();
    let env = sandbox.path(API).join(".env");
    fs::write(&env, "mine").unwrap();
    let ran = update(&sandbox, &["--overwrite-ignore"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(fs::read(&env).unwrap(), b"theirs");
    // What is not ignored stays in any case.
    let notes = sandbox.path(API).join("notes");
    fs::write(sandbox.path("api/notes"), "theirs").unwrap();
    sandbox.commit_and_pin("api", "Notes");
    sandbox.git("ours", &["pull", "--quiet"]);
    fs::write(&notes, "mine").unwrap();
    let ran = update(&sandbox, &["--overwrite-ignore"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(fs::read(&notes).unwrap(), b"mine");
}
