//! What goes wrong without anybody meaning harm: no half repository passes for a whole one, one fault costs what it befalls and
//! nothing else, and nobody's work is lost. `fixtures/hostile/README.md` lists the cases.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::sandbox::Sandbox;

mod disk;
mod killed;
mod servers;
mod signals;
mod state;

pub use signals::until;

/// The processes that a run in this sandbox started and that are still there, by their command lines.
fn strays(sandbox: &Sandbox) -> Vec<String> {
    let home = format!("HOME={}", sandbox.path("home").display());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == home.as_bytes())
        {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    // One that has ended has no command line.
    found.retain(|line| !line.is_empty());
    found
}

/// Nobody is left, or will be in a moment.
#[track_caller]
pub fn assert_nobody_left(sandbox: &Sandbox, case: &str) {
    let started = Instant::now();
    while !strays(sandbox).is_empty() {
        let left = strays(sandbox);
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{case}: {left:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The clone in `ours/` is the one that git makes, in `gits/`, in every respect that git can be asked for.
#[track_caller]
fn assert_whole(sandbox: &Sandbox, case: &str) {
    for dir in [
        "",
        "/code-repos/api",
        "/code-repos/api/code/lib",
        "/code-repos/web",
    ] {
        for question in [
            &["status", "--porcelain", "--ignored"][..],
            &["submodule", "status", "--recursive"],
            &["ls-files", "--stage"],
            &["rev-parse", "HEAD"],
        ] {
            let answers =
                ["ours", "gits"].map(|clone| sandbox.git(format!("{clone}{dir}"), question));
            assert_eq!(answers[0], answers[1], "{case}: {dir} {question:?}");
        }
        sandbox.git(format!("ours{dir}"), &["fsck", "--strict"]);
    }
}

fn clone_by_git(sandbox: &Sandbox) {
    let recursive = ["clone", "--quiet", "--recurse-submodules", "fleet", "gits"];
    sandbox.git("", &recursive);
}

/// Bytes that nothing compresses.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 1;
    let bytes = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    });
    bytes.take(length).collect()
}
