//! Where `flota clone` writes: an empty folder is filled and stays the folder it is. And what it remembers: whatever the user chose holds
//! for the run that goes on where this one stopped.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::Ordering,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    build_engines::until,
    http::{Manners, serve},
    sandbox::{Ran, Sandbox},
    support::skipped,
};

const APP: &str = "code-repos/api/code/app";

/// A folder with a mode of its own, as one is made for several people.
fn shared_folder(sandbox: &Sandbox, name: &str) -> (u32, u64) {
    let path = sandbox.path(name);
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o2770)).unwrap();
    identity(&path)
}

fn identity(path: &Path) -> (u32, u64) {
    let found = fs::metadata(path).unwrap();
    (found.permissions().mode() & 0o7777, found.ino())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn assert_whole(sandbox: &Sandbox, fleet: &str) {
    assert!(sandbox.path(fleet).join(APP).is_file());
    assert_eq!(sandbox.git(fleet, &["status", "--porcelain"]), "");
    assert_eq!(
        names(&sandbox.path(fleet)),
        [".git", ".gitmodules", "README.md", "code-repos"]
    );
}

#[test]
fn the_folder_one_is_in_is_filled() {
    let sandbox = Sandbox::scripted("to-clone");
    let before = shared_folder(&sandbox, "here");
    let ran = sandbox.flota("here", &["clone", "../fleet", "."]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_whole(&sandbox, "here");
    assert_eq!(identity(&sandbox.path("here")), before);
    // What is made in it belongs to the same group.
    let inner = fs::metadata(sandbox.path("here/code-repos/api")).unwrap();
    assert_eq!(inner.permissions().mode() & 0o2000, 0o2000);
    // By its path as well.
    let before = shared_folder(&sandbox, "there");
    let ran = sandbox.flota("", &["clone", "fleet", "there/"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_whole(&sandbox, "there");
    assert_eq!(identity(&sandbox.path("there")), before);
}

#[test]
fn a_link_to_an_empty_folder_leads_there() {
    let sandbox = Sandbox::scripted("to-clone");
    let before = shared_folder(&sandbox, "real");
    symlink("real", sandbox.path("link")).unwrap();
    let ran = sandbox.flota("", &["clone", "fleet", "link"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_whole(&sandbox, "real");
    assert_eq!(identity(&sandbox.path("real")), before);
    assert!(sandbox.path("link").is_symlink());
    // Where it leads nowhere, or to something, nothing is written.
    symlink("nowhere", sandbox.path("dangling")).unwrap();
    symlink("api", sandbox.path("full")).unwrap();
    for taken in ["dangling", "full", "api/code/app"] {
        let ran = sandbox.flota("", &["clone", "fleet", taken]);
        assert_eq!(ran.status, Some(2), "{taken}: {}", ran.stderr);
    }
    assert!(!sandbox.path("nowhere").exists());
}

#[test]
fn a_mount_point_is_filled() {
    let sandbox = Sandbox::scripted("to-clone");
    let volume = sandbox.path("volume");
    fs::create_dir(&volume).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "tmpfs"])
        .arg(&volume)
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        skipped("mount");
        return;
    }
    let ran = sandbox.flota("", &["clone", "fleet", "volume"]);
    let is_whole = sandbox.path("volume").join(APP).is_file();
    let status = sandbox.git_output("volume", &["status", "--porcelain"]);
    // A service's folder is a mount point too: its files are written there.
    fs::remove_dir_all(volume.join("code-repos/web")).unwrap();
    fs::create_dir(volume.join("code-repos/web")).unwrap();
    let web = volume.join("code-repos/web");
    let inner = Command::new("mount")
        .args(["-t", "tmpfs", "tmpfs"])
        .arg(&web)
        .status();
    let again = sandbox.flota("volume", &["update"]);
    let is_back = web.join("code/app").is_file();
    for path in [&web, &volume] {
        Command::new("umount")
            .arg("--lazy")
            .arg(path)
            .status()
            .unwrap();
    }
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(is_whole && status.stdout.is_empty());
    assert!(inner.unwrap().success());
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    assert!(is_back);
}

#[test]
fn what_fails_leaves_the_folder_empty_and_as_it_was() {
    let sandbox = Sandbox::scripted("to-clone");
    let before = shared_folder(&sandbox, "here");
    let ran = sandbox.flota("here", &["clone", "../nowhere", "."]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let refused = [
        "config",
        "--file=.gitmodules",
        "submodule.web.url",
        "--upload-pack=x",
    ];
    sandbox.git("fleet", &refused);
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Evil"]);
    let ran = sandbox.flota("here", &["clone", "../fleet", "."]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(names(&sandbox.path("here")), [""; 0]);
    assert_eq!(identity(&sandbox.path("here")), before);
}

#[test]
fn what_a_killed_run_left_is_in_nobodys_way() {
    let sandbox = Sandbox::scripted("to-clone");
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    let server = serve(sandbox.root(), silent);
    let before = shared_folder(&sandbox, "here");
    let url = format!("{}/fleet", server.url);
    let clone = || {
        sandbox
            .interruptible("here", &["clone", &url, "."])
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut killed = clone();
    until("no request", || server.requests.load(Ordering::SeqCst) > 0);
    // Somebody else's clone is not written over.
    let ran = sandbox.flota("here", &["clone", "../fleet", "."]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    killed.kill().unwrap();
    killed.wait().unwrap();
    until("the lock stays", || {
        let ran = sandbox.flota("here", &["clone", "../fleet", "."]);
        ran.status == Some(0)
    });
    assert_whole(&sandbox, "here");
    assert_eq!(identity(&sandbox.path("here")), before);
}

/// The services that the fleet's configuration says are active, in git's words.
fn active(sandbox: &Sandbox) -> String {
    sandbox.git("ours", &["config", "--get-all", "submodule.active"])
}

fn services(sandbox: &Sandbox, arguments: &[&str]) -> (Ran, Vec<String>) {
    let ran = sandbox.flota("ours", &[&["update", "--format=json"], arguments].concat());
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
    let all = told["submodules"].as_array().unwrap().iter();
    let paths = all
        .map(|one| one["path"].as_str().unwrap().to_owned())
        .collect();
    (ran, paths)
}

/// Three services, of which `web` cannot be had.
fn without_web() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let add = [
        "submodule",
        "--quiet",
        "add",
        "--name",
        "lib",
        "--",
        "../lib",
        "code-repos/lib",
    ];
    sandbox.git("fleet", &add);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Link lib"]);
    fs::rename(sandbox.path("web"), sandbox.path("web-away")).unwrap();
    sandbox
}

#[test]
fn a_part_of_the_fleet_is_remembered_when_one_of_it_fails() {
    let sandbox = without_web();
    let args = [
        "clone",
        "fleet",
        "ours",
        "--service",
        "w*",
        "--service",
        "lib",
    ];
    let ran = sandbox.flota("", &args);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let again = format!(
        "hint: once that is mended: flota -C {} update 'w*' lib\n",
        sandbox.path("ours").display()
    );
    assert!(ran.stderr.ends_with(&again), "{}", ran.stderr);
    assert_eq!(active(&sandbox), "code-repos/lib\ncode-repos/web\n");
    let (ran, paths) = services(&sandbox, &[]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(paths, ["code-repos/lib", "code-repos/web"]);
    // git goes on with the same part.
    fs::rename(sandbox.path("web-away"), sandbox.path("web")).unwrap();
    let (ran, paths) = services(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(paths.len(), 2);
    sandbox.git("ours", &["submodule", "--quiet", "update", "--init"]);
    assert!(!sandbox.path("ours/code-repos/api/.git").exists());
}

#[test]
fn a_part_of_the_fleet_is_remembered_when_the_run_is_killed_before_any_of_it_is_there() {
    let sandbox = Sandbox::scripted("to-clone");
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    let server = serve(sandbox.root(), silent);
    let web = format!("{}/web", server.url);
    let url = ["config", "--file=.gitmodules", "submodule.web.url", &web];
    sandbox.git("fleet", &url);
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move web"],
    );
    for signal in [Signal::KILL, Signal::INT] {
        let _ = fs::remove_dir_all(sandbox.path("ours"));
        let before = server.requests.load(Ordering::SeqCst);
        let args = ["clone", "fleet", "ours", "--depth=1", "--service=web"];
        let child = sandbox
            .interruptible("", &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        until("no request", || {
            server.requests.load(Ordering::SeqCst) > before
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ran = sandbox.ran(child.wait_with_output().unwrap());
        if signal == Signal::INT {
            assert_eq!(ran.status, Some(130), "{}", ran.stderr);
            // What was stopped did not fail, and the way on is said.
            assert!(ran.text().ends_with(": 1 stopped\n"), "{}", ran.text());
            let again = format!(
                "error: interrupted: 1 of 1 not done\nhint: go on: flota -C {} update --depth 1 web\n",
                sandbox.path("ours").display()
            );
            assert!(ran.stderr.ends_with(&again), "{}", ran.stderr);
        }
        assert_eq!(active(&sandbox), "code-repos/web\n");
        // From elsewhere, so that the history can be cut.
        let instead = format!("url.file://{}.insteadOf", sandbox.path("web").display());
        let ran = sandbox.flota_with("ours", &["update", "--format=json"], |command| {
            command
                .env("GIT_CONFIG_KEY_1", instead)
                .env("GIT_CONFIG_VALUE_1", &web);
        });
        let told = ran.json();
        assert_eq!(told["submodules"].as_array().unwrap().len(), 1, "{told}");
        assert!(!sandbox.path("ours/code-repos/api/.git").exists());
    }
}

#[test]
fn depth_and_filter_are_remembered() {
    let sandbox = without_web();
    for repository in ["fleet", "lib", "api", "web-away"] {
        for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
            sandbox.git(repository, &["config", key, "true"]);
        }
        let empty = ["commit", "--quiet", "--allow-empty", "--message=Go on"];
        sandbox.git(repository, &empty);
    }
    let url = format!("file://{}", sandbox.path("fleet").display());
    let args = ["clone", "--depth=1", "--filter=blob:none", &url, "ours"];
    let ran = sandbox.flota("", &args);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let again = " update --depth 1 --filter blob:none\n";
    assert!(ran.stderr.ends_with(again), "{}", ran.stderr);
    fs::rename(sandbox.path("web-away"), sandbox.path("web")).unwrap();
    let (ran, _) = services(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let web = "ours/code-repos/web";
    let cut = sandbox.git(web, &["rev-parse", "--is-shallow-repository"]);
    assert_eq!(cut, "true\n");
    let filter = sandbox.git(web, &["config", "remote.origin.partialclonefilter"]);
    assert_eq!(filter, "blob:none\n");
    // The history of a service that is here is not cut, whatever is said.
    let (ran, _) = services(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git(web, &["fetch", "--quiet", "--unshallow"]);
    fs::write(sandbox.path("web/code/app"), "newer").unwrap();
    sandbox.commit_and_pin("web", "Newer");
    sandbox.git("ours", &["fetch", "--quiet"]);
    sandbox.git("ours", &["merge", "--quiet", "--ff-only", "origin/main"]);
    let (ran, _) = services(&sandbox, &["--depth=1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let cut = sandbox.git(web, &["rev-parse", "--is-shallow-repository"]);
    assert_eq!(cut, "false\n");
}

#[test]
fn a_word_that_is_no_service_leaves_nothing() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours", "--service", "shop"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(!sandbox.path("ours").exists());
}

#[test]
fn a_run_that_is_stopped_before_anything_is_there_says_how_to_start_again() {
    let sandbox = Sandbox::scripted("to-clone");
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    let server = serve(sandbox.root(), silent);
    let url = format!("{}/fleet", server.url);
    let args = ["clone", "-b", "main", "--service", "w*", &url, "my fleet"];
    let child = sandbox
        .interruptible("", &args)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("no request", || server.requests.load(Ordering::SeqCst) > 0);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ran = sandbox.ran(child.wait_with_output().unwrap());
    assert_eq!(ran.status, Some(130), "{}", ran.stderr);
    let again = format!("start again: flota clone --branch main --service 'w*' {url} 'my fleet'\n");
    assert!(ran.stderr.ends_with(&again), "{}", ran.stderr);
}

/// Services that clone each other without an end that anybody could wait for.
#[test]
fn nested_submodules_are_limited_and_services_are_not() {
    let sandbox = Sandbox::new();
    let mut below: Option<String> = None;
    for level in (0..5).rev() {
        let name = format!("level{level}");
        sandbox.git("", &["init", "--quiet", &name]);
        for twin in below
            .iter()
            .flat_map(|below| [(below, "one"), (below, "two")])
        {
            let url = format!("../{}", twin.0);
            sandbox.git(&name, &["submodule", "--quiet", "add", &url, twin.1]);
        }
        sandbox.git(
            &name,
            &["commit", "--quiet", "--allow-empty", "--message=Start"],
        );
        below = Some(name);
    }
    sandbox.git("", &["init", "--quiet", "fleet"]);
    for service in ["bomb", "level4", "level3"] {
        let from = if service == "bomb" { "level0" } else { service };
        let url = format!("../{from}");
        sandbox.git("fleet", &["submodule", "--quiet", "add", &url, service]);
    }
    sandbox.git("fleet", &["commit", "--quiet", "--message=Link"]);
    let clone = |name: &str, key: &str, limit: &str| {
        sandbox.flota_with("", &["clone", "fleet", name], |command| {
            command
                .env("GIT_CONFIG_COUNT", "3")
                .env("GIT_CONFIG_KEY_2", key)
                .env("GIT_CONFIG_VALUE_2", limit);
        })
    };
    for (name, key, limit) in [
        ("one", "flota.nestedPerService", "20"),
        ("all", "flota.nestedInAll", "20"),
    ] {
        let ran = clone(name, key, limit);
        assert_eq!(ran.status, Some(1), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("more than 20 nested submodules"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains(&format!("git config {key}")),
            "{}",
            ran.stderr
        );
        let config = walkdir::WalkDir::new(sandbox.path(name).join(".git/modules/bomb"));
        let heads = config
            .into_iter()
            .flatten()
            .filter(|file| file.file_name() == "HEAD");
        let repositories = heads.filter(|file| {
            !file
                .path()
                .components()
                .any(|part| ["logs", "refs"].iter().any(|no| part.as_os_str() == *no))
        });
        assert!(repositories.count() <= 21);
        assert!(sandbox.path(name).join("level4/.git").exists());
    }
    let ran = clone("enough", "flota.nestedPerService", "30");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let ran = clone("none", "flota.nestedPerService", "some");
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
}

#[test]
fn a_full_disk_under_many_services_is_said_once() {
    let sandbox = Sandbox::scripted("fifty");
    let disk = sandbox.path("disk");
    fs::create_dir(&disk).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(&disk)
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        skipped("mount");
        return;
    }
    let ran = sandbox.flota("", &["clone", "--quiet", "fleet", "disk/ours"]);
    Command::new("mount")
        .args(["-o", "remount,size=64m"])
        .arg(&disk)
        .status()
        .unwrap();
    let again = sandbox.flota("disk/ours", &["update"]);
    Command::new("umount")
        .arg("--lazy")
        .arg(&disk)
        .status()
        .unwrap();
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    let reports = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    let reports: Vec<_> = reports.collect();
    assert_eq!(reports.len(), 1, "{}", ran.stderr);
    // Which of them meets it first, git or flota, is nobody's choice.
    let is_told = ["no space is left", "No space left on device"]
        .iter()
        .any(|words| ran.stderr.contains(words));
    assert!(is_told, "{}", ran.stderr);
    assert!(!ran.stderr.contains("ls-remote"), "{}", ran.stderr);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
}

#[test]
fn threads_that_cannot_be_started_are_the_machines_fault() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for args in ["update -j 16", "foreach -j 16 -- true"] {
        let mut limited = Command::new("bash");
        // Each thread takes a GiB of the address space, of which there is no more than this, in KiB.
        let script =
            format!("ulimit -v 4000000; export RUST_MIN_STACK=1073741824; exec \"$0\" {args}");
        limited.args(["-c", &script, env!("CARGO_BIN_EXE_flota")]);
        let ran = sandbox
            .prepare(limited, &sandbox.path("ours"))
            .output()
            .unwrap();
        let ran = sandbox.ran(ran);
        assert_eq!(ran.status, Some(3), "{args}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("cannot start 16 threads"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn locks_and_caches_follow_no_link() {
    let sandbox = Sandbox::scripted("to-clone");
    let server = serve(sandbox.root(), Manners::default());
    fs::write(sandbox.path("theirs"), "precious").unwrap();
    let cache = sandbox.path("home/.cache/flota/objects");
    fs::create_dir_all(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o700)).unwrap();
    let url = format!("{}/web", server.url);
    let args = ["config", "--file=.gitmodules", "submodule.web.url", &url];
    sandbox.git("fleet", &args);
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move web"],
    );
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let locks: Vec<_> = names(&cache)
        .into_iter()
        .filter(|name| name.ends_with(".lock"))
        .collect();
    assert_eq!(locks.len(), 1);
    let lock = cache.join(&locks[0]);
    fs::remove_file(&lock).unwrap();
    symlink(sandbox.path("theirs"), &lock).unwrap();
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    // The cache is no reason to stop.
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(fs::read(sandbox.path("theirs")).unwrap(), b"precious");

    let lock = sandbox.path("ours/.git/flota/update.lock");
    fs::remove_file(&lock).unwrap();
    symlink(sandbox.path("theirs"), &lock).unwrap();
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    assert!(ran.stderr.contains("update.lock"), "{}", ran.stderr);
    assert_eq!(fs::read(sandbox.path("theirs")).unwrap(), b"precious");
}
