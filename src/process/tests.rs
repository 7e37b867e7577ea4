use std::{
    error::Error as _,
    fs,
    time::{Duration, Instant},
};

use super::{
    Command, Output, mask_secret, output::last_lines, times::GRACE, variables::REPOSITORY_VARIABLES,
};
use crate::model::{error::Error, exit::Exit};

mod signals;

fn sh(script: &str) -> Command {
    Command::new("sh").arg("-c").arg(script)
}

fn text(output: &Output) -> String {
    String::from_utf8(output.text.clone()).unwrap()
}

/// Time for a shell to start and say a word, on the busiest machine.
const AMPLE: Duration = Duration::from_secs(2);
/// What a child that waits for a minute does not reach unless it is waited for.
const SOON_ENOUGH: Duration = Duration::from_secs(45);

fn cause(error: &Error) -> String {
    error.source().expect("a cause").to_string()
}

/// Whether a process runs whose command line holds `word`.
#[cfg(target_os = "linux")]
fn runs(word: &str) -> bool {
    let mut processes = fs::read_dir("/proc").unwrap().flatten();
    processes.any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        bstr::ByteSlice::contains_str(line.as_slice(), word)
    })
}

#[test]
fn output_is_taken_in_the_order_it_was_written() {
    let output = sh("echo one; echo two >&2; echo three; exit 3")
        .run()
        .unwrap();
    assert_eq!(text(&output), "one\ntwo\nthree\n");
    assert!(!output.success());
    let error = output
        .check(|| Error::work("the script failed"))
        .unwrap_err();
    assert_eq!(error.to_string(), "the script failed");
    assert_eq!(cause(&error), "exit status: 3\none\ntwo\nthree");
}

#[test]
fn standard_output_can_be_read_as_data_up_to_a_limit() {
    let command = sh("echo warning >&2; printf '12345678'");
    let output = command.clone().stdout_as_data(8).run().unwrap();
    assert_eq!(
        (output.stdout.as_slice(), output.text.as_slice()),
        (&b"12345678"[..], &b"warning\n"[..])
    );
    let error = command.stdout_as_data(7).run().unwrap_err();
    assert_eq!(error.to_string(), "`sh` printed more than 7 bytes");
}

#[test]
fn input_is_written_while_output_is_read() {
    let bytes = vec![b'x'; 3 << 20];
    let output = Command::new("cat")
        .input(bytes.clone())
        .stdout_as_data(4 << 20)
        .run()
        .unwrap();
    assert!(output.stdout == bytes);
    // A child that does not read is no reason to wait or to fail.
    assert!(sh("exit 0").input(bytes).run().unwrap().success());
    assert_eq!(Command::new("cat").run().unwrap().text, b"");
}

#[test]
fn a_hundred_megabytes_stay_bounded_in_memory_and_whole_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let output = sh("echo begin; head -c 100000000 /dev/zero; echo end")
        .log(&log)
        .run()
        .unwrap();
    assert!(output.text.len() < (2 << 20));
    assert!(output.text.starts_with(b"begin\n") && output.text.ends_with(b"end\n"));
    assert_eq!(fs::metadata(log).unwrap().len(), 100_000_010);
}

#[test]
fn the_log_is_appended_to_and_one_that_takes_nothing_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    for word in ["one", "two"] {
        sh(&format!("echo {word}")).log(&log).run().unwrap();
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), "one\ntwo\n");
    let error = sh("echo")
        .log(dir.path().join("missing/log"))
        .run()
        .unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);
    if cfg!(target_os = "linux") {
        for script in ["echo full", "yes | head -n 1000; sleep 60"] {
            let error = sh(script).log("/dev/full").run().unwrap_err();
            assert!(
                error.to_string().starts_with("cannot write /dev/full: "),
                "{error}"
            );
        }
    }
}

#[test]
fn known_secrets_are_masked_in_text_and_log_but_not_in_data() {
    mask_secret(b"correct-horse-battery\nstaple-second-line\n");
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let script =
        "printf 'a correct-horse'; sleep 0.1; echo '-battery b'; echo '#1 staple-second-line'";
    let output = sh(script).log(&log).run().unwrap();
    assert_eq!(text(&output), "a *** b\n#1 ***\n");
    assert_eq!(fs::read_to_string(log).unwrap(), "a *** b\n#1 ***\n");
    let data = sh("printf correct-horse-battery")
        .stdout_as_data(100)
        .run()
        .unwrap();
    assert_eq!(data.stdout, b"correct-horse-battery");
}

#[test]
fn a_child_that_takes_too_long_is_stopped_with_all_it_started() {
    let script = "trap 'echo asked to end; exit' TERM; echo started; sleep 61.25 & wait";
    let error = sh(script).timeout(AMPLE).run().unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
    assert_eq!(error.to_string(), "`sh` did not finish within 2s");
    // SIGTERM was enough.
    assert_eq!(cause(&error), "started\nasked to end");
    #[cfg(target_os = "linux")]
    assert!(!runs("61.25"));
}

