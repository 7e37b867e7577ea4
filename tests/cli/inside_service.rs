//! In the folder of a service that is checked out in a fleet, every command means the fleet; `--service-only` means the service.

use std::fs;

use crate::sandbox::Sandbox;

const RANGE: &str = "HEAD~1..HEAD";

#[test]
fn every_folder_of_a_fleet_gives_the_same_answer() {
    let sandbox = Sandbox::scripted("nested");
    sandbox.git(
        "fleet",
        &["submodule", "--quiet", "update", "--init", "--recursive"],
    );
    for arguments in [
        &["status", "--all"][..],
        &["changed", RANGE],
        &["plan", RANGE, "--format", "json"],
        &["log", RANGE],
        &["check", "HEAD~1..HEAD"],
    ] {
        let wanted = sandbox.flota("fleet", arguments);
        for dir in [
            "fleet/code-repos",
            "fleet/code-repos/platform",
            "fleet/code-repos/platform/code",
            "fleet/code-repos/platform/libs/core",
            "fleet/code-repos/platform/libs/core/code",
        ] {
            let ran = sandbox.flota(dir, arguments);
            assert_eq!(
                ran.text(),
                wanted.text(),
                "{dir}: {arguments:?} {}",
                ran.stderr
            );
            assert_eq!(ran.status, wanted.status, "{dir}: {arguments:?}");
        }
    }
}

#[test]
fn a_service_is_named_from_where_one_stands() {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.flota("", &["clone", "fleet", "ours"]);
    for (dir, word) in [
        ("ours/code-repos/api", "."),
        ("ours/code-repos/api/code", ".."),
        ("ours/code-repos/web", "../api"),
        ("ours/code-repos/web", "api"),
    ] {
        let told = sandbox
            .flota(dir, &["status", word, "--format", "json"])
            .json();
        assert_eq!(
            told["services"][0]["path"], "code-repos/api",
            "{dir} {word}"
        );
        assert_eq!(told["services"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn with_the_flag_it_is_the_service_alone() {
    let sandbox = Sandbox::scripted("code");
    let dir = "fleet/code-repos/api";
    let alone = sandbox
        .flota("api", &["changed", RANGE, "--format", "json"])
        .json();
    let flag = ["changed", RANGE, "--format", "json", "--service-only"];
    let told = sandbox.flota(dir, &flag).json();
    assert_eq!(told["services"][0]["path"], ".");
    assert_eq!(told["services"][0]["code"], alone["services"][0]["code"]);
    let log = sandbox.flota(dir, &["log", RANGE, "--service-only", "--format", "json"]);
    let subject = sandbox.git("api", &["log", "-1", "--format=%s"]);
    let gained = &log.json()["services"][0]["gained"];
    assert_eq!(gained["commits"][0]["subject"], subject.trim());
    let patch = ["diff", RANGE, "--service-only", "--format", "patch"];
    let by_git = sandbox.git(dir, &["diff", RANGE]);
    assert_eq!(sandbox.flota(dir, &patch).text(), by_git);
}

#[test]
fn a_repository_without_submodules_is_not_told_that_none_of_its_none_are_in_step() {
    let sandbox = Sandbox::scripted("code");
    let wanted = "No services: this repository has no submodules.\n";
    for (dir, arguments) in [
        ("api", &["status"][..]),
        ("fleet/code-repos/api", &["status", "--service-only"]),
    ] {
        let ran = sandbox.flota(dir, arguments);
        assert_eq!((ran.text().as_str(), ran.status), (wanted, Some(0)));
    }
}

/// A repository that only lies in another one is no service of it.
#[test]
fn only_a_submodule_belongs_to_the_repository_around_it() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("fleet", &["clone", "--quiet", "../api", "other"]);
    let ran = sandbox.flota("fleet/other", &["changed", RANGE, "--format", "json"]);
    assert_eq!(ran.json()["services"][0]["path"], ".");
    // Nor is one that was one.
    sandbox.git("fleet", &["rm", "--quiet", "--cached", "code-repos/api"]);
    let ran = sandbox.flota(
        "fleet/code-repos/api",
        &["changed", RANGE, "--format", "json"],
    );
    assert_eq!(ran.json()["services"][0]["path"], ".");
}

/// As with git: what a service is in is looked for in the worktree that it is checked out in.
#[test]
fn a_service_in_conflict_belongs_to_its_fleet() {
    let sandbox = Sandbox::scripted("conflict");
    sandbox.flota("", &["clone", "fleet", "ours"]);
    sandbox.git_output("ours", &["merge", "origin/other"]);
    let unmerged = sandbox.git("ours", &["ls-files", "--unmerged"]);
    assert!(!unmerged.is_empty());
    let path = unmerged.split_whitespace().nth(3).unwrap();
    fs::create_dir_all(sandbox.path("ours").join(path).join("code")).unwrap();
    let wanted = sandbox.flota("ours", &["status"]);
    let ran = sandbox.flota(format!("ours/{path}/code"), &["status"]);
    assert_eq!(ran.text(), wanted.text());
}
