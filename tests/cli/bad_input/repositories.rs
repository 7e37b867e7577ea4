//! There must be a repository with services in it, and it must be trusted.

use std::{fs, os::unix::fs::chown};

use super::{LAST, MISUSE, REPOSITORY, changed, commit_all, refused};
use crate::sandbox::Sandbox;

#[test]
fn there_must_be_a_repository() {
    let sandbox = Sandbox::new();
    let ran = sandbox.flota("", &["changed", LAST]);
    let said = refused(&ran, REPOSITORY);
    // What is said where the folder for temporary files is a file system of its own.
    let limit = regex::Regex::new(" within device limits below .*").unwrap();
    insta::assert_snapshot!(limit.replace(&said, ""));
}

#[test]
fn there_must_be_the_named_folder() {
    let sandbox = Sandbox::new();
    let ran = sandbox.flota("", &["-C", "nowhere", "changed", LAST]);
    insta::assert_snapshot!(refused(&ran, MISUSE));
}

#[test]
fn there_must_be_a_commit() {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "fleet"]);
    let transcripts = [&["changed"][..], &["changed", LAST], &["plan", "--all"]]
        .map(|args| refused(&sandbox.flota("fleet", args), REPOSITORY));
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn there_must_be_services() {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "fleet"]);
    for message in ["one", "two"] {
        fs::write(sandbox.path("fleet/file"), message).unwrap();
        commit_all(&sandbox);
    }
    let ran = changed(&sandbox, &[LAST]);
    insta::assert_snapshot!(refused(&ran, REPOSITORY));
}

#[test]
fn somebody_elses_repository_is_refused_unless_it_is_called_safe() {
    let sandbox = Sandbox::scripted("code");
    let git_dir = sandbox.path("fleet/.git");
    for path in [&git_dir, &sandbox.path("fleet")] {
        if chown(path, Some(65534), Some(65534)).is_err() {
            crate::support::skipped("root");
            return;
        }
    }
    let ran = changed(&sandbox, &[LAST]);
    insta::assert_snapshot!(refused(&ran, REPOSITORY));

    let config = sandbox.path("gitconfig");
    fs::write(
        &config,
        format!(
            "[safe]\n\tdirectory = {}\n",
            sandbox.path("fleet").display()
        ),
    )
    .unwrap();
    let ran = sandbox.flota_with("fleet", &["changed", LAST], |flota| {
        flota.env("GIT_CONFIG_GLOBAL", config);
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn a_ceiling_elsewhere_limits_nothing() {
    let sandbox = Sandbox::scripted("code");
    let ran = sandbox.flota_with("fleet/code-repos", &["changed", LAST], |flota| {
        flota.env("GIT_CEILING_DIRECTORIES", "/elsewhere");
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn variables_that_point_elsewhere_do_not_mislead() {
    let sandbox = Sandbox::scripted("code");
    let want = changed(&sandbox, &[LAST]).text();
    let elsewhere = sandbox.path("api/.git");
    for variable in [
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
    ] {
        let ran = sandbox.flota_with("fleet", &["changed", LAST], |flota| {
            flota.env(variable, &elsewhere);
        });
        assert_eq!(
            (ran.status, ran.text()),
            (Some(0), want.clone()),
            "{variable}"
        );
    }
}
