//! `flota resolve`: pins that a merge left in conflict.

use regex::Regex;
use serde_json::json;

use crate::sandbox::{Ran, Sandbox};

const API: &str = "code-repos/api";

/// A clone of the fleet without its submodules, where the merge of `other` stopped.
fn merging() -> Sandbox {
    let sandbox = Sandbox::scripted("conflict");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    conflict(&sandbox, "merge");
    sandbox
}

fn conflict(sandbox: &Sandbox, by: &str) {
    let merged = sandbox.git_output("ours", &[by, "origin/other"]);
    assert!(!merged.status.success());
    let open = sandbox.git("ours", &["ls-files", "--unmerged"]);
    assert!(open.contains(API), "{open}");
}

fn resolve(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut all = vec!["resolve", "--format", "json"];
    all.extend(arguments);
    sandbox.flota("ours", &all)
}

fn services(ran: &Ran) -> Vec<serde_json::Value> {
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
    assert_eq!(told["schema"], "flota.resolve/v1");
    told["services"].as_array().unwrap().clone()
}

/// The one pin that the index has for `path`.
fn staged(sandbox: &Sandbox, path: &str) -> String {
    let listed = sandbox.git("ours", &["ls-files", "--stage", "--", path]);
    let words: Vec<_> = listed.split_whitespace().collect();
    assert_eq!((words.len(), words[2]), (4, "0"), "{listed}");
    words[1].to_owned()
}

fn commit_of(sandbox: &Sandbox, service: &str, rev: &str) -> String {
    sandbox.git(service, &["rev-parse", rev]).trim().to_owned()
}

#[test]
fn the_descendant_is_staged_where_nothing_is_checked_out() {
    let sandbox = merging();
    let told = sandbox.flota("ours", &["resolve"]).transcript();
    // The store's name is a hash over its URL, which lies in another folder each time.
    let store = Regex::new("branches/[0-9a-f]+").unwrap();
    insta::assert_snapshot!(store.replace_all(&told, "branches/[STORE]"));
    assert_eq!(staged(&sandbox, API), commit_of(&sandbox, "api", "main"));
    // What nobody can choose for them stays as it was.
    let open = sandbox.git("ours", &["ls-files", "--unmerged"]);
    assert_eq!(open.matches("code-repos/web").count(), 3, "{open}");
    assert_eq!(open.matches("code-repos/docs").count(), 2, "{open}");
    let again = resolve(&sandbox, &[]);
    assert_eq!(again.status, Some(4));
    assert_eq!(services(&again).len(), 2);
}

#[test]
fn both_sides_commits_are_told() {
    let sandbox = merging();
    let ran = resolve(&sandbox, &["web", "docs"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let services = services(&ran);
    let [docs, web] = &services[..] else {
        panic!("{services:?}")
    };
    let (ours, theirs) = (
        commit_of(&sandbox, "web", "ours"),
        commit_of(&sandbox, "web", "main"),
    );
    assert_eq!(web["verdict"], "diverged");
    assert_eq!(web["pin"], json!(null));
    assert_eq!(web["ours"], ours);
    assert_eq!(
        web["ours_alone"],
        json!({"count": 1, "newest": [{"commit": ours, "subject": "Two replicas"}]})
    );
    assert_eq!(web["theirs_alone"]["newest"][0]["commit"], theirs);
    assert_eq!(docs["verdict"], "open");
    assert_eq!(docs["ours"], json!(null));
}

/// The commands that the hints give do what they say.
#[test]
fn the_hints_can_be_followed() {
    let sandbox = merging();
    let ran = sandbox.flota("ours", &["resolve"]);
    let compare = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("hint: compare them: git "))
        .unwrap();
    let words = shlex::split(compare).unwrap();
    let shown = sandbox.git_output("ours", &words);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("Two replicas"), "{shown}");
    assert_eq!(shown.lines().count(), 2, "{shown}");
    let theirs = commit_of(&sandbox, "web", "main");
    let chosen = format!("160000,{theirs},code-repos/web");
    sandbox.git("ours", &["update-index", "--cacheinfo", &chosen]);
    sandbox.git(
        "ours",
        &["rm", "--quiet", "--cached", "--", "code-repos/docs"],
    );
    sandbox.git("ours", &["commit", "--quiet", "--message", "Merge"]);
    assert_eq!(sandbox.flota("ours", &["update"]).status, Some(0));
    assert_eq!(
        sandbox
            .git("ours/code-repos/web", &["rev-parse", "HEAD"])
            .trim(),
        theirs
    );
}

#[test]
fn a_checked_out_submodule_answers_by_itself() {
    let sandbox = Sandbox::scripted("conflict");
    let cloned = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(cloned.status, Some(0), "{}", cloned.stderr);
    // git settles api by itself then; with a pin of its own on either side, it stops.
    sandbox.git_output("ours", &["merge", "origin/other"]);
    let ran = resolve(&sandbox, &["web"]);
    assert_eq!(services(&ran)[0]["verdict"], "diverged");
    let asked = sandbox.path("ours/.git/flota/branches");
    assert!(!asked.exists(), "a server was asked in vain");
}

