//! `flota clone`: what is on disk afterwards is what git would leave, and a hostile fleet gets nothing.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::sandbox::Sandbox;

/// A fleet of two services, one of them with a submodule of its own, a link and a file to run.
fn fleet() -> Sandbox {
    Sandbox::scripted("to-clone")
}

fn listed(sandbox: &Sandbox, dir: &str) -> Vec<String> {
    let mut files: Vec<_> = walk(&sandbox.path(dir), Path::new(""))
        .into_iter()
        .filter(|path| {
            // What `--template=` leaves out and what flota keeps for itself; git copies loose objects of local
            // repositories, and a new repository's reflog says nothing yet.
            ![
                "hooks",
                "branches",
                "info",
                "description",
                "flota",
                "objects",
                "logs",
            ]
            .iter()
            .any(|part| path.split('/').any(|name| name == *part))
        })
        .collect();
    files.sort();
    files
}

fn walk(root: &Path, below: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(root, &path));
        }
        found.push(path.display().to_string());
    }
    found
}

/// Whether the clones `ours` and `gits` are alike, in every repository of theirs.
pub fn same_as_git(sandbox: &Sandbox) {
    for dir in [
        "",
        "code-repos/api",
        "code-repos/api/code/lib",
        "code-repos/web",
    ] {
        let (ours, gits) = (format!("ours/{dir}"), format!("gits/{dir}"));
        for question in [
            &["status", "--porcelain=v2", "--branch", "--ignored"][..],
            &["submodule", "status", "--recursive"],
            &["ls-files", "--stage"],
            &["for-each-ref"],
            &["symbolic-ref", "refs/remotes/origin/HEAD"],
            &["config", "--local", "--get", "remote.origin.url"],
            &[
                "config",
                "--local",
                "--get-regexp",
                "^(branch|submodule|core|remote|extensions)\\.",
            ],
        ] {
            let ask = |dir: &str| {
                let said = sandbox.git_output(dir, question);
                let mut lines: Vec<_> = String::from_utf8(said.stdout)
                    .unwrap()
                    .lines()
                    .map(str::to_owned)
                    .collect();
                lines.sort();
                lines
            };
            assert_eq!(ask(&ours), ask(&gits), "{dir} {question:?}");
        }
        sandbox.git(&ours, &["fsck", "--strict", "--full"]);
    }
    assert_eq!(listed(sandbox, "ours"), listed(sandbox, "gits"));
}

#[test]
fn a_clone_is_what_git_leaves() {
    let sandbox = fleet();
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git(
        "",
        &["clone", "--quiet", "--recurse-submodules", "fleet", "gits"],
    );
    same_as_git(&sandbox);
    // And git goes on from there.
    for again in [
        &["submodule", "update", "--init", "--recursive"][..],
        &["submodule", "sync", "--recursive"],
        &["fetch", "--recurse-submodules"],
    ] {
        sandbox.git("ours", again);
    }
}

