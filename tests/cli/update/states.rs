//! States of a service in which its HEAD must stay where it is, or is nowhere to be read.

use std::fs;

use serde_json::json;

use super::{behind, outcomes, update};
use crate::sandbox::{Ran, Sandbox};

const API: &str = "ours/code-repos/api";

/// The fleet of [`behind`], whose `api` is on a branch of its own with two commits and nothing uncommitted.
fn working() -> Sandbox {
    let sandbox = behind();
    sandbox.git(API, &["switch", "--quiet", "--create", "mine"]);
    for text in ["one", "two"] {
        commit(&sandbox, "notes", text);
    }
    sandbox
}

fn commit(sandbox: &Sandbox, file: &str, text: &str) {
    fs::write(sandbox.path(API).join(file), text).unwrap();
    sandbox.git(API, &["add", file]);
    sandbox.git(API, &["commit", "--quiet", "--message", text]);
}

/// git, which stops in the middle of what it is to do.
fn stop(sandbox: &Sandbox, args: &[&str]) {
    sandbox.git_with(API, args, |git| {
        git.env("GIT_SEQUENCE_EDITOR", "sed -i 1s/pick/edit/")
            .env("GIT_EDITOR", "true");
    });
}

/// Another branch, whose `notes` are in conflict with those of `mine`.
fn other(sandbox: &Sandbox) {
    sandbox.git(API, &["switch", "--quiet", "--create", "other", "mine~2"]);
    commit(sandbox, "notes", "other");
}

/// The conflict is settled, and nothing is left that was not committed.
fn settle(sandbox: &Sandbox) {
    sandbox.git(API, &["checkout", "--quiet", "HEAD", "--", "."]);
}

fn api(sandbox: &Sandbox) -> serde_json::Value {
    let told = sandbox.flota("ours", &["status", "api", "--format", "json"]);
    told.json()["services"][0].clone()
}

type Begin<'a> = &'a dyn Fn(&Sandbox);

/// Every operation of git's that can stop halfway, in each of the forms in which it keeps itself.
const OPERATIONS: [(&str, &str, Begin<'_>); 12] = [
    ("a rebase that stops to edit", "rebase", &|it| {
        stop(it, &["rebase", "--interactive", "HEAD~2"]);
    }),
    ("a rebase in conflict", "rebase", &|it| {
        other(it);
        stop(it, &["rebase", "mine"]);
        settle(it);
    }),
    ("a rebase by patches", "rebase", &|it| {
        other(it);
        stop(it, &["rebase", "--apply", "mine"]);
        settle(it);
    }),
    ("patches of a mailbox", "am", &|it| {
        let patch = it.git(API, &["format-patch", "--stdout", "-1", "mine"]);
        fs::write(it.path("patch"), patch).unwrap();
        other(it);
        stop(it, &["am", "../../../patch"]);
        settle(it);
    }),
    ("a merge", "merge", &|it| {
        other(it);
        stop(it, &["merge", "--no-commit", "--strategy=ours", "mine"]);
    }),
    ("a merge in conflict", "merge", &|it| {
        other(it);
        stop(it, &["merge", "mine"]);
        settle(it);
    }),
    ("a commit to pick", "cherry-pick", &|it| {
        other(it);
        stop(it, &["cherry-pick", "mine"]);
        settle(it);
    }),
    ("commits to pick, between two", "cherry-pick", &|it| {
        other(it);
        stop(it, &["cherry-pick", "mine~1", "mine"]);
        settle(it);
        it.git(API, &["commit", "--quiet", "--allow-empty", "--no-edit"]);
    }),
    ("a commit to revert", "revert", &|it| {
        stop(it, &["revert", "--no-commit", "HEAD"]);
        settle(it);
    }),
    ("commits to revert, between two", "revert", &|it| {
        stop(it, &["revert", "--no-edit", "HEAD~1", "HEAD"]);
        settle(it);
        it.git(API, &["commit", "--quiet", "--allow-empty", "--no-edit"]);
    }),
    ("a bisection", "bisect", &|it| {
        stop(it, &["bisect", "start", "mine", "mine~2"]);
    }),
    ("a bisection without an end yet", "bisect", &|it| {
        stop(it, &["bisect", "start"]);
    }),
];

fn check_left(ran: &Ran, name: &str, operation: &str) {
    assert_eq!(ran.status, Some(4), "{name}: {}", ran.stderr);
    let said = format!("git {operation} is in progress in it");
    assert!(ran.stderr.contains(&said), "{name}: {}", ran.stderr);
}

#[test]
fn a_service_in_the_middle_of_an_operation_is_left_by_every_command_that_moves_head() {
    for (name, operation, begin) in OPERATIONS {
        let sandbox = working();
        begin(&sandbox);
        let told = api(&sandbox);
        assert_eq!(told["operation"], operation, "{name}");
        assert_eq!(told["changes"]["unstaged"], 0, "{name}");
        let head = sandbox.git(API, &["rev-parse", "HEAD"]);
        for arguments in [
            &["update"][..],
            &["update", "--remote"],
            &["switch", "main"],
            &["switch", "--create", "next"],
        ] {
            let ran = sandbox.flota("ours", arguments);
            check_left(&ran, name, operation);
            assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), head, "{name}");
        }
        let ran = sandbox.flota("ours", &["bump", "api"]);
        check_left(&ran, name, operation);
        let shown = sandbox.flota("ours", &["status"]).text();
        let said = format!("{operation} in progress");
        assert!(shown.contains(&said), "{name}: {shown}");
        // The hint ends it, and then the pin is gone to.
        let hints = ["--abort", "reset"];
        let ran = sandbox.flota("ours", &["update"]);
        let hint = ran.stderr.lines().find_map(|line| {
            let (_, command) = line.split_once(": git ")?;
            hints
                .iter()
                .any(|end| line.ends_with(end))
                .then_some(command)
        });
        let words = shlex::split(hint.unwrap()).unwrap();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        sandbox.git("ours", &words);
        let ran = update(&sandbox, &[]);
        assert_eq!(ran.status, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(outcomes(&ran)["code-repos/api"], "moved", "{name}");
    }
}

