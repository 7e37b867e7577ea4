//! What to compare must be there, and must have a common history.

use std::fs;

use super::{MISUSE, REPOSITORY, changed, refused};
use crate::sandbox::{Ran, Sandbox};

/// Each CI system's mark, with what it needs to say of a run that compares nothing of its own.
const SYSTEMS: [(&str, &[(&str, &str)]); 5] = [
    (
        "GitHub Actions",
        &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "schedule"),
        ],
    ),
    (
        "Azure Pipelines",
        &[
            ("TF_BUILD", "True"),
            ("BUILD_REASON", "Schedule"),
            ("BUILD_SOURCEBRANCH", "refs/heads/trunk"),
        ],
    ),
    (
        "GitLab CI/CD",
        &[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "schedule")],
    ),
    (
        "Buildkite",
        &[("BUILDKITE", "true"), ("BUILDKITE_SOURCE", "schedule")],
    ),
    (
        "Jenkins",
        &[("BUILD_TAG", "jenkins-fleet-1"), ("TAG_NAME", "v1")],
    ),
];

fn in_system(sandbox: &Sandbox, dir: &str, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    sandbox.flota_with(dir, args, |flota| {
        flota.envs(variables.iter().copied());
    })
}

#[test]
fn an_unknown_one_is_an_error_that_names_the_nearest() {
    let sandbox = Sandbox::scripted("branches");
    let transcripts = [["topc...HEAD"], ["main..nowhere-at-all"], ["HEAD~9..HEAD"]]
        .map(|range| refused(&changed(&sandbox, &range), REPOSITORY));
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn one_alone_is_no_range() {
    let sandbox = Sandbox::scripted("branches");
    insta::assert_snapshot!(refused(&changed(&sandbox, &["topic"]), MISUSE));
}

#[test]
fn what_is_excluded_by_git_s_word_is_the_range_s_other_end() {
    let sandbox = Sandbox::scripted("branches");
    let transcripts = [&["^main"][..], &["^main", "topic"], &["^main topic"]]
        .map(|args| refused(&changed(&sandbox, args), MISUSE));
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn what_looks_like_an_option_is_refused_and_writes_nothing() {
    let sandbox = Sandbox::scripted("code");
    let transcripts = [
        &["--base=--output=x"][..],
        &["--base", "HEAD", "--head=--output=x"],
        &["--output=x..HEAD"],
        &["HEAD..--output=x"],
    ]
    .map(|args| refused(&changed(&sandbox, args), MISUSE));
    insta::assert_snapshot!(transcripts.join("\n"));
    assert!(!sandbox.path("fleet/x").exists());
}

#[test]
fn a_tree_is_no_commit() {
    let sandbox = Sandbox::scripted("code");
    let ran = changed(&sandbox, &["HEAD~1^{tree}..HEAD"]);
    insta::assert_snapshot!(refused(&ran, REPOSITORY));
}

#[test]
fn histories_without_a_common_commit_have_no_merge_base() {
    let sandbox = Sandbox::scripted("code");
    let orphan = ["commit-tree", "HEAD^{tree}", "-m", "Start anew"];
    let orphan = sandbox.git("fleet", &orphan);
    sandbox.git("fleet", &["branch", "other", orphan.trim()]);
    insta::assert_snapshot!(refused(&changed(&sandbox, &["other...HEAD"]), REPOSITORY));
    assert_eq!(changed(&sandbox, &["other..HEAD"]).status, Some(0));
}

#[test]
fn a_history_cut_short_is_deepened_or_named() {
    let sandbox = Sandbox::scripted("branches");
    let url = format!("file://{}", sandbox.path("fleet").display());
    let depth = ["--depth=1", "--no-single-branch", &url, "shallow"];
    sandbox.git("", &[&["clone", "--quiet"][..], &depth].concat());
    let args = ["changed", "origin/topic...HEAD"];

    let offline = sandbox.flota("shallow", &[&args[..], &["--offline"]].concat());
    insta::assert_snapshot!(refused(&offline, REPOSITORY));
    assert!(!offline.stderr.contains("depth"), "{}", offline.stderr);
    // Each system clones in its own way, and only its own is named.
    for (system, variables) in SYSTEMS {
        let args = [&args[..], &["--offline", "--no-ci-commands"]].concat();
        let ran = in_system(&sandbox, "shallow", &args, variables);
        let said = refused(&ran, REPOSITORY).to_lowercase();
        let github = said.contains("hint: in github actions: actions/checkout with fetch-depth: 0");
        assert_eq!(github, system == "GitHub Actions", "{system}: {said}");
        let other = said.contains("hint: in azure pipelines: a checkout step with fetchdepth: 0");
        assert_eq!(other, system == "Azure Pipelines", "{system}: {said}");
        let other = said.contains("hint: in gitlab ci/cd: the variable git_depth: 0");
        assert_eq!(other, system == "GitLab CI/CD", "{system}: {said}");
    }

    // Its remote is the fleet itself, where `topic` is a branch of its own.
    let whole = sandbox.flota("fleet", &["changed", "topic...HEAD"]).text();
    let deepened = sandbox.flota("shallow", &args);
    assert_eq!(deepened.status, Some(0), "{}", deepened.stderr);
    assert_eq!(deepened.text().replace("origin/topic", "topic"), whole);
}

#[test]
fn a_damaged_list_of_shallow_commits_is_an_error() {
    let sandbox = Sandbox::scripted("branches");
    fs::write(sandbox.path("fleet/.git/shallow"), "no commit\n").unwrap();
    let ran = changed(&sandbox, &["HEAD~1..HEAD"]);
    insta::assert_snapshot!(refused(&ran, REPOSITORY));
}

#[test]
fn without_a_base_branch_one_must_be_named() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("fleet", &["branch", "--move", "trunk"]);
    insta::assert_snapshot!(refused(&changed(&sandbox, &[]), MISUSE));
}

#[test]
fn a_system_that_names_no_commit_is_not_called_none() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("fleet", &["branch", "--move", "trunk"]);
    for (system, variables) in SYSTEMS {
        let args = ["changed", "--no-ci-commands"];
        let ran = in_system(&sandbox, "fleet", &args, variables);
        let said = refused(&ran, MISUSE);
        assert!(!said.contains("no CI system"), "{system}: {said}");
    }
}

