use super::*;
use std::{error::Error as _, fs};

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
        .args(["--ignored", "--exact", "process::tests::interrupted_child"])
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
    assert_eq!(error.to_string(), "`sh` asks for something on the terminal");
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
    let role = "--ignored --exact process::tests::child_of_a_terminal";
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

#[test]
fn a_child_may_take_its_time_as_long_as_it_says_something() {
    let limit = Duration::from_secs(3);
    let silent = std::thread::spawn(move || sh("echo hello; sleep 62.5").patience(limit).run());
    let talks = sh("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done").patience(limit);
    let output = talks.run().unwrap();
    assert!(output.success() && output.duration > limit);
    let error = silent.join().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "`sh` said nothing for 3s");
    assert_eq!(cause(&error), "hello");
}

#[test]
fn time_and_silence_are_counted_apart() {
    let [short, long] = [1, 60].map(Duration::from_secs);
    let command = |timeout, patience| sh("").timeout(timeout).patience(patience);
    let now = Instant::now();
    let earlier = now - long / 2;
    // Whether it is stopped that started half a minute ago, and last said something then.
    let stops = |command: Command, last_word| {
        let stop = command.reason_to_stop(None, State::Running, earlier, last_word);
        stop.map(|stop| command.stopped_error(&stop, b"").to_string())
    };
    assert_eq!(stops(command(long, short * 20), now), None);
    let said = stops(command(long, short), earlier);
    assert_eq!(said.unwrap(), "`sh` said nothing for 1s");
    let said = stops(command(short, long), now);
    assert_eq!(said.unwrap(), "`sh` did not finish within 1s");
    assert!(
        command(short, short)
            .reason_to_stop(None, State::Exited, earlier, earlier)
            .is_none()
    );
}
