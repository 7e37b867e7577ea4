//! `flota update`: worktrees at their pins, and nobody's work lost.

use std::{collections::BTreeMap, fs, time::Instant};

use crate::{
    build_engines::until,
    sandbox::{Ran, Sandbox},
};

mod dropped;
mod moved;
mod remote;
mod states;
mod strategies;
mod swapped;

/// A clone of a fleet, and the fleet moved on since: `api` has a new pin.
fn behind() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    fs::write(sandbox.path("api/code/app"), "second").unwrap();
    sandbox.git(
        "api",
        &["commit", "--quiet", "--all", "--message", "Second"],
    );
    sandbox.git(
        "fleet/code-repos/api",
        &["pull", "--quiet", "origin", "main"],
    );
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message", "Move api"],
    );
    sandbox.git("ours", &["pull", "--quiet"]);
    sandbox
}

fn outcomes(ran: &Ran) -> BTreeMap<String, String> {
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
    let one = |one: &serde_json::Value| {
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        (text("path"), text("outcome"))
    };
    told["submodules"]
        .as_array()
        .unwrap()
        .iter()
        .map(one)
        .collect()
}

fn update(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut all = vec!["update", "--format", "json"];
    all.extend(arguments);
    sandbox.flota("ours", &all)
}

#[test]
fn a_moved_pin_is_followed_and_the_rest_stays() {
    let sandbox = behind();
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let outcomes = outcomes(&ran);
    assert_eq!(outcomes["code-repos/api"], "moved");
    assert_eq!(outcomes["code-repos/web"], "current");
    assert_eq!(outcomes["code-repos/api/code/lib"], "current");
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    assert_eq!(
        fs::read(sandbox.path("ours/code-repos/api/code/app")).unwrap(),
        b"second"
    );
}

#[test]
fn the_table_shows_what_moved() {
    let sandbox = behind();
    insta::assert_snapshot!(sandbox.flota("ours", &["update", "--quiet"]).transcript());
    insta::assert_snapshot!(sandbox.flota("ours", &["update", "--quiet"]).transcript());
}

#[test]
fn uncommitted_changes_are_left_alone_and_the_others_done() {
    let sandbox = behind();
    fs::write(sandbox.path("ours/code-repos/api/code/app"), "mine").unwrap();
    fs::remove_dir_all(sandbox.path("ours/code-repos/web")).unwrap();
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let outcomes = outcomes(&ran);
    assert_eq!(outcomes["code-repos/api"], "left");
    assert_eq!(outcomes["code-repos/web"], "checked-out");
    assert!(ran.stderr.contains("uncommitted"), "{}", ran.stderr);
    assert_eq!(
        fs::read(sandbox.path("ours/code-repos/api/code/app")).unwrap(),
        b"mine"
    );
}