#[test]
fn a_name_that_is_a_branch_and_a_tag_is_said_with_the_one_that_was_taken() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("fleet", &["tag", "both", "HEAD~1"]);
    sandbox.git("fleet", &["branch", "both"]);
    sandbox.git("fleet", &["branch", "slash/both"]);
    sandbox.git(
        "fleet",
        &["worktree", "add", "--quiet", "--detach", "../linked"],
    );
    let tag = sandbox.git("fleet", &["rev-parse", "refs/tags/both"]);
    let git = sandbox.git_output("fleet", &["rev-parse", "both"]);
    assert_eq!(
        String::from_utf8_lossy(&git.stdout),
        tag,
        "git takes the tag"
    );
    let kinds = |ran: &Ran| {
        let changed = ran.json();
        let warnings = changed["warnings"].as_array().unwrap().iter();
        let kinds = warnings.map(|it| it["kind"].as_str().unwrap().to_owned());
        (changed["base"]["commit"].clone(), kinds.collect::<Vec<_>>())
    };
    // A linked worktree is read in another way than an ordinary repository, and packed refs in another way than loose ones.
    for (dir, packed) in [
        ("fleet", false),
        ("linked", false),
        ("fleet", true),
        ("linked", true),
    ] {
        if packed {
            sandbox.git("fleet", &["pack-refs", "--all"]);
        }
        for args in [
            &["both..HEAD"][..],
            &["both~0..HEAD"],
            &["both^{commit}..HEAD"],
            &["--base", "both"],
            &["both..refs/heads/both"],
        ] {
            let all = [&["changed", "--format", "json"], args].concat();
            let ran = sandbox.flota(dir, &all);
            let (base, kinds) = kinds(&ran);
            assert_eq!(
                (base, kinds),
                (tag.trim().into(), vec!["ambiguous-name".to_owned()])
            );
            assert!(
                ran.stderr.contains("flota took refs/tags/both"),
                "{}",
                ran.stderr
            );
            assert!(ran.stderr.contains("not refs/heads/both"), "{}", ran.stderr);
            assert_eq!(
                sandbox
                    .flota(dir, &[&all[..], &["--strict"]].concat())
                    .status,
                Some(4)
            );
        }
        // At both ends, it is said once.
        let ran = sandbox.flota(dir, &["changed", "both..both"]);
        assert_eq!(
            ran.stderr.matches("is ambiguous").count(),
            1,
            "{}",
            ran.stderr
        );
        for range in [
            "refs/tags/both..HEAD",
            "tags/both..heads/both",
            "slash/both~1..HEAD",
            "HEAD~1..main",
        ] {
            let ran = sandbox.flota(dir, &["changed", "--format", "json", range]);
            assert_eq!(kinds(&ran).1, [""; 0], "{range}");
        }
    }
}
