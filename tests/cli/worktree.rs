//! `flota worktree`, and every other way to a second worktree of the fleet: each has services of its own, and none touches another's.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use crate::sandbox::{Ran, Sandbox};

/// A clone of a fleet in `ours`, two commits old.
fn cloned() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    ok(&sandbox.flota("", &["clone", "fleet", "ours"]));
    sandbox
}

#[track_caller]
fn ok(ran: &Ran) {
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

fn add(sandbox: &Sandbox) {
    ok(&sandbox.flota("ours", &["worktree", "add", "../second", "topic"]));
}

fn remove(sandbox: &Sandbox) -> Ran {
    sandbox.flota("ours", &["worktree", "remove", "../second"])
}

/// HEAD, branch and what is uncommitted, of each service in a worktree of the fleet; and which folder git takes for its own there.
fn states(sandbox: &Sandbox, fleet: &str) -> Vec<String> {
    let services = [
        "code-repos/api",
        "code-repos/api/code/lib",
        "code-repos/web",
    ];
    let state = |service: &str| {
        let dir = format!("{fleet}/{service}");
        let top = sandbox.git(&dir, &["rev-parse", "--show-toplevel"]);
        let own = sandbox.path(&dir).canonicalize().unwrap();
        assert_eq!(Path::new(top.trim()), own);
        sandbox.git(&dir, &["status", "--porcelain=v2", "--branch"])
    };
    services.map(state).to_vec()
}

/// The first worktree, with a branch and an uncommitted change in a service: they stay whatever happens in the second.
fn in_use(sandbox: &Sandbox) -> Vec<String> {
    let web = "ours/code-repos/web";
    sandbox.git(web, &["switch", "--quiet", "--create", "mine"]);
    fs::write(sandbox.path(web).join("code/app"), "precious").unwrap();
    states(sandbox, "ours")
}

/// Every object file of a git directory, with its number of names.
fn objects(git_dir: &Path) -> Vec<(String, u64)> {
    let files = walkdir::WalkDir::new(git_dir.join("objects")).into_iter();
    let files = files
        .map(Result::unwrap)
        .filter(|file| file.file_type().is_file());
    files
        .map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            (name, file.metadata().unwrap().nlink())
        })
        .collect()
}

#[test]
fn services_of_a_new_worktree_are_at_their_pins_and_share_objects_by_links() {
    let sandbox = cloned();
    let before = in_use(&sandbox);
    // No server is needed: all that it takes is here.
    for service in ["api", "web", "lib"] {
        fs::rename(
            sandbox.path(service),
            sandbox.path(format!("{service}-away")),
        )
        .unwrap();
    }
    add(&sandbox);
    assert_eq!(states(&sandbox, "ours"), before);
    assert_eq!(
        sandbox.git("second", &["branch", "--show-current"]),
        "topic\n"
    );
    assert_eq!(sandbox.git("second", &["status", "--porcelain"]), "");
    let listed = sandbox.git("second", &["submodule", "status", "--recursive"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.lines().all(|line| line.starts_with(' ')), "{listed}");
    for dir in [
        "code-repos/api",
        "code-repos/api/code/lib",
        "code-repos/web",
    ] {
        let dir = format!("second/{dir}");
        assert_eq!(
            sandbox.git(&dir, &["branch", "--show-current"]),
            "",
            "detached"
        );
        sandbox.git(&dir, &["fsck", "--full"]);
    }
    let own = sandbox.path("ours/.git/worktrees/second/modules");
    for git_dir in ["api", "api/modules/code/lib", "web"] {
        let git_dir = own.join(git_dir);
        let objects = objects(&git_dir);
        assert!(!objects.is_empty(), "{git_dir:?}");
        let shared = objects.iter().all(|(_, names)| *names > 1);
        assert!(shared, "{objects:?}");
        assert!(!git_dir.join("objects/info/alternates").exists());
    }
    // A clean-up in the first takes nothing away from the second.
    for git_dir in ["api", "web"] {
        let git_dir = format!("ours/.git/modules/{git_dir}");
        sandbox.git(&git_dir, &["--git-dir=.", "gc", "--quiet", "--prune=now"]);
    }
    fs::remove_dir_all(sandbox.path("ours/.git/modules/web/objects/pack")).unwrap();
    sandbox.git("second/code-repos/web", &["fsck", "--full"]);
    let ran = sandbox.flota("second", &["status"]);
    assert_eq!(ran.stdout, b"2 of 2 services in step\n", "{}", ran.stderr);
}

#[test]
fn objects_are_copied_where_links_fail_and_files_written_on_any_file_system() {
    let sandbox = cloned();
    // A file system of its own, in memory.
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        crate::support::skipped("/dev/shm");
        return;
    };
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(elsewhere.path()) == device(sandbox.root()) {
        crate::support::skipped("a second file system");
        return;
    }
    // The services' files go to another file system than their git directories.
    let second = elsewhere.path().join("second");
    let second = second.to_str().unwrap();
    ok(&sandbox.flota("ours", &["worktree", "add", second]));
    assert_eq!(sandbox.git(second, &["status", "--porcelain"]), "");
    let status = sandbox.git(second, &["submodule", "status", "--recursive"]);
    assert_eq!(
        status.lines().filter(|line| line.starts_with(' ')).count(),
        3,
        "{status}"
    );
    ok(&sandbox.flota("ours", &["worktree", "remove", second]));
    assert!(!Path::new(second).exists());
    // Objects that may get no second name: they are somebody's who is not the user, and copied.
    let packs = sandbox.path("ours/.git/modules/web/objects");
    let as_root = rustix::process::geteuid().is_root();
    for file in walkdir::WalkDir::new(packs)
        .into_iter()
        .flatten()
        .filter(|_| as_root)
    {
        std::os::unix::fs::lchown(file.path(), Some(1), None).unwrap();
    }
    add(&sandbox);
    sandbox.git("second/code-repos/web", &["fsck", "--full"]);
    if as_root {
        let own = sandbox.path("ours/.git/worktrees/second/modules/web");
        assert!(objects(&own).iter().all(|(_, names)| *names == 1));
    }
}