#[test]
fn a_child_that_ignores_sigterm_is_killed_after_the_grace() {
    let started = Instant::now();
    let script = "trap '' TERM; echo deaf; while :; do sleep 0.05; done";
    let error = sh(script).timeout(AMPLE).run().unwrap_err();
    assert_eq!(cause(&error), "deaf");
    assert!(
        (AMPLE + GRACE..SOON_ENOUGH).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn what_is_left_behind_cannot_hold_the_output_open() {
    let started = Instant::now();
    let output = sh("sleep 62.25 & echo done").run().unwrap();
    assert!(output.success());
    assert_eq!(text(&output), "done\n");
    assert!(started.elapsed() < SOON_ENOUGH, "{:?}", started.elapsed());
    #[cfg(target_os = "linux")]
    assert!(!runs("62.25"));
}

#[cfg(target_os = "linux")]
#[test]
fn daemons_that_left_the_group_are_stopped_too() {
    // The double fork of daemon(3): a session of its own, no parent left, no pipe held.
    let dir = tempfile::tempdir().unwrap();
    let daemon = "(setsid sh -c 'trap \"\" TERM; sleep 63.25 >/dev/null 2>&1 & : >\"$UP\"; exec sleep 63.25' >/dev/null 2>&1 &)";
    let error = sh(&format!(
        "{daemon}; until [ -e \"$UP\" ]; do sleep 0.05; done; echo up; sleep 60"
    ))
    .env("UP", dir.path().join("up"))
    .timeout(AMPLE)
    .run()
    .unwrap_err();
    assert!(error.to_string().contains("did not finish"));
    assert_eq!(cause(&error), "up");
    assert!(!runs("sleep\u{0}63.25"));
}

#[test]
fn variables_that_point_at_a_repository_are_removed_and_configuration_is_kept() {
    let names = Command::new("git")
        .args(["rev-parse", "--local-env-vars"])
        .stdout_as_data(10_000)
        .run()
        .unwrap()
        .stdout;
    let names = String::from_utf8(names).unwrap();
    assert!(names.lines().count() > 10);
    for name in names
        .lines()
        .filter(|name| !["GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"].contains(name))
    {
        assert!(REPOSITORY_VARIABLES.contains(&name), "{name}");
    }
    assert!(!REPOSITORY_VARIABLES.contains(&"GIT_CONFIG_COUNT"));
    assert!(!REPOSITORY_VARIABLES.contains(&"GIT_CONFIG_PARAMETERS"));
}

#[test]
fn the_environment_is_what_was_asked_for() {
    let script = "echo \"${GIT_DIR-none} ${HOME-none} $GIT_TERMINAL_PROMPT\"";
    let output = sh(script).env_remove("HOME").run().unwrap();
    assert_eq!(text(&output), "none none 0\n");
    let output = sh(script)
        .env("GIT_DIR", "/g")
        .env("HOME", "/h")
        .run()
        .unwrap();
    assert_eq!(text(&output), "/g /h 0\n");
    let output = sh("pwd").current_dir("/").run().unwrap();
    assert_eq!(text(&output), "/\n");
}

#[test]
fn a_child_leads_a_group_of_its_own() {
    let output = sh("echo $$; ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat")
        .run()
        .unwrap();
    let ids: Vec<_> = std::str::from_utf8(&output.text)
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn the_name_in_messages_shows_no_values() {
    assert_eq!(
        Command::new("/usr/bin/docker").arg("build").arg("x").name(),
        "`docker build`"
    );
    assert_eq!(Command::new("git").arg("-c").arg("token=1").name(), "`git`");
    assert_eq!(Command::new("curl").arg("https://u:p@h").name(), "`curl`");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let error = Command::new("/nonexistent/tool").run().unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);
    assert_eq!(error.to_string(), "cannot start /nonexistent/tool");
}

#[test]
fn last_lines_are_few_and_short() {
    let many = (0..100).map(|n| format!("line {n}\n")).collect::<String>();
    assert!(last_lines(many.as_bytes()).starts_with("line 80\nline 81\n"));
    assert_eq!(last_lines(&vec![b'x'; 100_000]).len(), 4 << 10);
    assert_eq!(last_lines(b"\n\xff\n"), "\u{fffd}");
}

#[test]
fn a_child_may_take_its_time_as_long_as_it_says_something() {
    let limit = Duration::from_secs(3);
    let silent = std::thread::spawn(move || sh("echo hello; sleep 62.5").patience(limit).run());
    let talks = sh("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done").patience(limit);
    let output = talks.run().unwrap();
    assert!(output.success() && output.duration > limit);
    let error = silent.join().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "`sh` printed nothing for 3s");
    assert_eq!(cause(&error), "hello");
}
