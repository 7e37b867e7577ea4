//! `flota status`: what git says of every worktree, in one table.

use std::{fs, path::Path};

use serde_json::json;

use crate::sandbox::Sandbox;

mod forms;

const API: &str = "ours/code-repos/api";

fn cloned() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox
}

fn api(sandbox: &Sandbox) -> serde_json::Value {
    let told = sandbox
        .flota("ours", &["status", "api", "--format", "json"])
        .json();
    assert_eq!(told["schema"], "flota.status/v1");
    told["services"][0].clone()
}

/// The numbers that `git status --porcelain=v2` gives for the same worktree.
fn by_git(sandbox: &Sandbox, dir: &str) -> serde_json::Value {
    let listed = sandbox.git(
        dir,
        &[
            "status",
            "--porcelain=v2",
            "--no-renames",
            "--ignore-submodules=all",
        ],
    );
    let (mut staged, mut unstaged, mut untracked, mut conflicted) = (0, 0, 0, 0);
    for line in listed.lines() {
        match line.as_bytes() {
            [b'1', b' ', index, worktree, ..] => {
                staged += usize::from(*index != b'.');
                unstaged += usize::from(*worktree != b'.');
            }
            [b'u', ..] => conflicted += 1,
            [b'?', ..] => untracked += 1,
            _ => panic!("{line}"),
        }
    }
    json!({"staged": staged, "unstaged": unstaged, "untracked": untracked, "conflicted": conflicted})
}

#[test]
fn a_fresh_clone_needs_nothing() {
    let sandbox = cloned();
    insta::assert_snapshot!(sandbox.flota("ours", &["status"]).transcript());
    insta::assert_snapshot!(sandbox.flota("ours", &["status", "--all"]).transcript());
}

#[test]
fn whoever_needs_somebody_is_listed() {
    let sandbox = cloned();
    sandbox.git(API, &["switch", "--quiet", "--create", "feature/x"]);
    sandbox.git(
        API,
        &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
    );
    fs::write(sandbox.path(API).join("code/app"), "mine").unwrap();
    fs::write(sandbox.path(API).join("notes"), "mine").unwrap();
    fs::remove_dir_all(sandbox.path("ours/code-repos/web")).unwrap();
    insta::assert_snapshot!(sandbox.flota("ours", &["status"]).transcript());
    let api = api(&sandbox);
    assert_eq!(api["branch"], "feature/x");
    assert_eq!(api["standing"], json!({"is": "ahead", "ahead": 1}));
    assert_eq!(api["unpushed"], 1);
}

/// One change after another, each counted as git counts it.
#[test]
fn changes_are_counted_as_git_counts_them() {
    let sandbox = cloned();
    let at = |file: &str| sandbox.path(API).join(file);
    type Step<'a> = (&'a str, &'a dyn Fn());
    let git = |arguments: &[&str]| drop(sandbox.git(API, arguments));
    let steps: [Step<'_>; 13] = [
        ("nothing", &|| {}),
        ("modified", &|| {
            fs::write(at("code/app"), "longer than it was before").unwrap()
        }),
        ("staged", &|| git(&["add", "code/app"])),
        ("staged and modified", &|| {
            fs::write(at("code/app"), "again").unwrap()
        }),
        ("same size", &|| {
            fs::write(at("README.md"), "# ipa\n").unwrap()
        }),
        ("deleted", &|| {
            fs::remove_file(at("code/Dockerfile")).unwrap()
        }),
        ("deletion staged", &|| {
            git(&["rm", "--quiet", "--cached", "config/Chart.yaml"])
        }),
        ("mode", &|| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            fs::set_permissions(at("code/run"), mode).unwrap();
        }),
        ("another link", &|| {
            fs::remove_file(at("code/link")).unwrap();
            std::os::unix::fs::symlink("run", at("code/link")).unwrap();
        }),
        ("untracked file", &|| {
            fs::write(at("notes"), "mine").unwrap()
        }),
        ("untracked folder", &|| {
            fs::create_dir_all(at("new/deeper")).unwrap();
            fs::write(at("new/deeper/one"), "1").unwrap();
            fs::write(at("new/two"), "2").unwrap();
        }),
        ("ignored", &|| {
            fs::write(at(".gitignore"), "*.log\n").unwrap();
            fs::write(at("build.log"), "…").unwrap();
        }),
        ("intended", &|| {
            fs::write(at("later"), "later").unwrap();
            git(&["add", "--intent-to-add", "later"]);
        }),
    ];
    for (name, step) in steps {
        step();
        let ours = api(&sandbox)["changes"].clone();
        assert_eq!(ours, by_git(&sandbox, API), "{name}");
    }
}