#[test]
fn a_rebase_is_as_good_as_a_merge() {
    let sandbox = Sandbox::scripted("conflict");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    conflict(&sandbox, "rebase");
    let ran = sandbox.flota("ours", &["resolve", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("git rebase --continue"),
        "{}",
        ran.stderr
    );
    assert_eq!(staged(&sandbox, API), commit_of(&sandbox, "api", "main"));
}

#[test]
fn a_dry_run_stages_nothing_and_says_the_same() {
    let sandbox = merging();
    let before = sandbox.git("ours", &["ls-files", "--stage"]);
    let planned = resolve(&sandbox, &["--dry-run"]);
    assert_eq!(sandbox.git("ours", &["ls-files", "--stage"]), before);
    let done = resolve(&sandbox, &[]);
    assert_eq!(planned.text(), done.text());
    assert_eq!((planned.status, done.status), (Some(4), Some(4)));
}

#[test]
fn a_commit_that_nobody_pushed_is_named() {
    let sandbox = merging();
    let lost = "1".repeat(40);
    let stages = format!(
        "0 {} 0\t{API}\n160000 {} 1\t{API}\n160000 {} 2\t{API}\n160000 {lost} 3\t{API}\n",
        "0".repeat(40),
        commit_of(&sandbox, "api", "main~2"),
        commit_of(&sandbox, "api", "main"),
    );
    std::fs::write(sandbox.path("stages"), stages).unwrap();
    sandbox.git_with("ours", &["update-index", "--index-info"], |git| {
        git.stdin(std::fs::File::open(sandbox.path("stages")).unwrap());
    });
    let ran = resolve(&sandbox, &["api"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains(&lost), "{}", ran.stderr);
}

#[test]
fn a_server_that_is_gone_leaves_the_others_settled() {
    let sandbox = merging();
    std::fs::rename(sandbox.path("web"), sandbox.path("gone")).unwrap();
    let ran = resolve(&sandbox, &["api", "web"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(services(&ran)[0]["verdict"], "settled");
    assert!(ran.stderr.contains("git ls-remote"), "{}", ran.stderr);
}

#[test]
fn update_leaves_a_conflict_alone_and_points_here() {
    let sandbox = merging();
    let ran = sandbox.flota("ours", &["update", "--format", "json"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("hint: resolve it: flota resolve"),
        "{}",
        ran.stderr
    );
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(told["submodules"][0]["outcome"], "left");
    assert_eq!(told["submodules"][0]["pin"], json!(null));
    // The others are done.
    assert_eq!(resolve(&sandbox, &["api"]).status, Some(0));
    let ran = sandbox.flota("ours", &["update", "--quiet"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(sandbox.path("ours/code-repos/api/code/app").is_file());
    assert!(ran.stderr.contains("code-repos/web"), "{}", ran.stderr);
}

#[test]
fn without_a_conflict_there_is_nothing_to_do() {
    let sandbox = Sandbox::scripted("conflict");
    insta::assert_snapshot!(sandbox.flota("fleet", &["resolve"]).transcript());
    insta::assert_snapshot!(sandbox.flota("fleet", &["resolve", "api"]).transcript());
}

/// The pins of both sides, and of where they began, with a name for who is right.
const STANDS: [(&str, [&str; 3], Option<&str>); 7] = [
    ("theirs went on", ["main~2", "main~1", "main"], Some("main")),
    ("ours went on", ["main~2", "main", "main~1"], Some("main")),
    ("they rolled back", ["main~1", "main", "main~2"], None),
    ("we rolled back", ["main~1", "main~2", "main"], None),
    ("both rolled back", ["main", "main~2", "main~1"], None),
    (
        "both left what they began with",
        ["old", "main~1", "main"],
        None,
    ),
    ("both added it", ["", "main~1", "main"], Some("main")),
];

/// Where a side went back it was for a reason, which descent does not know.
#[test]
fn a_rollback_is_not_resolved_away() {
    for is_here in [false, true] {
        for (name, [base, ours, theirs], want) in STANDS {
            let sandbox = Sandbox::scripted("conflict");
            sandbox.git("api", &["branch", "old", "main~2"]);
            let tree = sandbox.git("api", &["rev-parse", "main~2^{tree}"]);
            let rewritten = sandbox.git("api", &["commit-tree", "-m", "Old", tree.trim()]);
            sandbox.git("api", &["branch", "--force", "old", rewritten.trim()]);
            match is_here {
                true => drop(sandbox.flota("", &["clone", "fleet", "ours"])),
                false => drop(sandbox.git("", &["clone", "--quiet", "fleet", "ours"])),
            }
            let mut stages = format!("0 {} 0\t{API}\n", "0".repeat(40));
            for (stage, rev) in [(1, base), (2, ours), (3, theirs)] {
                if !rev.is_empty() {
                    let pin = commit_of(&sandbox, "api", rev);
                    stages += &format!("160000 {pin} {stage}\t{API}\n");
                }
            }
            std::fs::write(sandbox.path("stages"), stages).unwrap();
            sandbox.git_with("ours", &["update-index", "--index-info"], |git| {
                git.stdin(std::fs::File::open(sandbox.path("stages")).unwrap());
            });
            let ran = resolve(&sandbox, &["api"]);
            let Some(want) = want else {
                assert_eq!(ran.status, Some(4), "{name}: {}", ran.stderr);
                assert_eq!(services(&ran)[0]["verdict"], "open", "{name}");
                assert!(
                    ran.stderr.contains("one side went back"),
                    "{name}: {}",
                    ran.stderr
                );
                for side in [ours, theirs] {
                    let pin = commit_of(&sandbox, "api", side);
                    let hint = format!("git update-index --cacheinfo '160000,{pin},{API}'");
                    assert!(ran.stderr.contains(&hint), "{name}: {}", ran.stderr);
                }
                continue;
            };
            assert_eq!(ran.status, Some(0), "{name}: {}", ran.stderr);
            assert_eq!(
                staged(&sandbox, API),
                commit_of(&sandbox, "api", want),
                "{name}"
            );
        }
    }
}
