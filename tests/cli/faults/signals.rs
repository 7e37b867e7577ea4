//! Signals to flota alone, and children that make trouble: nobody is left behind.

use std::{
    fs,
    process::{Child, Stdio},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::assert_nobody_left;
use crate::{
    http::{Manners, serve},
    sandbox::Sandbox,
};

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

/// The exit code of a child, which has to end by itself.
#[track_caller]
fn ended(mut child: Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
pub fn until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signal_while_the_fleet_is_cloned_leaves_nothing() {
    let sandbox = Sandbox::scripted("to-clone");
    let silent = Manners {
        silent: true,
        ..Manners::default()
    };
    let server = serve(sandbox.root(), silent);
    let before = fs::read_dir(sandbox.root()).unwrap().count();
    for (number, (signal, code)) in SIGNALS.into_iter().enumerate() {
        let url = format!("{}/fleet", server.url);
        let child = sandbox
            .interruptible("", &["clone", &url, "ours"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("no request", || {
            server.requests.load(Ordering::SeqCst) > number
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(ended(child), Some(code));
        assert_nobody_left(&sandbox, &format!("{signal:?}"));
        assert_eq!(fs::read_dir(sandbox.root()).unwrap().count(), before);
    }
}

#[test]
fn a_signal_while_services_are_cloned_keeps_those_that_are_whole() {
    for (signal, code) in SIGNALS {
        let sandbox = Sandbox::scripted("to-clone");
        let silent = Manners {
            silent: true,
            ..Manners::default()
        };
        let server = serve(sandbox.root(), silent);
        let web = format!("{}/web", server.url);
        sandbox.git(
            "fleet",
            &["config", "--file=.gitmodules", "submodule.web.url", &web],
        );
        sandbox.git(
            "fleet",
            &["commit", "--quiet", "--all", "--message=Move web"],
        );
        let child = sandbox
            .interruptible("", &["clone", "fleet", "ours"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let api = sandbox.path("ours/code-repos/api/code/lib/.git");
        until("api does not come", || {
            api.exists() && server.requests.load(Ordering::SeqCst) > 0
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(ended(child), Some(code));
        assert_nobody_left(&sandbox, &format!("{signal:?}"));
        assert!(!sandbox.path("ours/.git/modules/web").exists());
        let instead = [
            (
                "GIT_CONFIG_KEY_1",
                format!("url.{}.insteadOf", sandbox.path("web").display()),
            ),
            ("GIT_CONFIG_VALUE_1", web),
        ];
        let ran = sandbox.flota_with("ours", &["update"], |command| {
            command.envs(instead);
        });
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
    }
}

#[test]
fn children_that_ignore_signals_and_daemons_of_theirs_are_stopped() {
    for (signal, code) in SIGNALS {
        let sandbox = Sandbox::cloned();
        let script = "trap '' TERM INT HUP; setsid sleep 300 & (trap '' TERM; sleep 300) & \
                      touch \"$FLOTA_FLEET/../$FLOTA_SERVICE.on\"; while :; do sleep 1; done";
        let child = sandbox
            .interruptible("ours", &["foreach", "-j2", "--", "sh", "-c", script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("they do not start", || {
            ["api.on", "web.on"]
                .iter()
                .all(|name| sandbox.path(name).exists())
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(ended(child), Some(code));
        assert_nobody_left(&sandbox, &format!("{signal:?}"));
    }
}

/// What a child prints is bounded in memory, and says nothing to the terminal; what it leaves behind does not hold flota up.
#[test]
fn a_child_that_prints_without_end_costs_no_memory() {
    let sandbox = Sandbox::cloned();
    let script =
        "yes \"$(printf 'x\\033[2J\\0330;owned\\007')\" | head -c 100000000; sleep 300 & exit 0";
    let mut limited = std::process::Command::new("bash");
    limited.args([
        "-c",
        "ulimit -v 2000000; exec \"$@\"",
        "bash",
        env!("CARGO_BIN_EXE_flota"),
        "foreach",
    ]);
    limited.args(["--service", "web", "--", "sh", "-c", script]);
    let started = Instant::now();
    let output = sandbox
        .prepare(limited, &sandbox.path("ours"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(started.elapsed() < Duration::from_secs(120));
    assert!(output.stdout.len() < 16 << 20, "{}", output.stdout.len());
    assert!(!output.stdout.contains(&0x1b));
    assert_nobody_left(&sandbox, "what the child left");
}
