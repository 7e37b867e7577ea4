//! `.gitmodules` is text from anybody: what git would refuse is refused.

use std::fs;

use super::{REPOSITORY, changed, commit_all, named, refused};
use crate::sandbox::Sandbox;

/// A commit on top of HEAD in which `.gitmodules` is this entry, as `git ls-tree` shows one.
fn commit_with(sandbox: &Sandbox, entry: &str) {
    let tree = sandbox.git("fleet", &["ls-tree", "HEAD"]);
    let rest = tree.lines().filter(|line| !line.ends_with("\t.gitmodules"));
    let listing: Vec<_> = rest
        .chain([entry])
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(sandbox.path("listing"), listing.concat()).unwrap();
    let stdin = fs::File::open(sandbox.path("listing")).unwrap();
    let made = sandbox.git_with("fleet", &["mktree"], |git| {
        git.stdin(stdin);
    });
    let tree = String::from_utf8(made.stdout).unwrap();
    let commit = ["commit-tree", tree.trim(), "-p", "HEAD", "-m", "Damage it"];
    let commit = sandbox.git("fleet", &commit);
    sandbox.git("fleet", &["update-ref", "HEAD", commit.trim()]);
}

#[test]
fn text_that_git_cannot_read_is_refused() {
    let sandbox = Sandbox::scripted("code");
    fs::write(
        sandbox.path("fleet/.gitmodules"),
        "[submodule \"api\npath = x\n",
    )
    .unwrap();
    commit_all(&sandbox);
    let ran = changed(&sandbox, &["HEAD~2..HEAD"]);
    insta::assert_snapshot!(refused(&ran, REPOSITORY));
}

#[test]
fn a_symlink_is_refused() {
    let sandbox = Sandbox::scripted("code");
    let blob = sandbox.git("fleet", &["rev-parse", "HEAD:.gitmodules"]);
    commit_with(
        &sandbox,
        &format!("120000 blob {}\t.gitmodules", blob.trim()),
    );
    let ran = changed(&sandbox, &["HEAD~2..HEAD"]);
    insta::assert_snapshot!(refused(&ran, REPOSITORY));
}

#[test]
fn a_directory_is_refused() {
    let sandbox = Sandbox::scripted("code");
    let tree = sandbox.git("api", &["rev-parse", "HEAD:code"]);
    let objects = sandbox.path("api/.git/objects");
    fs::write(
        sandbox.path("fleet/.git/objects/info/alternates"),
        objects.to_str().unwrap(),
    )
    .unwrap();
    commit_with(
        &sandbox,
        &format!("040000 tree {}\t.gitmodules", tree.trim()),
    );
    let ran = changed(&sandbox, &["HEAD~2..HEAD"]);
    insta::assert_snapshot!(refused(&ran, REPOSITORY));
}

#[test]
fn a_name_that_leads_outside_is_refused() {
    // The pins are there, outside of the fleet: following the name would find them.
    let sandbox = Sandbox::scripted("code");
    let range = format!(
        "{}..HEAD",
        sandbox.git("fleet", &["rev-parse", "HEAD~1"]).trim()
    );
    let transcripts = ["../../../api/.git", "..", "a/../../x", "/etc"].map(|name| {
        let file = sandbox.path("fleet/.gitmodules");
        fs::write(
            &file,
            format!("[submodule \"{name}\"]\n\tpath = code-repos/api\n\turl = ../api\n"),
        )
        .unwrap();
        commit_all(&sandbox);
        named(&changed(&sandbox, &[&range]), REPOSITORY)
    });
    insta::assert_snapshot!(transcripts.join("\n"));
}