#[test]
fn a_conflict_inside_a_service_is_counted() {
    let sandbox = cloned();
    let write = |text: &str| {
        fs::write(sandbox.path(API).join("code/app"), text).unwrap();
        sandbox.git(API, &["commit", "--quiet", "--all", "--message", text]);
    };
    sandbox.git(API, &["switch", "--quiet", "--create", "one"]);
    write("one");
    sandbox.git(API, &["switch", "--quiet", "--create", "two", "HEAD~1"]);
    write("two");
    let merge = sandbox.git_output(API, &["merge", "--quiet", "one"]);
    assert!(!merge.status.success());
    let changes = api(&sandbox)["changes"].clone();
    assert_eq!(changes, by_git(&sandbox, API));
    assert_eq!(changes["conflicted"], 1);
}

#[test]
fn the_pin_and_head_are_compared_both_ways() {
    let sandbox = cloned();
    sandbox.git(API, &["checkout", "--quiet", "--detach", "HEAD~1"]);
    assert_eq!(
        api(&sandbox)["standing"],
        json!({"is": "behind", "behind": 1})
    );
    sandbox.git(
        API,
        &["commit", "--quiet", "--allow-empty", "--message", "Mine"],
    );
    assert_eq!(
        api(&sandbox)["standing"],
        json!({"is": "diverged", "ahead": 1, "behind": 1})
    );
    let link = format!("160000,{},code-repos/api", "1".repeat(40));
    sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
    assert_eq!(api(&sandbox)["standing"], json!({"is": "pin-missing"}));
}

/// A repository whose own configuration names a program, in a folder of a service: git in that folder would run it.
#[test]
fn no_program_of_a_repository_runs() {
    let sandbox = cloned();
    let canary = sandbox.path("canary");
    let monitor = sandbox.path("monitor");
    fs::write(&monitor, format!("#!/bin/sh\ntouch {}\n", canary.display())).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&monitor, mode).unwrap();
    let monitor = monitor.display().to_string();
    sandbox.git(API, &["init", "--quiet", "--bare", "embedded"]);
    for dir in [API.to_owned(), format!("{API}/embedded")] {
        sandbox.git(&dir, &["config", "core.fsmonitor", &monitor]);
    }
    let ran = sandbox.flota("ours", &["status"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!canary.exists());
}

