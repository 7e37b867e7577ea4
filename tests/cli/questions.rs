//! What is asked on the terminal: as git asks, and once a run.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    http::{Manners, Server, serve},
    sandbox::Sandbox,
    support::need,
    terminal::Terminal,
};

/// `me` and `s3cret-word`.
const BASIC: &str = "Basic bWU6czNjcmV0LXdvcmQ=";

/// A fleet behind a server that wants a login, and the settings of somebody whose helper knows nothing and notes what it is told.
fn locked_fleet() -> (Sandbox, Server, Vec<(&'static str, String)>) {
    let sandbox = Sandbox::scripted("to-clone");
    let server = serve(
        sandbox.root(),
        Manners {
            authorization: Some(BASIC),
            ..Manners::default()
        },
    );
    let helper = program(
        &sandbox,
        "helper",
        "input=$(cat | tr '\\n' ' ')\necho \"$1 $input\" >>\"$HOME/told\"",
    );
    let settings = vec![
        ("GIT_CONFIG_COUNT", "3".to_owned()),
        ("GIT_CONFIG_KEY_2", "credential.helper".to_owned()),
        ("GIT_CONFIG_VALUE_2", helper),
    ];
    (sandbox, server, settings)
}

fn program(sandbox: &Sandbox, name: &str, script: &str) -> String {
    let path = sandbox.path(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn start(
    sandbox: &Sandbox,
    dir: &str,
    args: &[&str],
    settings: &[(&'static str, String)],
) -> Terminal {
    let settings = settings.iter().map(|(key, value)| (*key, value.as_str()));
    Terminal::start(sandbox, dir, args, &settings.collect::<Vec<_>>())
}

/// What the user's helper was told: the words of git-credential(1) that a helper hears.
fn told(sandbox: &Sandbox, word: &str) -> Vec<String> {
    let told = fs::read_to_string(sandbox.path("home/told")).unwrap_or_default();
    let of = |line: &&str| line.split(' ').next() == Some(word);
    told.lines().filter(of).map(str::to_owned).collect()
}

#[test]
fn each_host_is_asked_for_once_and_the_answer_is_kept() {
    if !need("script") {
        return;
    }
    let (sandbox, server, settings) = locked_fleet();
    let url = format!("{}/fleet", server.url);
    for (number, args) in [
        &["clone", &url, "ours"][..],
        // git clones each of them.
        &["clone", &url, "shallow", "--depth", "1"],
        &["-C", "ours", "fetch"],
        &["-C", "ours", "pull"],
        &["-C", "ours", "update", "--remote", "--dry-run"],
    ]
    .into_iter()
    .enumerate()
    {
        let _ = fs::remove_file(sandbox.path("home/told"));
        let mut terminal = start(&sandbox, "", args, &settings);
        let question = format!("Username for '{}", server.url);
        terminal.answer(&question, "me\n");
        terminal.answer("Password for '", "s3cret-word\n");
        let (status, shown) = terminal.end();
        assert_eq!(status, Some(0), "{number} {shown}");
        assert_eq!(shown.matches("Username for").count(), 1, "{shown}");
        assert_eq!(shown.matches("Password for").count(), 1, "{shown}");
        assert!(!shown.contains("s3cret-word"), "{shown}");
        let stored = told(&sandbox, "store");
        assert!(
            stored
                .iter()
                .any(|line| line.contains("password=s3cret-word")),
            "{stored:?}"
        );
        assert_eq!(told(&sandbox, "erase"), Vec::<String>::new());
    }
}

#[test]
fn a_wrong_answer_is_sent_once_and_taken_back() {
    if !need("script") {
        return;
    }
    let (sandbox, server, settings) = locked_fleet();
    let url = format!("{}/fleet", server.url);
    let mut terminal = start(&sandbox, "", &["clone", &url, "ours"], &settings);
    terminal.answer("Username for", "me\n");
    terminal.answer("Password for", "s3cret-word\n");
    assert_eq!(terminal.end().0, Some(0));
    // The same fleet, none of whose services is here.
    for service in ["api", "lib", "web"] {
        let _ = fs::remove_dir_all(sandbox.path("ours/.git/modules").join(service));
    }
    for name in fs::read_dir(sandbox.path("ours/.git/modules")).unwrap() {
        fs::remove_dir_all(name.unwrap().path()).unwrap();
    }
    sandbox.git(
        "ours",
        &[
            "-c",
            "core.hooksPath=",
            "submodule",
            "deinit",
            "--all",
            "--force",
        ],
    );
    for more in [&[][..], &["--depth", "1"]] {
        let _ = fs::remove_file(sandbox.path("home/told"));
        server.seen.lock().unwrap().clear();
        let args = [&["-C", "ours", "update"][..], more].concat();
        let mut terminal = start(&sandbox, "", &args, &settings);
        terminal.answer("Username for", "me\n");
        terminal.answer("Password for", "wrong-word\n");
        let (status, shown) = terminal.end();
        assert_eq!(status, Some(1), "{shown}");
        assert_eq!(shown.matches("Password for").count(), 1, "{shown}");
        assert!(shown.contains("was refused"), "{shown}");
        let erased = told(&sandbox, "erase");
        assert!(
            !erased.is_empty() && erased[0].contains("password=wrong-word"),
            "{erased:?}"
        );
        let seen = server.seen.lock().unwrap();
        let wrong = seen.iter().filter(|seen| !seen.is_empty()).count();
        assert_eq!(wrong, 1, "{seen:?}");
    }
}

#[test]
fn nobody_is_asked_who_does_not_want_it() {
    if !need("script") {
        return;
    }
    let (sandbox, server, mut settings) = locked_fleet();
    let url = format!("{}/fleet", server.url);
    for no in ["0", "false", "off"] {
        settings.push(("GIT_TERMINAL_PROMPT", no.to_owned()));
        let terminal = start(&sandbox, "", &["clone", &url, "ours"], &settings);
        let (status, shown) = terminal.end();
        assert_eq!(status, Some(1), "{shown}");
        assert!(shown.contains("terminal prompts disabled"), "{shown}");
    }
}

#[test]
fn ctrl_c_at_a_question_ends_the_run() {
    if !need("script") {
        return;
    }
    let (sandbox, server, settings) = locked_fleet();
    let url = format!("{}/fleet", server.url);
    let mut terminal = start(&sandbox, "", &["clone", &url, "ours"], &settings);
    terminal.answer("Username for", "\u{3}");
    let (status, shown) = terminal.end();
    assert_eq!(status, Some(130), "{shown}");
    assert!(!sandbox.path("ours").exists());
}

/// Stands for an ssh that asks whether the host is the right one, until somebody has said yes.
const SSH: &str = "known=$HOME/known\n\
    if [ ! -e \"$known\" ]; then\n\
      printf 'Are you sure (yes/no)? ' >/dev/tty\n\
      read answer </dev/tty\n\
      [ \"$answer\" = yes ] || { echo 'Host key verification failed.' >&2; exit 255; }\n\
      : >\"$known\"\n\
    fi\n\
    for last; do :; done\n\
    eval \"$last\"";

#[test]
fn ssh_asks_once_for_its_host() {
    if !need("script") {
        return;
    }
    let sandbox = Sandbox::scripted("to-clone");
    let ssh = program(&sandbox, "ssh", SSH);
    let url = format!("ssh://git@host.invalid{}/fleet", sandbox.root().display());
    for dir in ["ours", "more"] {
        let _ = fs::remove_file(sandbox.path("home/known"));
        let variables = [("GIT_SSH", ssh.as_str()), ("GIT_SSH_VARIANT", "ssh")];
        let mut terminal = Terminal::start(&sandbox, "", &["clone", &url, dir], &variables);
        terminal.answer("Are you sure (yes/no)? ", "yes\n");
        let (status, shown) = terminal.end();
        assert_eq!(status, Some(0), "{shown}");
        // The first was not allowed to wait for an answer.
        assert_eq!(shown.matches("Are you sure").count(), 2, "{shown}");
    }
}
