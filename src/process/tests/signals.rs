//! What signals, and terminals, do to children.

#[cfg(target_os = "linux")]
use std::process::{ExitStatus, Stdio};
use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use super::{
    super::{Command, kill_all, times::TICK},
    SOON_ENOUGH, cause, runs, sh, text,
};
use crate::{interrupt, model::exit::Exit};

/// Run by the tests below in a process of its own, where a signal may be pending.
#[test]
#[ignore = "the other half of the tests of interrupts"]
fn interrupted_child() {
    interrupt::install(kill_all).unwrap();
    let script = std::env::var("FLOTA_TEST_SCRIPT").unwrap();
    let error = sh(&script).run().unwrap_err();
    let next = sh("echo").run().unwrap_err();
    assert_eq!(error.exit(), next.exit());
    std::process::exit(error.exit() as i32);
}

/// Starts `interrupted_child` with `script`, waits until that has made `ready`, and sends it `signals`, half a second apart.
#[cfg(target_os = "linux")]
fn interrupt(script: &str, signals: &[rustix::process::Signal]) -> ExitStatus {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    // Where tests run in the background of a shell, SIGINT is ignored, and flota leaves it so.
    let mut child = std::process::Command::new("env")
        .arg("--default-signal=INT,HUP")
        .arg(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "process::tests::signals::interrupted_child",
        ])
        .env(
            "FLOTA_TEST_SCRIPT",
            format!(
                "{script}\n: > {}\nwhile :; do sleep 0.05; done",
                ready.display()
            ),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + SOON_ENOUGH;
    while !ready.exists() {
        assert!(Instant::now() < end, "the child never got ready");
        std::thread::sleep(TICK);
    }
    for signal in signals {
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), *signal).unwrap();
        std::thread::sleep(Duration::from_millis(500));
    }
    child.wait().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn each_signal_stops_the_tree_and_has_its_exit_code() {
    use rustix::process::Signal;
    for (signal, exit) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let status = interrupt(
            "sleep 64.25 & setsid sleep 64.25 >/dev/null 2>&1 &",
            &[signal],
        );
        assert_eq!(status.code(), Some(exit), "{status}");
        assert!(!runs("64.25"), "survived {signal:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_kills_at_once() {
    use rustix::process::Signal;
    use std::os::unix::process::ExitStatusExt;
    let status = || {
        let status = interrupt("trap '' TERM; sleep 65.25 &", &[Signal::INT, Signal::INT]);
        // Killed by the signal, unless the end of the child was noticed in time for an orderly exit: 130 for a shell.
        assert!(
            status.signal() == Some(Signal::INT.as_raw()) || status.code() == Some(130),
            "{status}"
        );
        assert!(!runs("65.25"));
        status
    };
    // Where nothing but the end of the grace stops the child, no run of several is ended by the signal.
    assert!((0..5).any(|_| status().signal().is_some()));
}

/// Run by the test below, with a terminal as standard input.
#[test]
#[ignore = "the other half of the test of terminals"]
fn child_of_a_terminal() {
    assert!(io::stdin().is_terminal());
    let started = Instant::now();
    let error = sh("echo Password:; head -c 1 /dev/tty; sleep 60")
        .run()
        .unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);
    assert_eq!(error.to_string(), "`sh` asks for input on the terminal");
    assert_eq!(cause(&error), "Password:");
    assert!(started.elapsed() < SOON_ENOUGH, "{:?}", started.elapsed());
    let prompts = "echo ${GIT_TERMINAL_PROMPT-allowed}";
    assert_eq!(text(&sh(prompts).run().unwrap()), "0\n");
    let asking = format!("{prompts}; stty -echo </dev/tty && echo asked");
    let output = sh(&asking).may_prompt().run().unwrap();
    assert_eq!(text(&output), "allowed\nasked\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_asks_on_the_terminal_only_if_it_may() {
    let this = std::env::current_exe().unwrap();
    let role = "--ignored --exact process::tests::signals::child_of_a_terminal";
    // script(1) gives its child a terminal.
    let output = Command::new("script")
        .args(["-qec", &format!("{} {role}", this.display()), "/dev/null"])
        .env_remove("GIT_TERMINAL_PROMPT")
        .timeout(Duration::from_secs(60))
        .run()
        .unwrap();
    assert!(output.success(), "{}", text(&output));
    assert!(text(&output).contains("1 passed"), "{}", text(&output));
}