#[test]
fn commits_on_no_branch_are_left_alone() {
    let sandbox = behind();
    let api = "ours/code-repos/api";
    sandbox.git(
        api,
        &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
    );
    let mine = sandbox.git(api, &["rev-parse", "HEAD"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/api"], "left");
    assert_eq!(sandbox.git(api, &["rev-parse", "HEAD"]), mine);
    // On a branch they are safe.
    sandbox.git(api, &["branch", "mine"]);
    assert_eq!(outcomes(&update(&sandbox, &[]))["code-repos/api"], "moved");
    assert_eq!(sandbox.git(api, &["rev-parse", "mine"]), mine);
}

/// Where the files are gone (`git submodule deinit`), a commit on no branch hangs on HEAD alone.
#[test]
fn commits_on_no_branch_are_left_alone_where_there_are_no_files() {
    let sandbox = behind();
    let api = "ours/code-repos/api";
    sandbox.git(
        api,
        &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
    );
    let git_dir = sandbox.path("ours/.git/modules/api");
    let mine = fs::read(git_dir.join("HEAD")).unwrap();
    let deinit = [
        "submodule",
        "--quiet",
        "deinit",
        "--force",
        "code-repos/api",
    ];
    sandbox.git("ours", &deinit);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/api"], "left");
    assert_eq!(fs::read(git_dir.join("HEAD")).unwrap(), mine);
    let head = String::from_utf8(mine).unwrap();
    let branch = ["--git-dir=.", "branch", "mine", head.trim()];
    sandbox.git("ours/.git/modules/api", &branch);
    let again = outcomes(&update(&sandbox, &[]));
    assert_eq!(again["code-repos/api"], "checked-out");
}

/// Whoever works on a branch that is where the pin is stays on it, as with git.
#[test]
fn a_branch_at_the_pin_is_not_left() {
    let sandbox = behind();
    let web = "ours/code-repos/web";
    sandbox.git(web, &["switch", "--quiet", "--create", "mine"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/web"], "current");
    assert_eq!(sandbox.git(web, &["branch", "--show-current"]), "mine\n");
}

/// What came with a pin was pushed by somebody: it is nothing to push.
#[test]
fn what_was_fetched_is_not_to_be_pushed() {
    let sandbox = behind();
    update(&sandbox, &[]);
    let ran = sandbox.flota("ours", &["status"]);
    assert!(
        ran.text().contains("2 of 2 services in step"),
        "{}",
        ran.text()
    );
}

#[test]
fn untracked_files_are_not_overwritten() {
    let sandbox = behind();
    fs::write(sandbox.path("api/notes"), "theirs").unwrap();
    sandbox.git("api", &["add", "notes"]);
    sandbox.git("api", &["commit", "--quiet", "--message", "Notes"]);
    let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
    let link = format!("160000,{},code-repos/api", pin.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
    fs::write(sandbox.path("ours/code-repos/api/notes"), "mine").unwrap();
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(
        fs::read(sandbox.path("ours/code-repos/api/notes")).unwrap(),
        b"mine"
    );
}

#[test]
fn files_without_a_repository_are_left_alone() {
    let sandbox = behind();
    fs::remove_file(sandbox.path("ours/code-repos/web/.git")).unwrap();
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(sandbox.path("ours/code-repos/web/code/app").is_file());
}

/// What a stopped `git submodule update` leaves: a repository, and a worktree without files. git's next one is content with it.
#[test]
fn what_git_left_half_done_is_mended() {
    let sandbox = behind();
    let web = sandbox.path("ours/code-repos/web");
    for file in ["code", "config"] {
        fs::remove_dir_all(web.join(file)).unwrap();
    }
    fs::remove_file(web.join("README.md")).unwrap();
    fs::remove_file(sandbox.path("ours/.git/modules/web/index")).unwrap();
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/web"], "checked-out");
    assert!(web.join("code/app").is_file());
    assert_eq!(
        sandbox.git("ours/code-repos/web", &["status", "--porcelain"]),
        ""
    );
}

#[test]
fn a_pin_that_the_server_lacks_is_named_and_no_branch_stands_in() {
    let sandbox = behind();
    let link = format!("160000,{},code-repos/web", "1".repeat(40));
    sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
    let before = sandbox.git("ours/code-repos/web", &["rev-parse", "HEAD"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let outcomes = outcomes(&ran);
    assert_eq!(outcomes["code-repos/web"], "failed");
    assert_eq!(outcomes["code-repos/api"], "moved");
    assert!(ran.stderr.contains(&"1".repeat(40)), "{}", ran.stderr);
    assert_eq!(
        sandbox.git("ours/code-repos/web", &["rev-parse", "HEAD"]),
        before
    );
}

#[test]
fn a_plain_clone_gets_all_of_them() {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&ran).len(), 3);
    assert_eq!(
        sandbox
            .git("ours", &["submodule", "status", "--recursive"])
            .matches("\n ")
            .count(),
        2
    );
}

#[test]
fn a_service_that_is_not_there_is_refused_with_the_nearest() {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    insta::assert_snapshot!(sandbox.flota("ours", &["update", "wep"]).transcript());
}

#[test]
fn two_runs_at_once_take_turns() {
    let sandbox = behind();
    let lock = fs::File::options()
        .write(true)
        .open(sandbox.path("ours/.git/flota/update.lock"))
        .unwrap();
    lock.lock().unwrap();
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("another run"), "{}", ran.stderr);
    // The owner's death frees it.
    drop(lock);
    assert_eq!(update(&sandbox, &[]).status, Some(0));
}

/// Stopped by a signal wherever it is, the next run finds nothing that passes for whole and is not.
#[test]
fn killed_at_any_moment_the_next_run_makes_it_whole() {
    let sandbox = Sandbox::scripted("to-clone");
    let ours = sandbox.path("ours");
    let begin = || {
        let _ = fs::remove_dir_all(&ours);
        sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    };
    let whole = || {
        begin();
        let started = Instant::now();
        assert_eq!(update(&sandbox, &[]).status, Some(0));
        started.elapsed()
    };
    let whole = whole().min(whole());
    let mut interrupted = 0;
    for part in [1, 3, 5, 7, 9] {
        let wait = (whole * part / 10).as_millis();
        begin();
        let mut child = sandbox
            .command("ours", &["update", "--quiet"])
            .spawn()
            .unwrap();
        std::thread::sleep(whole * part / 10);
        child.kill().unwrap();
        interrupted += usize::from(!child.wait().unwrap().success());
        let ran = update(&sandbox, &[]);
        assert_eq!(ran.status, Some(0), "after {wait} ms: {}", ran.stderr);
        for dir in [
            "ours",
            "ours/code-repos/api",
            "ours/code-repos/api/code/lib",
            "ours/code-repos/web",
        ] {
            assert_eq!(
                sandbox.git(dir, &["status", "--porcelain"]),
                "",
                "{dir} after {wait} ms"
            );
            sandbox.git(dir, &["fsck", "--strict"]);
        }
        assert!(sandbox.path("ours/code-repos/web/code/app").is_file());
    }
    assert!(interrupted > 1, "only {interrupted} runs were interrupted");
    // What the killed ones left is swept away, once no git of theirs writes there any more.
    let left = || {
        let entries = fs::read_dir(sandbox.path("ours/.git/flota")).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.any(|name| name.starts_with("new-"))
    };
    until("the folder of a killed run stays", || {
        update(&sandbox, &[]);
        !left()
    });
}