#[test]
fn an_operation_at_the_pin_is_shown_and_lets_the_service_be() {
    let sandbox = behind();
    update(&sandbox, &[]);
    stop(&sandbox, &["bisect", "start"]);
    assert_eq!(api(&sandbox)["operation"], "bisect");
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(outcomes(&ran)["code-repos/api"], "current");
}

/// Where its files are gone, the git directory still knows of the operation.
#[test]
fn an_operation_outlives_the_files() {
    let sandbox = working();
    stop(&sandbox, &["rebase", "--interactive", "HEAD~2"]);
    fs::remove_dir_all(sandbox.path(API)).unwrap();
    let ran = update(&sandbox, &[]);
    check_left(&ran, "without files", "rebase");
    assert!(sandbox.path("ours/.git/modules/api/rebase-merge").is_dir());
}

/// What a power cut leaves of files that were just written, each in turn.
#[test]
fn a_damaged_repository_is_named_and_nothing_is_done_to_it() {
    const GIT_DIR: &str = "ours/.git/modules/api";
    type Damage<'a> = (&'a str, &'a dyn Fn(&Sandbox), &'a str);
    let write = |file: &'static str, text: &'static str| {
        move |sandbox: &Sandbox| fs::write(sandbox.path(GIT_DIR).join(file), text).unwrap()
    };
    let on_branch = |text: &'static str| {
        move |sandbox: &Sandbox| {
            sandbox.git(API, &["switch", "--quiet", "--create", "mine"]);
            let branch = sandbox.path(GIT_DIR).join("refs/heads/mine");
            fs::write(branch, text).unwrap();
        }
    };
    let zeros = |sandbox: &Sandbox| {
        let index = sandbox.path(GIT_DIR).join("index");
        let length = fs::metadata(&index).unwrap().len();
        fs::write(index, vec![0; length as usize]).unwrap();
    };
    let rows: [Damage<'_>; 7] = [
        (
            "an empty index",
            &write("index", ""),
            "its index is damaged",
        ),
        ("zeros for an index", &zeros, "its index is damaged"),
        ("an empty HEAD", &write("HEAD", ""), "cannot read"),
        (
            "a HEAD that names no branch",
            &write("HEAD", "ref: refs/heads/.invalid\n"),
            "cannot read",
        ),
        ("an empty branch", &on_branch(""), "cannot read"),
        ("no id in a branch", &on_branch("garbage\n"), "cannot read"),
        (
            "an extension of tomorrow",
            &|sandbox| {
                for (key, value) in [
                    ("core.repositoryFormatVersion", "1"),
                    ("extensions.ofTomorrow", "yes"),
                ] {
                    sandbox.git(API, &["config", key, value]);
                }
            },
            "extensions.oftomorrow",
        ),
    ];
    for (name, damage, said) in rows {
        let sandbox = behind();
        damage(&sandbox);
        let before = snapshot(&sandbox, GIT_DIR);
        for command in ["status", "update"] {
            let ran = sandbox.flota("ours", &[command]);
            assert_eq!(ran.status, Some(4), "{name}, {command}: {}", ran.stderr);
            let stderr = ran.stderr.to_lowercase();
            assert!(stderr.contains(said), "{name}, {command}: {}", ran.stderr);
        }
        assert_eq!(snapshot(&sandbox, GIT_DIR), before, "{name}");
    }
}

/// Every file of a folder, and what it holds.
fn snapshot(sandbox: &Sandbox, folder: &str) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let all = walkdir::WalkDir::new(sandbox.path(folder)).sort_by_file_name();
    all.into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
        .collect()
}

