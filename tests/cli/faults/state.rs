//! Repositories that are damaged or locked, variables that mislead, results that nobody gets.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{assert_whole, clone_by_git};
use crate::sandbox::{Ran, Sandbox};

/// New commits of `api` and `web`, which the fleet in `ours` pins.
fn move_both(sandbox: &Sandbox) {
    for name in ["api", "web"] {
        fs::write(sandbox.path(name).join("code/app"), "second").unwrap();
        sandbox.git(name, &["commit", "--quiet", "--all", "--message=Second"]);
        let pin = sandbox.git(name, &["rev-parse", "HEAD"]);
        let link = format!("160000,{},code-repos/{name}", pin.trim());
        sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
    }
}

fn module(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path("ours/.git/modules").join(name)
}

fn content(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path("ours/code-repos").join(name).join("code/app")).unwrap()
}

/// git stops at the first.
#[test]
fn a_lock_that_a_dead_git_left_costs_its_own_service() {
    for lock in ["index.lock", "HEAD.lock"] {
        let sandbox = Sandbox::cloned();
        move_both(&sandbox);
        fs::write(module(&sandbox, "api").join(lock), "").unwrap();
        let ran = sandbox.flota("ours", &["update"]);
        assert_eq!(ran.status, Some(4), "{lock}: {}", ran.stderr);
        let path = module(&sandbox, "api").join(lock);
        let named = format!("modules/api/{lock}`");
        assert!(ran.stderr.contains(&named), "{lock}: {}", ran.stderr);
        let hint = "hint: if no git process is running there: rm ";
        assert!(ran.stderr.contains(hint), "{lock}: {}", ran.stderr);
        assert_eq!(content(&sandbox, "web"), "second", "{lock}");
        fs::remove_file(path).unwrap();
        let ran = sandbox.flota("ours", &["update"]);
        assert_eq!(ran.status, Some(0), "{lock}: {}", ran.stderr);
        assert_eq!(content(&sandbox, "api"), "second", "{lock}");
    }
}

