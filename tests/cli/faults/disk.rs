//! Disks that are full, folders that cannot be written.

use std::{fs, path::PathBuf, process::Command};

use super::{assert_whole, clone_by_git, noise};
use crate::{
    sandbox::{Ran, Sandbox},
    support::skipped,
};

/// A file system in memory, mounted in the sandbox until it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// None where mounting is not allowed, which is said.
    fn of_size(sandbox: &Sandbox, name: &str, size: &str) -> Option<Self> {
        let path = sandbox.path(name);
        fs::create_dir(&path).unwrap();
        let mounted = mount(
            &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"],
            &path,
        );
        if !mounted {
            skipped("mount");
        }
        mounted.then_some(Self(path))
    }

    fn again(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], &self.0));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn mount(args: &[&str], path: &PathBuf) -> bool {
    let ran = Command::new("mount").args(args).arg(path).output();
    ran.is_ok_and(|ran| ran.status.success())
}

/// The fleet to clone, with 4 MB in `web` that nothing compresses.
fn large() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    fs::write(sandbox.path("web/code/large"), noise(4 << 20)).unwrap();
    sandbox.commit_and_pin("web", "Grow");
    sandbox
}

fn reports(ran: &Ran) -> usize {
    ran.stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .count()
}

#[track_caller]
fn assert_web_is_missing(sandbox: &Sandbox, ran: &Ran) {
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(reports(ran), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("code-repos/web"), "{}", ran.stderr);
    assert!(!sandbox.path("ours/.git/modules/web/HEAD").exists());
}

#[test]
fn a_full_disk_is_reported_once_and_room_mends_it() {
    let sandbox = large();
    let Some(disk) = Mounted::of_size(&sandbox, "ours", "3m") else {
        return;
    };
    let ran = sandbox.flota("", &["clone", "--quiet", "fleet", "ours/ours"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(reports(&ran), 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no space is left for"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("code-repos/web"), "{}", ran.stderr);
    assert!(
        sandbox
            .path("ours/ours/code-repos/api/code/lib/code/app")
            .is_file()
    );

    disk.again("size=64m");
    let ran = sandbox.flota("ours/ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        sandbox
            .path("ours/ours/code-repos/web/code/large")
            .is_file()
    );
    assert_eq!(sandbox.git("ours/ours", &["status", "--porcelain"]), "");
}

/// The pack has room, and the files do not.
#[test]
fn a_disk_without_room_for_files_keeps_none_of_them() {
    let sandbox = Sandbox::scripted("to-clone");
    fs::write(sandbox.path("web/code/large"), vec![b'x'; 8 << 20]).unwrap();
    sandbox.commit_and_pin("web", "Grow");
    let Some(disk) = Mounted::of_size(&sandbox, "ours", "4m") else {
        return;
    };
    let ran = sandbox.flota("", &["clone", "--quiet", "fleet", "ours/ours"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(reports(&ran), 1, "{}", ran.stderr);
    for words in ["no space is left for its files", "── code-repos/web"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    let left = fs::read_dir(sandbox.path("ours/ours/code-repos/web")).unwrap();
    assert_eq!(left.count(), 0);
    let unfinished = fs::read_dir(sandbox.path("ours/ours/.git/flota")).unwrap();
    let names: Vec<_> = unfinished.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name == "update.lock"), "{names:?}");

    disk.again("size=64m");
    let ran = sandbox.flota("ours/ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.git("ours/ours", &["status", "--porcelain"]), "");
}

/// The same where nothing can be mounted: no file may grow beyond a megabyte.
#[test]
fn a_file_that_cannot_grow_is_reported_once_and_room_mends_it() {
    let sandbox = large();
    clone_by_git(&sandbox);
    let mut limited = Command::new("bash");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$@\"", "bash"]);
    limited.args([
        env!("CARGO_BIN_EXE_flota"),
        "clone",
        "--quiet",
        "fleet",
        "ours",
    ]);
    let ran = sandbox.ran(sandbox.prepare(limited, sandbox.root()).output().unwrap());
    assert_web_is_missing(&sandbox, &ran);
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_whole(&sandbox, "no room");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let sandbox = Sandbox::scripted("to-clone");
    let Some(disk) = Mounted::of_size(&sandbox, "disk", "16m") else {
        return;
    };
    let ran = sandbox.flota("", &["clone", "fleet", "disk/ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let pin = sandbox.git("web", &["commit-tree", "-m", "x", "HEAD^{tree}"]);
    sandbox.git("web", &["branch", "more", pin.trim()]);
    let link = format!("160000,{},code-repos/web", pin.trim());
    sandbox.git("disk/ours", &["update-index", "--cacheinfo", &link]);
    disk.again("ro");
    let ran = sandbox.flota("", &["clone", "fleet", "disk/other"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    let transcript = ran.transcript();
    assert!(
        transcript.contains("cannot write into `[ROOT]/disk`"),
        "{transcript}"
    );
    let ran = sandbox.flota("disk/ours", &["update"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains(".git/flota"), "{}", ran.stderr);
    // Looking needs no room.
    let ran = sandbox.flota("disk/ours", &["status"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

/// Every service meets the same full disk, and none leaves half an image.
#[test]
fn a_build_on_a_full_disk_says_it_once_and_room_mends_it() {
    let sandbox = Sandbox::scripted("build-many");
    for name in ["s1", "s2"] {
        fs::write(sandbox.path(name).join("code/large"), noise(2 << 20)).unwrap();
        sandbox.commit_and_pin(name, "Grow");
    }
    // The sources have room, the images do not.
    let Some(disk) = Mounted::of_size(&sandbox, "out", "5m") else {
        return;
    };
    let args = [
        "build",
        "s1",
        "s2",
        "--builder=embedded",
        "--keep-going",
        "-j1",
        "--out=../out",
    ];
    let ran = sandbox.flota("fleet", &args);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(reports(&ran), 1, "{}", ran.stderr);
    for words in [
        "── s1, s2\n",
        "no space is left",
        "hint: see how full the disk is",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let blobs = fs::read_dir(sandbox.path("out/images/blobs/sha256")).unwrap();
    assert_eq!(blobs.count(), 0);
    // The same where not even the report has room.
    disk.again("size=3m");
    let ran = sandbox.flota("fleet", &args);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(reports(&ran), 1, "{}", ran.stderr);

    disk.again("size=64m");
    let ran = sandbox.flota("fleet", &args);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}