#[test]
fn a_damaged_service_is_named_and_the_others_are_told() {
    let sandbox = cloned();
    fs::write(sandbox.path("ours/.git/modules/web/index"), "no index").unwrap();
    let ran = sandbox.flota("ours", &["status", "--all"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("code-repos/web"), "{}", ran.stderr);
    let is_told = |line: &str| line.starts_with("api ");
    assert!(ran.text().lines().any(is_told), "{}", ran.text());
    assert!(Path::new(&sandbox.path("ours/.git/modules/web/index")).is_file());
}

/// What an earlier run knew hides nothing: each change alone, seen from a worktree that was found clean before.
#[test]
fn what_is_known_of_a_worktree_hides_no_change() {
    let sandbox = cloned();
    let at = |file: &str| sandbox.path(API).join(file);
    let git = |arguments: &[&str]| drop(sandbox.git(API, arguments));
    let mode = |file: &str, mode: u32| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(at(file), mode).unwrap();
    };
    type Step<'a> = (&'a str, &'a dyn Fn());
    let steps: [Step<'_>; 13] = [
        ("nothing", &|| {}),
        ("other text of the same size", &|| {
            fs::write(at("README.md"), "# ipa\n").unwrap()
        }),
        ("the same text at another time", &|| {
            fs::write(at("README.md"), "# api\n").unwrap()
        }),
        ("mode", &|| mode("code/app", 0o755)),
        ("mode in the index alone", &|| {
            git(&["update-index", "--chmod=+x", "code/app"])
        }),
        ("a link in place of a file", &|| {
            fs::remove_file(at("code/app")).unwrap();
            std::os::unix::fs::symlink("run", at("code/app")).unwrap();
        }),
        ("a folder in place of a file", &|| {
            fs::remove_file(at("code/app")).unwrap();
            fs::create_dir(at("code/app")).unwrap();
            fs::write(at("code/app/one"), "1").unwrap();
        }),
        ("deleted", &|| fs::remove_file(at("code/app")).unwrap()),
        ("untracked", &|| fs::write(at("config/new"), "1").unwrap()),
        ("an empty folder", &|| fs::create_dir(at("empty")).unwrap()),
        ("staged", &|| {
            fs::write(at("code/app"), "mine").unwrap();
            git(&["add", "code/app"]);
        }),
        ("not to be looked at", &|| {
            git(&["update-index", "--assume-unchanged", "code/app"]);
            git(&["update-index", "--skip-worktree", "code/run"]);
            fs::write(at("code/app"), "mine").unwrap();
            fs::remove_file(at("code/run")).unwrap();
        }),
        ("an index in two parts", &|| {
            git(&["update-index", "--split-index"]);
            fs::write(at("code/app"), "mine").unwrap();
        }),
    ];
    for (name, step) in steps {
        for run in ["first", "second"] {
            assert_eq!(api(&sandbox)["changes"], by_git(&sandbox, API), "{run}");
        }
        assert_eq!(api(&sandbox)["changes"]["unstaged"], 0);
        step();
        for run in ["first", "second"] {
            let ours = api(&sandbox)["changes"].clone();
            assert_eq!(ours, by_git(&sandbox, API), "{name}, {run} run");
        }
        fs::remove_file(sandbox.path("ours/.git/modules/api/index")).unwrap();
        git(&["reset", "--quiet", "--hard"]);
        git(&["clean", "--quiet", "-ffdx"]);
    }
}

/// A branch of the remote's that was packed once may be elsewhere by now.
#[test]
fn what_is_pushed_is_told_by_where_branches_are_now() {
    let sandbox = cloned();
    let head = sandbox.git(API, &["rev-parse", "HEAD"]);
    sandbox.git(API, &["pack-refs", "--all"]);
    assert_eq!(api(&sandbox)["unpushed"], 0);
    for (refname, to) in [
        ("refs/remotes/origin/main", "HEAD~1"),
        ("refs/remotes/origin/other", "HEAD"),
    ] {
        sandbox.git(API, &["update-ref", refname, to]);
        let ahead = sandbox.git(API, &["rev-list", "--count", "HEAD", "--not", "--remotes"]);
        let unpushed = api(&sandbox)["unpushed"].to_string();
        assert_eq!(unpushed, ahead.trim(), "{refname}");
    }
    assert_eq!(api(&sandbox)["head"], head.trim());
}

/// A branch at the pin is told, wherever git keeps it.
#[test]
fn a_branch_is_told_loose_or_packed() {
    let sandbox = cloned();
    sandbox.git(API, &["switch", "--quiet", "--create", "feature/x"]);
    for pack in [false, true] {
        if pack {
            sandbox.git(API, &["pack-refs", "--all"]);
        }
        let api = api(&sandbox);
        assert_eq!(api["branch"], "feature/x");
        assert_eq!(api["standing"], json!({"is": "in-step"}));
    }
}