#[test]
fn what_was_cloned_is_told() {
    let sandbox = fleet();
    let ran = sandbox.flota("", &["clone", "fleet", "ours", "--format", "json", "-j1"]);
    let told = ran.json();
    assert_eq!(told["schema"], "flota.clone/v1");
    let outcomes: Vec<_> = told["submodules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["path"].as_str().unwrap(),
                one["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    let want = [
        ("code-repos/api", "cloned"),
        ("code-repos/api/code/lib", "cloned"),
        ("code-repos/web", "cloned"),
    ];
    assert_eq!(outcomes, want);
}

#[test]
fn some_services_of_many() {
    let sandbox = fleet();
    let ran = sandbox.flota("", &["clone", "fleet", "ours", "--service", "w*"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(sandbox.path("ours/code-repos/web/code/app").is_file());
    assert!(!sandbox.path("ours/code-repos/api/.git").exists());
    // The choice lasts: what was not brought is not active.
    let updated = sandbox
        .flota("ours", &["update", "--format", "json"])
        .json();
    assert_eq!(
        updated["submodules"].as_array().unwrap().len(),
        1,
        "{updated}"
    );
    // And the rest comes when it is named.
    let more = sandbox.flota("ours", &["update", "api"]);
    assert_eq!(more.status, Some(0), "{}", more.stderr);
    assert!(
        sandbox
            .path("ours/code-repos/api/code/lib/code/app")
            .is_file()
    );
}

#[test]
fn branch_and_depth() {
    let sandbox = fleet();
    sandbox.git("fleet", &["branch", "development", "HEAD~1"]);
    let fleet = format!("file://{}", sandbox.path("fleet").display());
    let ran = sandbox.flota(
        "",
        &[
            "clone",
            &fleet,
            "ours",
            "--branch",
            "development",
            "--depth",
            "1",
        ],
    );
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(
        sandbox.git("ours", &["branch", "--show-current"]),
        "development\n"
    );
    for dir in ["ours", "ours/code-repos/api"] {
        assert_eq!(
            sandbox.git(dir, &["rev-list", "--count", "HEAD"]),
            "1\n",
            "{dir}"
        );
        assert_eq!(sandbox.git(dir, &["status", "--porcelain"]), "", "{dir}");
    }
}

#[test]
fn a_submodule_that_is_to_be_shallow_is() {
    let sandbox = fleet();
    let shallow = ["config", "--file=.gitmodules", "submodule.web.shallow"];
    sandbox.git("fleet", &[&shallow[..], &["true"]].concat());
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message", "Cut"]);
    sandbox.git(
        "web",
        &["commit", "--quiet", "--allow-empty", "--message", "Go on"],
    );
    let fleet = format!("file://{}", sandbox.path("fleet").display());
    let ran = sandbox.flota("", &["clone", &fleet, "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let gits = ["clone", "--quiet", "--recurse-submodules", &fleet, "gits"];
    sandbox.git("", &gits);
    for (service, cut) in [("web", "true\n"), ("api", "false\n")] {
        for clone in ["ours", "gits"] {
            let dir = format!("{clone}/code-repos/{service}");
            let said = sandbox.git(&dir, &["rev-parse", "--is-shallow-repository"]);
            assert_eq!(said, cut, "{dir}");
        }
    }
    let dir = "ours/code-repos/web";
    assert_eq!(sandbox.git(dir, &["rev-list", "--count", "HEAD"]), "1\n");
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    // The branch has gone on, and does not lead to the pin here: it came from the server all the same.
    let told = sandbox.flota("ours", &["status"]);
    assert_eq!(told.stdout, b"2 of 2 services in step\n", "{}", told.stderr);
    // And so nothing is lost when the pin moves on.
    let newer = sandbox.git("web", &["rev-parse", "HEAD"]);
    let link = format!("160000,{},code-repos/web", newer.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
    let moved = sandbox.flota("ours", &["update"]);
    assert_eq!(moved.status, Some(0), "{}", moved.stderr);
    assert_eq!(sandbox.git(dir, &["rev-parse", "HEAD"]), newer);
}

#[test]
fn nothing_is_written_over_and_nothing_half_stays() {
    let sandbox = fleet();
    fs::create_dir(sandbox.path("taken")).unwrap();
    fs::write(sandbox.path("taken/file"), "mine").unwrap();
    let ran = sandbox.flota("", &["clone", "fleet", "taken"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("not empty"), "{}", ran.stderr);

    fs::create_dir(sandbox.path("empty")).unwrap();
    let ran = sandbox.flota("empty", &["clone", "../nowhere"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(fs::read_dir(sandbox.path("empty")).unwrap().count(), 0);
}

#[test]
fn one_that_cannot_be_brought_costs_nothing_but_itself() {
    let sandbox = fleet();
    fs::rename(sandbox.path("web"), sandbox.path("web-away")).unwrap();
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("code-repos/web"), "{}", ran.stderr);
    assert!(
        sandbox
            .path("ours/code-repos/api/code/lib/code/app")
            .is_file()
    );
    assert_eq!(
        fs::read_dir(sandbox.path("ours/code-repos/web"))
            .unwrap()
            .count(),
        0
    );
    assert!(!sandbox.path("ours/.git/modules/web").exists());

    fs::rename(sandbox.path("web-away"), sandbox.path("web")).unwrap();
    let mended = sandbox.flota("ours", &["update"]);
    assert_eq!(mended.status, Some(0), "{}", mended.stderr);
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    assert!(sandbox.path("ours/code-repos/web/code/app").is_file());
}

#[test]
fn no_hook_no_password_and_no_escape() {
    let sandbox = fleet();
    let hook = sandbox.path("hooks/post-checkout");
    fs::create_dir(sandbox.path("hooks")).unwrap();
    fs::write(&hook, "#!/bin/sh\ntouch \"$HOME/canary\"\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let hooks = sandbox.path("hooks");
    let ran = sandbox.flota_with("", &["clone", "fleet", "ours"], |command| {
        command
            .env("GIT_CONFIG_COUNT", "3")
            .env("GIT_CONFIG_KEY_2", "core.hooksPath")
            .env("GIT_CONFIG_VALUE_2", hooks);
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!sandbox.path("home/canary").exists());

    let ran = sandbox.flota(
        "",
        &["clone", "http://user:hunter2@127.0.0.1:1/fleet", "other"],
    );
    assert_eq!(ran.status, Some(1));
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
}

#[test]
fn without_the_content_of_files_that_are_in_no_worktree() {
    let sandbox = fleet();
    for repository in ["fleet", "api", "web", "lib"] {
        sandbox.git(repository, &["config", "uploadpack.allowFilter", "true"]);
        sandbox.git(
            repository,
            &["config", "uploadpack.allowAnySHA1InWant", "true"],
        );
    }
    fs::write(sandbox.path("api/code/app"), "newer than the pin").unwrap();
    sandbox.git("api", &["commit", "--quiet", "--all", "--message=Newer"]);
    let newer = sandbox.git("api", &["rev-parse", "HEAD:code/app"]);
    let url = format!("file://{}", sandbox.path("fleet").display());
    let ran = sandbox.flota("", &["clone", "--filter", "blob:none", &url, "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for dir in [
        "ours",
        "ours/code-repos/api",
        "ours/code-repos/api/code/lib",
    ] {
        let config = |key| sandbox.git(dir, &["config", "--local", key]);
        assert_eq!(config("remote.origin.partialclonefilter"), "blob:none\n");
        assert_eq!(sandbox.git(dir, &["status", "--porcelain"]), "", "{dir}");
        sandbox.git(dir, &["fsck"]);
    }
    let missing = sandbox.git(
        "ours/code-repos/api",
        &["rev-list", "--objects", "--missing=print", "--all"],
    );
    assert!(missing.contains(&format!("?{}", newer.trim())), "{missing}");
    // git fetches it when it is looked at.
    let shown = sandbox.git("ours/code-repos/api", &["show", "origin/main:code/app"]);
    assert_eq!(shown, "newer than the pin");
}

#[test]
fn without_git_it_is_git_that_is_missing() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota_with("", &["clone", "fleet", "ours"], |command| {
        command.env("PATH", "/nonexistent");
    });
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    let said = "error: git is not installed, or not on PATH\nhint: install git ";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(!sandbox.path("ours").exists());
}

#[test]
fn a_git_that_is_too_old_is_named_before_it_does_anything() {
    let sandbox = Sandbox::scripted("to-clone");
    let tools = sandbox.path("tools");
    fs::create_dir(&tools).unwrap();
    let git = tools.join("git");
    let record = sandbox.path("started");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{}'\necho git version 2.38.5\n",
        record.display()
    );
    fs::write(&git, script).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    for (dir, args) in [
        ("", &["clone", "fleet", "ours"][..]),
        ("", &["init", "another"]),
        ("fleet", &["new", "shop", "--template", "static"]),
        ("", &["demo", "shop"]),
    ] {
        let ran = sandbox.flota_with(dir, args, |command| {
            command.env("PATH", &tools);
        });
        assert_eq!(ran.status, Some(3), "{args:?}: {}", ran.stderr);
        let said = "git 2.38.5 is too old: flota needs git 2.39 or newer\nhint: ";
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
    }
    // Once a run, and nothing else.
    assert_eq!(fs::read_to_string(record).unwrap(), "version\n".repeat(4));
    assert!(!sandbox.path("ours").exists());
}
