//! SIGKILL at any moment, and run again.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{assert_nobody_left, assert_whole, clone_by_git, signals::until};
use crate::{
    http::{Manners, serve},
    sandbox::Sandbox,
};

/// Moments of a run that takes `whole`, the same parts of it each time (Knuth's MMIX generator).
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    let mut state: u64 = 0x5eed;
    std::iter::from_fn(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Some(whole.mul_f64(((state >> 33) % 1000) as f64 / 1000.0))
    })
}

fn left_over(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.root()).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with(".flota-clone-"))
        .collect()
}

#[test]
fn a_clone_killed_at_any_moment_is_made_whole_by_the_next_run() {
    let sandbox = Sandbox::scripted("to-clone");
    clone_by_git(&sandbox);
    let whole = || {
        let started = Instant::now();
        let ran = sandbox.flota("", &["clone", "--quiet", "fleet", "ours"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        fs::remove_dir_all(sandbox.path("ours")).unwrap();
        started.elapsed()
    };
    let whole = whole().min(whole());
    let mut interrupted = 0;
    for moment in moments(whole).take(10) {
        let case = format!("after {moment:?}");
        let _ = fs::remove_dir_all(sandbox.path("ours"));
        let mut child = sandbox
            .command("", &["clone", "--quiet", "fleet", "ours"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(moment);
        child.kill().unwrap();
        interrupted += usize::from(!child.wait().unwrap().success());
        assert_nobody_left(&sandbox, &case);
        let ran = match sandbox.path("ours").exists() {
            true => sandbox.flota("ours", &["update"]),
            false => sandbox.flota("", &["clone", "fleet", "ours"]),
        };
        assert_eq!(ran.status, Some(0), "{case}: {}", ran.stderr);
        assert_whole(&sandbox, &case);
    }
    assert!(interrupted > 2, "only {interrupted} runs were interrupted");
    // What is unfinished goes with the next clone into the same folder.
    let ran = sandbox.flota("", &["clone", "fleet", "another"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(left_over(&sandbox), [""; 0]);
}

/// Killed while it waits for a server: whoever waited for it is not left behind for ever.
#[test]
fn a_clone_killed_while_it_waits_leaves_nobody_behind() {
    let sandbox = Sandbox::scripted("to-clone");
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    let server = serve(sandbox.root(), silent);
    for url in [format!("{}/fleet", server.url), "fleet".to_owned()] {
        let web = format!("{}/web", server.url);
        sandbox.git(
            "fleet",
            &["config", "--file=.gitmodules", "submodule.web.url", &web],
        );
        sandbox.git(
            "fleet",
            &[
                "commit",
                "--quiet",
                "--allow-empty",
                "--all",
                "--message=Move web",
            ],
        );
        let _ = fs::remove_dir_all(sandbox.path("ours"));
        let before = server.requests.load(std::sync::atomic::Ordering::SeqCst);
        let args = ["clone", "--quiet", "--patience", "2", &url, "ours"];
        let mut child = sandbox
            .command("", &args)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("no request", || {
            server.requests.load(std::sync::atomic::Ordering::SeqCst) > before
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_nobody_left(&sandbox, &url);
    }
}

#[test]
fn two_clones_into_one_folder_do_not_mix() {
    let sandbox = Sandbox::scripted("to-clone");
    clone_by_git(&sandbox);
    let start = || {
        let mut command = sandbox.command("", &["clone", "--quiet", "fleet", "ours"]);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let runs = [start(), start(), start()].map(|run| run.wait_with_output().unwrap());
    let (done, late): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| run.status.success());
    assert_eq!(done.len(), 1, "{late:?}");
    for run in late {
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(said.contains("error: ") && said.contains("ours"), "{said}");
    }
    assert_whole(&sandbox, "two at once");
    assert_eq!(left_over(&sandbox), [""; 0]);
}