#[test]
fn a_worktree_that_git_adds_gets_services_of_its_own() {
    let sandbox = cloned();
    let before = in_use(&sandbox);
    sandbox.git(
        "ours",
        &["worktree", "add", "--quiet", "../second", "HEAD~1"],
    );
    ok(&sandbox.flota("second", &["update"]));
    assert_eq!(states(&sandbox, "ours"), before);
    assert_eq!(states(&sandbox, "second").len(), 3);
    // Both are then worked on, each for itself.
    let web = "second/code-repos/web";
    sandbox.git(
        web,
        &["commit", "--quiet", "--allow-empty", "--message=Other"],
    );
    assert_eq!(states(&sandbox, "ours"), before);
    ok(&sandbox.flota("ours", &["update", "api"]));
    let ran = sandbox
        .flota("second", &["status", "--format", "json"])
        .json();
    assert_eq!(ran["services"][1]["standing"]["ahead"], 1, "{ran}");
}

#[test]
fn a_bare_hub_has_worktrees_alone() {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git("", &["clone", "--quiet", "--bare", "fleet", "hub.git"]);
    ok(&sandbox.flota("hub.git", &["worktree", "add", "../main-tree", "main"]));
    ok(&sandbox.flota("main-tree", &["worktree", "add", "../topic"]));
    for worktree in ["main-tree", "topic"] {
        assert_eq!(states(&sandbox, worktree).len(), 3);
        let own = format!("hub.git/worktrees/{worktree}/modules/web/HEAD");
        assert!(sandbox.path(own).is_file());
    }
    assert!(!sandbox.path("hub.git/modules").exists());
    let listed = sandbox
        .flota("hub.git", &["worktree", "list", "--format", "json"])
        .json();
    let kinds = listed["worktrees"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["bare", "linked", "linked"]);
    ok(&sandbox.flota("hub.git", &["worktree", "remove", "../topic"]));
    assert!(!sandbox.path("topic").exists());
}

