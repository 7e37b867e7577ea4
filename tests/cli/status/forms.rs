//! The forms of index and worktree that git writes (gitformat-index(5), git-update-index(1), git-sparse-checkout(1)): each is read
//! as git reads it.

use std::fs;

use serde_json::json;

use super::{API, api, by_git, cloned};
use crate::sandbox::Sandbox;

type Form<'a> = (&'a str, &'a dyn Fn(&Sandbox), bool);

fn git(sandbox: &Sandbox, arguments: &[&str]) {
    sandbox.git(API, arguments);
}

/// Each form, how git gets to it, and whether all files stay where they are.
const FORMS: [Form<'_>; 12] = [
    (
        "version 2",
        &|it| git(it, &["update-index", "--index-version=2"]),
        true,
    ),
    (
        "version 4",
        &|it| git(it, &["update-index", "--index-version=4"]),
        true,
    ),
    (
        "two parts",
        &|it| git(it, &["update-index", "--split-index"]),
        true,
    ),
    (
        "two parts, and a change in the second",
        &|it| {
            git(it, &["update-index", "--split-index"]);
            fs::write(it.path(API).join("code/run"), "another").unwrap();
            git(it, &["add", "code/run"]);
            git(it, &["reset", "--quiet", "--hard"]);
        },
        true,
    ),
    (
        "a cache of untracked files",
        &|it| {
            git(it, &["update-index", "--untracked-cache"]);
            git(it, &["status"]);
            git(it, &["status"]);
        },
        true,
    ),
    (
        "what a file system monitor said",
        &|it| {
            git(
                it,
                &["-c", "core.fsmonitor=true", "update-index", "--fsmonitor"],
            )
        },
        true,
    ),
    (
        "no checksum",
        &|it| {
            git(it, &["config", "index.skipHash", "true"]);
            git(it, &["reset", "--quiet", "--hard"]);
        },
        true,
    ),
    (
        "many files",
        &|it| {
            git(it, &["config", "feature.manyFiles", "true"]);
            git(it, &["reset", "--quiet", "--hard"]);
            git(it, &["status"]);
        },
        true,
    ),
    (
        "entries in blocks",
        &|it| {
            git(it, &["config", "index.threads", "4"]);
            git(it, &["reset", "--quiet", "--hard"]);
        },
        true,
    ),
    (
        "some files by pattern",
        &|it| git(it, &["sparse-checkout", "set", "--no-cone", "/code/*"]),
        false,
    ),
    (
        "some folders",
        &|it| {
            git(
                it,
                &[
                    "sparse-checkout",
                    "set",
                    "--cone",
                    "--no-sparse-index",
                    "code",
                ],
            )
        },
        false,
    ),
    (
        "folders that stand for their files",
        &|it| {
            git(
                it,
                &["sparse-checkout", "set", "--cone", "--sparse-index", "code"],
            )
        },
        false,
    ),
];

#[test]
fn every_form_of_the_index_is_read_as_git_reads_it() {
    for (name, prepare, is_whole) in FORMS {
        let sandbox = cloned();
        // git leaves files in place of which it cannot be sure that nothing changed.
        sandbox.git(API, &["status"]);
        prepare(&sandbox);
        assert_eq!(
            sandbox.path(API).join("config/Chart.yaml").exists(),
            is_whole,
            "{name}"
        );
        let is_sparse = sandbox
            .git(API, &["ls-files", "--sparse"])
            .contains("config/\n");
        assert_eq!(is_sparse, name.starts_with("folders that"), "{name}");
        for run in ["first", "second"] {
            let told = api(&sandbox);
            assert_eq!(told["state"], "here", "{name}, {run}: {told}");
            assert_eq!(told["standing"], json!({"is": "in-step"}), "{name}");
            assert_eq!(told["changes"], by_git(&sandbox, API), "{name}, {run}");
            assert_eq!(told["changes"]["staged"], 0, "{name}, {run}");
        }
        let at = |file: &str| sandbox.path(API).join(file);
        fs::write(at("code/app"), "changed").unwrap();
        fs::write(at("code/run"), "staged").unwrap();
        sandbox.git(API, &["add", "code/run"]);
        fs::write(at("code/new"), "untracked").unwrap();
        fs::create_dir_all(at("config")).unwrap();
        fs::write(at("config/new"), "untracked").unwrap();
        let told = api(&sandbox)["changes"].clone();
        assert_eq!(told, by_git(&sandbox, API), "{name}");
        assert_eq!(
            (&told["staged"], &told["unstaged"]),
            (&json!(1), &json!(1)),
            "{name}"
        );
    }
}

/// The same forms move to a new pin, and no work in them is lost.
#[test]
fn every_form_of_the_index_is_moved_by_git() {
    for (name, prepare, _) in FORMS {
        let sandbox = cloned();
        sandbox.git(API, &["status"]);
        prepare(&sandbox);
        fs::write(sandbox.path("api/code/app"), "second").unwrap();
        sandbox.git(
            "api",
            &["commit", "--quiet", "--all", "--message", "Second"],
        );
        let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
        let link = format!("160000,{},code-repos/api", pin.trim());
        sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
        let app = sandbox.path(API).join("code/app");
        fs::write(&app, "mine").unwrap();
        let ran = sandbox.flota("ours", &["update"]);
        assert_eq!(ran.status, Some(4), "{name}: {}", ran.stderr);
        assert_eq!(fs::read(&app).unwrap(), b"mine", "{name}");
        sandbox.git(API, &["checkout", "--quiet", "code/app"]);
        let ran = sandbox.flota("ours", &["update"]);
        assert_eq!(ran.status, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(fs::read(&app).unwrap(), b"second", "{name}");
        assert_eq!(sandbox.git(API, &["status", "--porcelain"]), "", "{name}");
        assert_eq!(
            api(&sandbox)["standing"],
            json!({"is": "in-step"}),
            "{name}"
        );
    }
}

/// The fleet's own index in the forms that list its services in another way.
#[test]
fn the_fleets_own_index_hides_no_service_in_any_form() {
    for (name, commands) in [
        (
            "version 4",
            &[&["update-index", "--index-version=4"][..]][..],
        ),
        ("two parts", &[&["update-index", "--split-index"]]),
        (
            "no checksum",
            &[&["config", "index.skipHash", "true"], &["reset", "--quiet"]],
        ),
        (
            "folders that stand for their files",
            &[&[
                "sparse-checkout",
                "set",
                "--cone",
                "--sparse-index",
                "nothing",
            ]],
        ),
    ] {
        let sandbox = cloned();
        for command in commands {
            sandbox.git("ours", command);
        }
        let told = sandbox
            .flota("ours", &["status", "--format", "json"])
            .json();
        assert_eq!(told["services"].as_array().unwrap().len(), 2, "{name}");
        let ran = sandbox.flota("ours", &["update", "--format", "json"]);
        assert_eq!(
            ran.json()["submodules"].as_array().unwrap().len(),
            3,
            "{name}"
        );
    }
}

#[test]
fn a_fleet_of_sha_256_is_read_too() {
    let sandbox = Sandbox::scripted("sha256");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let told = sandbox
        .flota("ours", &["status", "--format", "json"])
        .json();
    let services = told["services"].as_array().unwrap();
    assert!(!services.is_empty());
    for service in services {
        assert_eq!(service["standing"], json!({"is": "in-step"}), "{service}");
        assert_eq!(service["head"].as_str().unwrap().len(), 64);
    }
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}
