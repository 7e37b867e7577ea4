//! `flota clone`: what is on disk afterwards is what git would leave, and a hostile fleet gets nothing.

use std::{fs, path::Path};

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

/// A fleet made by plumbing, of one submodule, as `.gitmodules` and the tree say.
fn hostile(sandbox: &Sandbox, gitmodules: &str, entries: &[(&str, &str, &str)]) {
    sandbox.git("", &["init", "--quiet", "--bare", "hostile"]);
    fs::write(sandbox.path("gitmodules"), gitmodules).unwrap();
    let id = |text: &str| text.trim().to_owned();
    let blob = id(&sandbox.git("hostile", &["hash-object", "-w", "../gitmodules"]));
    let mut tree = format!("100644 blob {blob}\t.gitmodules\0");
    for (mode, object, name) in entries {
        let kind = match *mode {
            "160000" => "commit",
            "40000" => "tree",
            _ => "blob",
        };
        tree += &format!("{mode} {kind} {object}\t{name}\0");
    }
    fs::write(sandbox.path("tree"), tree).unwrap();
    let made = std::process::Command::new("git")
        .args(["--git-dir=hostile", "mktree", "-z", "--missing"])
        .current_dir(sandbox.root())
        .stdin(fs::File::open(sandbox.path("tree")).unwrap())
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let tree = id(&String::from_utf8(made.stdout).unwrap());
    let commit = id(&sandbox.git("hostile", &["commit-tree", &tree, "-m", "hostile"]));
    sandbox.git("hostile", &["update-ref", "refs/heads/main", &commit]);
}

/// The rows of the advisories that a fleet's own tree can try: each is refused by name, before anything is fetched, and leaves
/// nothing behind.
#[test]
fn a_hostile_fleet_gets_nothing() {
    let section = |name: &str, path: &str, url: &str, more: &str| {
        format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = {url}\n{more}")
    };
    let one = |path: &'static str| vec![("160000", path)];
    let cases = [
        (
            "CVE-2018-11235",
            section("../../../canary", "api", "../api", ""),
            one("api"),
            "refused the submodule",
        ),
        (
            "CVE-2018-17456, URL",
            section("api", "api", "-u./payload", ""),
            one("api"),
            "option",
        ),
        (
            "CVE-2018-17456, path",
            section("api", "-u", "../api", ""),
            one("-u"),
            "option",
        ),
        (
            "CVE-2019-19604",
            section("api", "api", "../api", "\tupdate = !touch canary\n"),
            one("api"),
            "command",
        ),
        (
            "CVE-2015-7545",
            section("api", "api", "ext::sh -c touch% canary", ""),
            one("api"),
            "remote helper",
        ),
        (
            "CVE-2015-7545, case",
            section("api", "api", "EXT::sh -c touch% canary", ""),
            one("api"),
            "remote helper",
        ),
        (
            "fd",
            section("api", "api", "fd::17", ""),
            one("api"),
            "remote helper",
        ),
        (
            "CVE-2017-1000117",
            section("api", "api", "ssh://-oProxyCommand=touch%20canary/x", ""),
            one("api"),
            "host is strange",
        ),
        (
            "CVE-2020-5260",
            section("api", "api", "https://host%0a.example/x", ""),
            one("api"),
            "control characters",
        ),
        (
            "CVE-2020-11008",
            section("api", "api", "https:///x", ""),
            one("api"),
            "no host",
        ),
        (
            "CVE-2024-50349",
            section("api", "api", "https://ho%1bst/x", ""),
            one("api"),
            "control characters",
        ),
        (
            "CVE-2025-48384",
            section("api", "\"api\\b\"", "../api", ""),
            one("api"),
            "control characters",
        ),
        (
            "CVE-2019-1387",
            section("hippo", "a", "../api", "") + &section("hippo/hooks", "b", "../api", ""),
            vec![("160000", "a"), ("160000", "b")],
            "lies in that of",
        ),
        (
            "CVE-2021-21300",
            section("a", "lib", "../api", "") + &section("b", "LIB", "../api", ""),
            vec![("160000", "LIB"), ("160000", "lib")],
            "passes for it",
        ),
        (
            "CVE-2024-32002",
            section("a", "A", "../api", ""),
            vec![("160000", "A"), ("120000", "a")],
            "symbolic link",
        ),
        (
            "CVE-2014-9390",
            section("a", "a", "../api", ""),
            vec![("160000", "a"), ("100644", ".GIT")],
            ".GIT",
        ),
        (
            "CVE-2019-1352",
            section("a", "a", "../api", ""),
            vec![("160000", "a"), ("100644", "git~1")],
            "git~1",
        ),
    ];
    for (advisory, gitmodules, entries, reason) in cases {
        let sandbox = fleet();
        let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
        fs::write(sandbox.path("target"), "canary").unwrap();
        sandbox.git("", &["init", "--quiet", "--bare", "blobs"]);
        let blob = sandbox.git("blobs", &["hash-object", "../target"]);
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(mode, name)| match mode {
                "160000" => (mode, pin.trim(), name),
                _ => (mode, blob.trim(), name),
            })
            .collect();
        hostile(&sandbox, &gitmodules, &entries);
        sandbox.git("hostile", &["hash-object", "-w", "../target"]);
        fs::create_dir(sandbox.path("place")).unwrap();
        let before = listed(&sandbox, "");
        let ran = sandbox.flota("place", &["clone", "../hostile", "ours"]);
        assert!(
            !matches!(ran.status, None | Some(0)),
            "{advisory}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains(reason), "{advisory}: {}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}'), "{advisory}: {}", ran.stderr);
        assert_eq!(listed(&sandbox, ""), before, "{advisory}");
    }
}

/// A repository that contains itself, and so on without end.
#[test]
fn recursion_has_an_end() {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "loop"]);
    sandbox.git(
        "loop",
        &["commit", "--quiet", "--allow-empty", "-m", "first"],
    );
    for _ in 0..20 {
        let head = sandbox.git("loop", &["rev-parse", "HEAD"]);
        fs::write(
            sandbox.path("loop/.gitmodules"),
            "[submodule \"x\"]\n\tpath = x\n\turl = ../loop\n",
        )
        .unwrap();
        let link = format!("160000,{},x", head.trim());
        sandbox.git("loop", &["update-index", "--add", "--cacheinfo", &link]);
        sandbox.git("loop", &["add", ".gitmodules"]);
        sandbox.git("loop", &["commit", "--quiet", "--message", "deeper"]);
    }
    let ran = sandbox.flota("", &["clone", "loop", "ours"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("without end"), "{}", ran.stderr);
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