/// A git that is to write the fleet's configuration, its index, or the list of where its history ends.
#[test]
fn locks_of_the_fleet_are_named_and_stay() {
    for (lock, args) in [
        (".git/config.lock", &["update"][..]),
        (".git/index.lock", &["update", "--remote"]),
        (".git/shallow.lock", &["changed", "origin/other...HEAD"]),
    ] {
        let sandbox = Sandbox::scripted("to-clone");
        let other = ["commit-tree", "-p", "HEAD~1", "-m", "x", "HEAD~1^{tree}"];
        let other = sandbox.git("fleet", &other);
        sandbox.git("fleet", &["branch", "other", other.trim()]);
        let fleet = format!("file://{}", sandbox.path("fleet").display());
        let ran = sandbox.flota("", &["clone", "--depth", "1", &fleet, "ours"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        // Their pins are where the histories here end, and the branches go on.
        move_both(&sandbox);
        if args.contains(&"--remote") {
            sandbox.git("ours", &["reset", "--quiet"]);
        }
        sandbox.git("ours", &["config", "--unset", "submodule.web.url"]);
        let path = sandbox.path("ours").join(lock);
        fs::write(&path, "").unwrap();
        let ran = sandbox.flota("ours", args);
        assert_eq!(ran.status, Some(4), "{lock}: {}", ran.stderr);
        for said in [
            &format!("{lock}`"),
            "hint: if no git process is running there: rm ",
        ] {
            assert!(ran.stderr.contains(said), "{lock}: {}", ran.stderr);
        }
        if args[0] == "update" {
            assert_eq!(content(&sandbox, "web"), "second", "{lock}");
        }
        assert!(path.exists(), "{lock}: it may be somebody's");
        fs::remove_file(path).unwrap();
        let ran = sandbox.flota("ours", args);
        assert_eq!(ran.status, Some(0), "{lock}: {}", ran.stderr);
    }
}

fn damage(git_dir: &Path, extension: &str) {
    for entry in walkdir::WalkDir::new(git_dir.join("objects")) {
        let path = entry.unwrap().into_path();
        if path.is_file()
            && path.extension().map_or("", |found| found.to_str().unwrap()) == extension
        {
            let mut bytes = fs::read(&path).unwrap();
            let from = bytes.len().min(12);
            bytes[from..].fill(0);
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
}

/// git's `submodule update` exits 0.
#[test]
fn damaged_objects_are_never_taken_for_success() {
    for extension in ["pack", "idx"] {
        let sandbox = Sandbox::cloned();
        damage(&module(&sandbox, "api"), extension);
        for args in [&["update"][..], &["status"]] {
            let ran = sandbox.flota("ours", args);
            assert!(
                matches!(ran.status, Some(1 | 4)),
                "{extension} {args:?}: {}{}",
                ran.text(),
                ran.stderr
            );
            assert!(
                ran.stderr.contains("code-repos/api"),
                "{extension} {args:?}: {}",
                ran.stderr
            );
        }
        move_both(&sandbox);
        let before = content(&sandbox, "api");
        let ran = sandbox.flota("ours", &["update"]);
        assert!(
            matches!(ran.status, Some(1 | 4)),
            "{extension}: {}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("code-repos/api"),
            "{extension}: {}",
            ran.stderr
        );
        assert_eq!(content(&sandbox, "api"), before, "{extension}");
        assert_eq!(content(&sandbox, "web"), "second", "{extension}");
    }
}

/// A file of the pin is gone or damaged in a repository whose worktree has to be written.
#[test]
fn a_lost_object_leaves_no_half_worktree() {
    for lost in [true, false] {
        let sandbox = Sandbox::cloned();
        let git_dir = module(&sandbox, "web");
        let packs: Vec<_> = fs::read_dir(git_dir.join("objects/pack"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        for pack in &packs {
            if pack
                .extension()
                .is_some_and(|extension| extension == "pack")
            {
                let unpacked = sandbox.path("pack");
                fs::rename(pack, &unpacked).unwrap();
                let input = fs::File::open(&unpacked).unwrap();
                let ran = sandbox.git_with(
                    "",
                    &["--git-dir=ours/.git/modules/web", "unpack-objects", "-q"],
                    |command| {
                        command.stdin(input);
                    },
                );
                assert!(ran.status.success());
            }
        }
        packs.iter().for_each(|pack| drop(fs::remove_file(pack)));
        let blob = sandbox.git("web", &["rev-parse", "HEAD:code/app"]);
        let (folder, file) = blob.trim().split_at(2);
        let object = git_dir.join("objects").join(folder).join(file);
        fs::remove_file(&object).unwrap();
        if !lost {
            fs::write(&object, "no zlib stream").unwrap();
        }
        fs::remove_dir_all(sandbox.path("ours/code-repos/web")).unwrap();
        fs::create_dir(sandbox.path("ours/code-repos/web")).unwrap();
        let ran = sandbox.flota("ours", &["update"]);
        assert_eq!(ran.status, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains("── code-repos/web"), "{}", ran.stderr);
        let left = fs::read_dir(sandbox.path("ours/code-repos/web"))
            .unwrap()
            .count();
        assert_eq!(left, 0, "half a worktree stays");
    }
}

#[test]
fn variables_that_point_at_a_repository_mislead_nobody() {
    let sandbox = Sandbox::scripted("to-clone");
    clone_by_git(&sandbox);
    sandbox.git("", &["init", "--quiet", "victim"]);
    let victim = fs::read(sandbox.path("victim/.git/config")).unwrap();
    let flota = |dir: &str, args: &[&str]| {
        let ran = sandbox.flota_with(dir, args, |command| {
            for (name, path) in [
                ("GIT_DIR", "victim/.git"),
                ("GIT_COMMON_DIR", "victim/.git"),
                ("GIT_WORK_TREE", "victim"),
                ("GIT_INDEX_FILE", "victim/index"),
                ("GIT_OBJECT_DIRECTORY", "victim/.git/objects"),
                ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "victim/.git/objects"),
                ("GIT_SHALLOW_FILE", "victim/shallow"),
            ] {
                command.env(name, sandbox.path(path));
            }
            command
                .env("GIT_NAMESPACE", "elsewhere")
                .env("GIT_PREFIX", "x/");
        });
        assert_eq!(ran.status, Some(0), "{args:?}: {}", ran.stderr);
        ran
    };
    flota("", &["clone", "fleet", "ours"]);
    assert_whole(&sandbox, "clone");
    move_both(&sandbox);
    flota("ours", &["update"]);
    assert_eq!(
        (content(&sandbox, "api"), content(&sandbox, "web")),
        ("second".into(), "second".into())
    );
    let status = flota("ours", &["status", "--all"]).text();
    assert_eq!(status, sandbox.flota("ours", &["status", "--all"]).text());
    let said = flota(
        "ours",
        &["foreach", "--", "git", "rev-parse", "--show-toplevel"],
    )
    .text();
    assert!(
        said.contains("ours/code-repos/api") && !said.contains("victim"),
        "{said}"
    );
    assert_eq!(
        fs::read(sandbox.path("victim/.git/config")).unwrap(),
        victim
    );
    assert_eq!(
        sandbox.git("victim", &["count-objects"]),
        "0 objects, 0 kilobytes\n"
    );
}

#[test]
fn a_result_that_nobody_gets_is_no_success() {
    let sandbox = Sandbox::cloned();
    for args in [
        &["clone", "../fleet", "other"][..],
        &["update"],
        &["update", "--format", "json"],
        &["status"],
        &["foreach", "--", "echo", "said"],
        &["changed", "HEAD~1..HEAD"],
    ] {
        for closed in [false, true] {
            let ran: Ran = sandbox.flota_with("ours", args, |command| {
                let (reader, writer) = std::io::pipe().unwrap();
                drop(reader);
                let full = fs::File::options().write(true).open("/dev/full").unwrap();
                command.stdout(if closed {
                    Stdio::from(writer)
                } else {
                    Stdio::from(full)
                });
            });
            assert_eq!(ran.status, Some(3), "{args:?}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("cannot write to standard output"),
                "{args:?}: {}",
                ran.stderr
            );
            let _ = fs::remove_dir_all(sandbox.path("ours/other"));
        }
    }
}