#[test]
fn a_pin_in_conflict_is_told_whether_its_service_is_there_or_not() {
    let sandbox = Sandbox::scripted("conflict");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    sandbox.git_output("ours", &["merge", "origin/other"]);
    let told = |services: &[&str]| sandbox.flota("ours", &[&["status"], services].concat());
    assert_eq!(told(&[]).text().matches("in conflict").count(), 3);
    // By name it is found, too.
    assert_eq!(told(&["web"]).text().matches("in conflict").count(), 1);
    assert_eq!(sandbox.flota("ours", &["resolve", "api"]).status, Some(0));
    assert_eq!(sandbox.flota("ours", &["update", "api"]).status, Some(0));
    let text = told(&[]).text();
    assert_eq!(text.matches("in conflict").count(), 2, "{text}");
    assert!(text.contains("1 of 3 services in step"), "{text}");
}

/// `git stash list` and `git rev-list HEAD..@{upstream}` of the same worktree.
#[test]
fn stashes_and_commits_of_the_upstream_are_counted_as_git_counts_them() {
    let sandbox = cloned();
    let numbers = || {
        let api = api(&sandbox);
        let number = |key: &str| api[key].as_u64().unwrap() as usize;
        (number("stashes"), number("behind"))
    };
    let by_git = || {
        let stashes = sandbox.git(API, &["stash", "list"]).lines().count();
        let behind = sandbox.git_output(API, &["rev-list", "HEAD..@{upstream}"]);
        let behind = String::from_utf8(behind.stdout).unwrap().lines().count();
        (stashes, behind)
    };
    assert_eq!(numbers(), (0, 0));
    type Step<'a> = (&'a str, &'a dyn Fn(), (usize, usize));
    let git = |arguments: &[&str]| drop(sandbox.git(API, arguments));
    let stash = |text: &str| {
        fs::write(sandbox.path(API).join("code/app"), text).unwrap();
        git(&["stash", "push", "--quiet"]);
    };
    let publish = |count: usize| {
        for _ in 0..count {
            let args = ["commit", "--quiet", "--allow-empty", "--message", "Theirs"];
            sandbox.git("api", &args);
        }
        git(&["fetch", "--quiet"]);
    };
    let steps: [Step<'_>; 10] = [
        (
            "a branch at its upstream",
            &|| git(&["switch", "--quiet", "main"]),
            (0, 0),
        ),
        ("a stash", &|| stash("one"), (1, 0)),
        ("two", &|| stash("two"), (2, 0)),
        ("packed", &|| git(&["pack-refs", "--all"]), (2, 0)),
        ("behind", &|| publish(2), (2, 2)),
        ("dropped", &|| git(&["stash", "clear"]), (0, 2)),
        (
            "detached",
            &|| git(&["switch", "--quiet", "--detach"]),
            (0, 0),
        ),
        (
            "no upstream",
            &|| git(&["switch", "--quiet", "--create", "mine"]),
            (0, 0),
        ),
        (
            "another upstream",
            &|| git(&["branch", "--quiet", "--set-upstream-to=origin/main"]),
            (0, 2),
        ),
        (
            "caught up",
            &|| git(&["merge", "--quiet", "--ff-only"]),
            (0, 0),
        ),
    ];
    for (name, step, wanted) in steps {
        step();
        assert_eq!((numbers(), by_git()), (wanted, wanted), "{name}");
        // What an earlier run knows hides nothing.
        assert_eq!(numbers(), wanted, "{name}, again");
    }
}

#[test]
fn who_has_a_stash_or_is_behind_is_listed() {
    let sandbox = cloned();
    sandbox.git(API, &["switch", "--quiet", "main"]);
    fs::write(sandbox.path(API).join("code/app"), "mine").unwrap();
    sandbox.git(API, &["stash", "push", "--quiet"]);
    let args = ["commit", "--quiet", "--allow-empty", "--message", "Theirs"];
    sandbox.git("api", &args);
    sandbox.git(API, &["fetch", "--quiet"]);
    insta::assert_snapshot!(sandbox.flota("ours", &["status"]).transcript());
}