/// An index that is lost at the pin is damage too, and no service in step.
#[test]
fn at_its_pin_a_damaged_index_is_told_all_the_same() {
    let sandbox = behind();
    fs::write(sandbox.path("ours/.git/modules/web/index"), "").unwrap();
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    // The hint mends it.
    let hint = ran.stderr.lines().find_map(|line| line.split_once(": rm "));
    let (remove, reset) = hint.unwrap().1.split_once(" && git ").unwrap();
    fs::remove_file(remove).unwrap();
    sandbox.git("ours", &reset.split(' ').collect::<Vec<_>>());
    let ran = update(&sandbox, &["web"]);
    assert_eq!(outcomes(&ran)["code-repos/web"], "current");
    assert_eq!(
        sandbox.git("ours/code-repos/web", &["status", "--porcelain"]),
        ""
    );
}

/// git before 2.45 makes no reftables: this is how they look to whoever knows only files.
fn to_reftable(sandbox: &Sandbox, git_dir: &str) {
    let git_dir = sandbox.path(git_dir);
    let config = git_dir.join("config").display().to_string();
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.refStorage", "reftable"),
    ] {
        sandbox.git("", &["config", "--file", &config, key, value]);
    }
    fs::remove_dir_all(git_dir.join("refs")).unwrap();
    let _ = fs::remove_file(git_dir.join("packed-refs"));
    for folder in ["refs", "reftable"] {
        fs::create_dir(git_dir.join(folder)).unwrap();
    }
    fs::write(git_dir.join("refs/heads"), "this repository uses reftables").unwrap();
    fs::write(git_dir.join("reftable/tables.list"), "").unwrap();
    fs::write(git_dir.join("HEAD"), "ref: refs/heads/.invalid\n").unwrap();
}

#[test]
fn refs_in_reftables_are_refused_with_the_way_to_convert_them() {
    let sandbox = behind();
    to_reftable(&sandbox, "ours/.git/modules/web");
    let before = snapshot(&sandbox, "ours/.git/modules/web");
    for command in ["status", "update"] {
        let ran = sandbox.flota("ours", &[command]);
        assert_eq!(ran.status, Some(4), "{command}: {}", ran.stderr);
        let hint = "code-repos/web refs migrate --ref-format=files";
        assert!(ran.stderr.contains(hint), "{command}: {}", ran.stderr);
    }
    assert_eq!(snapshot(&sandbox, "ours/.git/modules/web"), before);
    // The other one was brought along.
    let app = fs::read(sandbox.path(API).join("code/app")).unwrap();
    assert_eq!(app, b"second");
    // Also where the files are gone, and the pin is elsewhere.
    fs::remove_dir_all(sandbox.path("ours/code-repos/web")).unwrap();
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("reftable"), "{}", ran.stderr);
    assert_eq!(snapshot(&sandbox, "ours/.git/modules/web"), before);
}

#[test]
fn a_fleet_of_another_format_is_no_fleet_without_services() {
    let sandbox = behind();
    to_reftable(&sandbox, "ours/.git");
    for arguments in [
        &["status"][..],
        &["update"],
        &["changed", "HEAD~1..HEAD"],
        &["switch", "main"],
    ] {
        let ran = sandbox.flota("ours", arguments);
        assert_eq!(ran.status, Some(4), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("--ref-format=files"), "{}", ran.stderr);
    }
    // From such a one it can be cloned, where git reads it; a HEAD that nobody reads is no empty repository.
    let ran = sandbox.flota("", &["clone", "ours", "theirs"]);
    assert_ne!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!sandbox.path("theirs").exists());
}

#[test]
fn a_fleet_whose_index_is_lost_is_no_fleet_without_services() {
    for (text, said) in [(None, "has no index"), (Some(""), "create it anew")] {
        let sandbox = behind();
        let index = sandbox.path("ours/.git/index");
        fs::remove_file(&index).unwrap();
        if let Some(text) = text {
            fs::write(&index, text).unwrap();
        }
        for command in ["status", "update"] {
            let ran = sandbox.flota("ours", &[command]);
            assert_eq!(ran.status, Some(4), "{command}: {}", ran.stderr);
            assert!(ran.stderr.contains(said), "{command}: {}", ran.stderr);
        }
    }
}

#[test]
fn what_flota_has_git_create_keeps_refs_in_files() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota_with("", &["clone", "fleet", "ours"], |flota| {
        flota.env("GIT_DEFAULT_REF_FORMAT", "reftable");
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let told = sandbox
        .flota("ours", &["status", "--format", "json"])
        .json();
    assert_eq!(told["services"].as_array().unwrap().len(), 2);
    assert_eq!(told["services"][0]["standing"], json!({"is": "in-step"}));
}
