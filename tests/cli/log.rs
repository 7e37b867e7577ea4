//! What `-v` and `FLOTA_LOG` show: what was started, what was asked of whom, which faster way was not taken; and no secret. The
//! command `flota log` is in [`services`].

use std::net::TcpListener;

use crate::sandbox::{Ran, Sandbox};

mod services;

/// The lines of the log among all that was said.
fn log(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines();
    lines.filter(|line| line.starts_with("· ")).collect()
}

#[test]
fn each_child_process_has_a_line_with_its_end_and_its_time() {
    let sandbox = Sandbox::scripted("to-clone");
    let quiet = sandbox.flota("", &["clone", "fleet", "quiet"]);
    assert!(log(&quiet).is_empty(), "{}", quiet.stderr);

    let ran = sandbox.flota("", &["-v", "clone", "fleet", "once"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let lines = log(&ran);
    let clone = lines.iter().find(|line| line.contains(" clone "));
    let clone = clone.unwrap_or_else(|| panic!("{}", ran.stderr));
    assert!(clone.starts_with("· git "), "{clone}");
    assert!(clone.contains(": exit status: 0, "), "{clone}");
    assert!(clone.ends_with(" ms"), "{clone}");
    assert!(!ran.stderr.contains("·   in "), "{}", ran.stderr);

    let twice = sandbox.flota("", &["-vv", "clone", "fleet", "twice"]);
    assert!(twice.stderr.contains("\n·   in /"), "{}", twice.stderr);
}

#[test]
fn a_variable_asks_for_it_where_no_flag_can_be_added() {
    let sandbox = Sandbox::scripted("to-clone");
    let run = |level: &str, to: &str| {
        sandbox.flota_with("", &["clone", "fleet", to], |command| {
            command.env("FLOTA_LOG", level);
        })
    };
    assert!(log(&run("off", "off")).is_empty());
    assert!(!log(&run("info", "info")).is_empty());
    assert!(run("debug", "debug").stderr.contains("\n·   in /"));
    let unknown = run("loud", "unknown");
    assert_eq!(unknown.status, Some(2));
    assert!(
        unknown.stderr.contains("FLOTA_LOG is `loud`"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_worktree_that_takes_a_second_look_is_named_with_the_reason() {
    let sandbox = Sandbox::scripted("to-clone");
    assert_eq!(
        sandbox.flota("", &["clone", "fleet", "ours"]).status,
        Some(0)
    );
    sandbox.git(
        "ours/code-repos/api",
        &["commit", "--quiet", "--allow-empty", "--message", "More"],
    );
    let ran = sandbox.flota("ours", &["-v", "status"]);
    let why = "its repository is opened, since its HEAD is not at its pin";
    assert!(
        log(&ran)
            .iter()
            .any(|line| line.contains("api") && line.ends_with(why)),
        "{}",
        ran.stderr
    );
}

/// A login in a URL, to a server that is not there: the request, the way that was not taken, and git's own try are shown.
#[test]
fn no_secret_is_in_it() {
    const CANARY: &str = "canary-5f1c9e";
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let sandbox = Sandbox::scripted("to-clone");
    let url = format!("http://me:{CANARY}@{gone}/api");
    sandbox.git(
        "fleet",
        &["config", "--file", ".gitmodules", "submodule.api.url", &url],
    );
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message", "Move the server"],
    );
    let ran = sandbox.flota("", &["-vv", "clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let said = |words: &str| log(&ran).iter().any(|line| line.contains(words));
    assert!(said("git clones it, since"), "{}", ran.stderr);
    assert!(said(&gone.to_string()), "{}", ran.stderr);
    assert!(!ran.stderr.contains(CANARY), "{}", ran.stderr);
}