#[test]
fn a_hook_that_calls_flota_works_on_its_own_worktree() {
    let sandbox = cloned();
    let before = in_use(&sandbox);
    let hook = sandbox.path("ours/.git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let flota = env!("CARGO_BIN_EXE_flota");
    fs::write(
        &hook,
        format!("#!/bin/sh\nexec '{flota}' update --quiet >&2\n"),
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.git("ours", &["worktree", "add", "--quiet", "../second"]);
    assert_eq!(states(&sandbox, "second").len(), 3);
    assert_eq!(states(&sandbox, "ours"), before);
    // git tells a hook of a commit which index and which repository it works on.
    let hook = sandbox.path("ours/.git/hooks/pre-commit");
    fs::write(
        &hook,
        format!("#!/bin/sh\n'{flota}' status >&2 && exec '{flota}' update >&2\n"),
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(sandbox.path("second/README.md"), "Other words").unwrap();
    sandbox.git(
        "second",
        &["commit", "--quiet", "--message=Words", "README.md"],
    );
    assert_eq!(states(&sandbox, "ours"), before);
}

#[test]
fn a_copy_is_named_with_the_folder_it_was_copied_from_and_nothing_is_written() {
    let sandbox = cloned();
    let copy = |from: &str, to: &str| {
        let copied = sandbox.program("cp", "").args(["-r", from, to]).status();
        assert!(copied.unwrap().success());
    };
    // A whole fleet, whose ways are relative, is a fleet of its own.
    copy("ours", "whole");
    ok(&sandbox.flota("whole", &["update"]));
    assert_eq!(states(&sandbox, "whole").len(), 3);

    // The gitfile of a service leads to the first fleet, by an absolute way.
    let git_dir = sandbox
        .path("ours/.git/modules/web")
        .canonicalize()
        .unwrap();
    let gitfile = format!("gitdir: {}\n", git_dir.display());
    fs::write(sandbox.path("whole/code-repos/web/.git"), gitfile).unwrap();
    let before = in_use(&sandbox);
    // So that there would be something to do.
    fs::remove_file(git_dir.join("index")).unwrap();
    for command in [
        &["update"][..],
        &["status"],
        &["switch", "-c", "topic", "web"],
    ] {
        let ran = sandbox.flota("whole", command);
        assert_eq!(ran.status, Some(4), "{command:?}: {}", ran.stderr);
        let other = sandbox.path("ours/code-repos/web").canonicalize().unwrap();
        let own = sandbox.path("whole/code-repos/web").canonicalize().unwrap();
        for named in [own, other] {
            let named = named.display().to_string();
            assert!(ran.stderr.contains(&named), "{command:?}: {}", ran.stderr);
        }
        assert!(!git_dir.join("index").exists());
    }
    sandbox.git("ours/code-repos/web", &["reset", "--quiet"]);
    assert_eq!(states(&sandbox, "ours"), before);

    // A copy of an added worktree would take that one's git directory.
    add(&sandbox);
    copy("second", "third");
    let ran = sandbox.flota("third", &["update"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    for named in ["second", "third"] {
        let named = sandbox.path(named).canonicalize().unwrap();
        assert!(
            ran.stderr.contains(named.to_str().unwrap()),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_worktree_is_listed_with_its_branch_and_its_services() {
    let sandbox = cloned();
    add(&sandbox);
    fs::remove_dir_all(sandbox.path("second/code-repos/web")).unwrap();
    let listed = sandbox.flota("second", &["worktree", "list"]);
    ok(&listed);
    // How wide a column is depends on where the test runs.
    let listed = listed.text();
    let rows: Vec<Vec<_>> = listed
        .lines()
        .map(|row| {
            row.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let commit = sandbox.git("ours", &["rev-parse", "--short=7", "HEAD"]);
    let path = |name: &str| {
        sandbox
            .path(name)
            .canonicalize()
            .unwrap()
            .display()
            .to_string()
    };
    let (ours, second) = (path("ours"), path("second"));
    let commit = commit.trim();
    assert_eq!(
        rows[0],
        ["DIRECTORY", "KIND", "BRANCH", "COMMIT", "SERVICES"]
    );
    assert_eq!(rows[1], [&ours, "main", "main", commit, "2 of 2"]);
    assert_eq!(rows[2], [&second, "linked", "topic", commit, "1 of 2"]);
    sandbox.git("ours", &["worktree", "lock", "../second"]);
    let listed = sandbox
        .flota("ours", &["worktree", "list", "--format", "json"])
        .json();
    assert_eq!(listed["worktrees"][1]["kind"], "locked");
    assert_eq!(listed["worktrees"][1]["initialised"], 1);
    assert_eq!(listed["worktrees"][1]["services"], 2);
    let ran = remove(&sandbox);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    sandbox.git("ours", &["worktree", "unlock", "../second"]);
    fs::rename(sandbox.path("second"), sandbox.path("moved")).unwrap();
    let listed = sandbox
        .flota("ours", &["worktree", "list", "--format", "json"])
        .json();
    assert_eq!(listed["worktrees"][1]["kind"], "missing");
    assert_eq!(listed["worktrees"][1]["branch"], "topic");
    // Its services' git directories are there still, and go once nothing in them is somebody's work.
    let web = "ours/.git/worktrees/second/modules/web";
    let tree = sandbox.git(
        web,
        &["--git-dir=.", "--work-tree=.", "rev-parse", "HEAD^{tree}"],
    );
    let commit = [
        "--git-dir=.",
        "--work-tree=.",
        "commit-tree",
        "-m",
        "Mine",
        tree.trim(),
    ];
    let commit = sandbox.git(web, &commit);
    sandbox.git(
        web,
        &[
            "--git-dir=.",
            "--work-tree=.",
            "branch",
            "mine",
            commit.trim(),
        ],
    );
    let ran = remove(&sandbox);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    sandbox.git(
        web,
        &[
            "--git-dir=.",
            "--work-tree=.",
            "branch",
            "--quiet",
            "-D",
            "mine",
        ],
    );
    ok(&remove(&sandbox));
    assert!(!sandbox.path("ours/.git/worktrees/second").exists());
}

#[test]
fn a_worktree_without_work_goes_with_its_git_directories() {
    let sandbox = cloned();
    let before = in_use(&sandbox);
    add(&sandbox);
    // An ignored file is nobody's work; a pushed commit is at the server.
    let web = "second/code-repos/web";
    fs::create_dir_all(sandbox.path("ours/.git/worktrees/second/modules/web/info")).unwrap();
    fs::write(
        sandbox.path("ours/.git/worktrees/second/modules/web/info/exclude"),
        "*.o\n",
    )
    .unwrap();
    fs::write(sandbox.path(web).join("code/app.o"), "made").unwrap();
    sandbox.git(web, &["switch", "--quiet", "--create", "topic"]);
    sandbox.git(
        web,
        &["commit", "--quiet", "--allow-empty", "--message=Mine"],
    );
    sandbox.git(web, &["push", "--quiet", "origin", "topic"]);
    let planned = sandbox.flota("ours", &["worktree", "remove", "--dry-run", "../second"]);
    ok(&planned);
    assert!(sandbox.path("second").exists());
    ok(&remove(&sandbox));
    assert!(!sandbox.path("second").exists());
    assert!(!sandbox.path("ours/.git/worktrees/second").exists());
    assert_eq!(states(&sandbox, "ours"), before);
    // What is not there cannot be removed, and the fleet itself is not.
    for (dir, status) in [("../second", 2), (".", 2), ("../fleet", 2)] {
        let ran = sandbox.flota("ours", &["worktree", "remove", dir]);
        assert_eq!(ran.status, Some(status), "{dir}: {}", ran.stderr);
    }
}

/// Each kind of work that would be gone; nothing is removed, and the service is named.
#[test]
fn work_in_a_service_keeps_its_worktree() {
    let web = "second/code-repos/web";
    let lib = "second/code-repos/api/code/lib";
    type Work = (&'static str, &'static str, fn(&Sandbox, &str));
    let kinds: [Work; 10] = [
        ("uncommitted", web, |sandbox, dir| {
            fs::write(sandbox.path(dir).join("code/app"), "mine").unwrap();
        }),
        ("staged", web, |sandbox, dir| {
            fs::write(sandbox.path(dir).join("code/new"), "mine").unwrap();
            sandbox.git(dir, &["add", "code/new"]);
        }),
        ("untracked", web, |sandbox, dir| {
            fs::write(sandbox.path(dir).join("notes"), "mine").unwrap();
        }),
        ("a commit on no branch", web, |sandbox, dir| {
            sandbox.git(
                dir,
                &["commit", "--quiet", "--allow-empty", "--message=Mine"],
            );
        }),
        (
            "a commit on a branch that is not checked out",
            web,
            |sandbox, dir| {
                sandbox.git(dir, &["switch", "--quiet", "--create", "topic"]);
                sandbox.git(
                    dir,
                    &["commit", "--quiet", "--allow-empty", "--message=Mine"],
                );
                sandbox.git(dir, &["switch", "--quiet", "--detach", "origin/main"]);
            },
        ),
        ("a commit under a tag", web, |sandbox, dir| {
            sandbox.git(
                dir,
                &["commit", "--quiet", "--allow-empty", "--message=Mine"],
            );
            sandbox.git(dir, &["tag", "mine"]);
            sandbox.git(dir, &["switch", "--quiet", "--detach", "origin/main"]);
        }),
        ("a stash", web, |sandbox, dir| {
            fs::write(sandbox.path(dir).join("code/app"), "mine").unwrap();
            sandbox.git(dir, &["stash", "--quiet"]);
        }),
        ("a bisection", web, |sandbox, dir| {
            sandbox.git(dir, &["bisect", "start"]);
        }),
        ("uncommitted in a nested one", lib, |sandbox, dir| {
            fs::write(sandbox.path(dir).join("code/app"), "mine").unwrap();
        }),
        (
            "a commit in a nested one without files",
            lib,
            |sandbox, dir| {
                sandbox.git(
                    dir,
                    &["commit", "--quiet", "--allow-empty", "--message=Mine"],
                );
                fs::remove_dir_all(sandbox.path(dir)).unwrap();
                fs::create_dir(sandbox.path(dir)).unwrap();
            },
        ),
    ];
    let sandbox = cloned();
    for (what, dir, work) in kinds {
        add(&sandbox);
        work(&sandbox, dir);
        for command in [&["worktree", "remove", "-n"][..], &["worktree", "remove"]] {
            let ran = sandbox.flota("ours", &[command, &["../second"]].concat());
            assert_eq!(ran.status, Some(4), "{what}: {}", ran.stderr);
            let name = dir.rsplit('/').next().unwrap();
            assert!(ran.stderr.contains(name), "{what}: {}", ran.stderr);
            assert!(sandbox.path(web).join(".git").exists(), "{what}");
        }
        let json = sandbox.flota(
            "ours",
            &["worktree", "remove", "../second", "--format=json"],
        );
        let told: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(told["removed"], false, "{what}");
        assert_eq!(
            told["obstacles"].as_array().unwrap().len(),
            1,
            "{what}: {told}"
        );
        sandbox.git("ours", &["worktree", "remove", "--force", "../second"]);
        sandbox.git("ours", &["branch", "--quiet", "-D", "topic"]);
    }
}

#[test]
fn work_in_the_fleet_itself_keeps_its_worktree() {
    let sandbox = cloned();
    add(&sandbox);
    fs::write(sandbox.path("second/notes"), "mine").unwrap();
    assert_eq!(remove(&sandbox).status, Some(4));
    fs::remove_file(sandbox.path("second/notes")).unwrap();
    // On a branch a commit is safe, and without one it is not.
    sandbox.git(
        "second",
        &["commit", "--quiet", "--allow-empty", "--message=Mine"],
    );
    sandbox.git("second", &["switch", "--quiet", "--detach"]);
    sandbox.git(
        "second",
        &["commit", "--quiet", "--allow-empty", "--message=More"],
    );
    let ran = remove(&sandbox);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("on no branch"), "{}", ran.stderr);
    sandbox.git("second", &["branch", "more"]);
    ok(&remove(&sandbox));
    assert!(sandbox.git("ours", &["branch"]).contains("more"));
}

#[test]
fn what_cannot_be_added_leaves_nothing() {
    let sandbox = cloned();
    fs::create_dir(sandbox.path("taken")).unwrap();
    fs::write(sandbox.path("taken/file"), "mine").unwrap();
    for (args, status) in [
        (&["../taken"][..], 2),
        (&["../second", "--force"], 2),
        // It is checked out already.
        (&["../second", "main"], 4),
    ] {
        let ran = sandbox.flota("ours", &[&["worktree", "add"], args].concat());
        assert_eq!(ran.status, Some(status), "{args:?}: {}", ran.stderr);
        assert!(!sandbox.path("second").exists());
    }
    assert!(!sandbox.path("ours/.git/worktrees").exists());
}

#[test]
fn a_dry_run_says_what_would_be_added_and_adds_nothing() {
    let sandbox = cloned();
    for (args, status) in [
        (&["../second"][..], 0),
        (&["../second", "fresh"], 0),
        (&["../second", "main"], 4),
        (&["../second", "a..b"], 2),
    ] {
        let planned = [&["worktree", "add", "--dry-run", "--format=json"], args].concat();
        let ran = sandbox.flota("ours", &planned);
        assert_eq!(ran.status, Some(status), "{args:?}: {}", ran.stderr);
        assert!(!sandbox.path("second").exists());
        assert!(!sandbox.path("ours/.git/worktrees").exists());
        assert_eq!(
            sandbox.git("ours", &["branch", "--list", "fresh", "second"]),
            ""
        );
        if status != 0 {
            continue;
        }
        assert!(ran.stderr.contains("A dry run"), "{}", ran.stderr);
        let told = ran.json();
        let done = [&["worktree", "add", "--format=json"], args].concat();
        let ran = sandbox.flota("ours", &done).json();
        let direct = |told: &serde_json::Value| {
            let all = told["submodules"].as_array().unwrap().iter();
            let all = all.map(|one| format!("{} {} {}", one["path"], one["pin"], one["outcome"]));
            // What services have of submodules is not known before.
            all.filter(|one| !one.contains("/code/"))
                .collect::<Vec<_>>()
        };
        assert_eq!(direct(&told), direct(&ran), "{args:?}");
        assert_eq!(told["directory"], ran["directory"]);
        assert_eq!(remove(&sandbox).status, Some(0));
        sandbox.git_output(
            "ours",
            &["branch", "--quiet", "--delete", "fresh", "second"],
        );
        let _ = fs::remove_dir(sandbox.path("ours/.git/worktrees"));
    }
}
