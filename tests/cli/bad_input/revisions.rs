//! What to compare must be there, and must have a common history.

use std::fs;

use super::{MISUSE, REPOSITORY, changed, refused};
use crate::sandbox::Sandbox;

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
