//! SIGINT, SIGTERM and SIGHUP: a flag that loops look at, and a second signal that ends everything at once.
//!
//! Children run in process groups of their own (see [`crate::process`]), so a Ctrl-C reaches flota alone: it is flota
//! that stops them, in order on the first signal, at once on the second.

use std::{
    fs::File,
    io::{IsTerminal as _, Read},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
    thread,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use crate::model::{
    error::{Error, Result},
    exit::Exit,
};

/// What [`install`] watches for.
const WATCHED: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// The first signal that arrived; 0 before.
static PENDING: AtomicI32 = AtomicI32::new(0);

/// Whether one has arrived, for libraries that take a flag.
static STOP: AtomicBool = AtomicBool::new(false);

/// Wrappers (timeout(1), cargo, npm) pass on a signal that the terminal has already sent to the whole group. What follows
/// so soon is the same wish, not a second one.
const ECHO: Duration = Duration::from_millis(300);

/// How often a pause looks for a signal.
const TICK: Duration = Duration::from_millis(20);

/// Watches for SIGINT, SIGTERM and SIGHUP from now on; called once, when flota starts.
///
/// The first signal makes [`pending`] answer. A second one calls `kill_children` and then ends the process as the signal
/// would have without a handler, wherever it is. A signal that is ignored when flota starts (`nohup`, a shell's background
/// job) stays ignored, as POSIX asks of programs.
///
/// # Errors
/// When the system refuses the handler or its thread.
pub fn install(kill_children: fn()) -> Result<()> {
    let ignored = ignored();
    let signals = Signals::new(WATCHED.into_iter().filter(|signal| !has(ignored, *signal)))
        .map_err(|error| Error::unavailable("cannot watch for signals").because(error))?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || watch(signals, kill_children))
        .map_err(|error| {
            Error::unavailable("cannot start the thread that watches for signals").because(error)
        })?;
    Ok(())
}

/// The exit code that a signal asks for, once one has arrived.
pub fn pending() -> Option<Exit> {
    match PENDING.load(Ordering::SeqCst) {
        SIGINT => Some(Exit::Interrupted),
        SIGTERM => Some(Exit::Terminated),
        SIGHUP => Some(Exit::HungUp),
        _ => None,
    }
}

/// A flag that is set once [`pending`] answers.
pub fn flag() -> &'static AtomicBool {
    &STOP
}

/// The error of work that a signal stopped, once one has arrived.
pub fn error() -> Option<Error> {
    pending().map(|exit| Error::new(exit, "interrupted"))
}

/// Waits `time`; `false` when a signal arrives meanwhile.
pub fn pause(time: Duration) -> bool {
    let began = Instant::now();
    while pending().is_none() {
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(TICK));
    }
    false
}

fn watch(mut signals: Signals, kill_children: fn()) {
    let mut first: Option<Instant> = None;
    for signal in signals.forever() {
        match first {
            None => {
                PENDING.store(signal, Ordering::SeqCst);
                STOP.store(true, Ordering::SeqCst);
                first = Some(Instant::now());
            }
            Some(at) if at.elapsed() < ECHO => {}
            Some(_) => {
                kill_children();
                // Returns only if the signal has no default action, which these three have.
                let _ = emulate_default_handler(signal);
            }
        }
    }
}

/// Which signals the process was started with to be ignored, as a mask.
fn ignored() -> u64 {
    match cfg!(target_os = "linux") {
        true => ignored_in_procfs(),
        // A process takes some time, and whoever sits at a terminal has not made flota ignore anything.
        false if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => 0,
        false => ignored_in_a_shell(),
    }
}

/// As the kernel says (proc_pid_status(5), `SigIgn`).
fn ignored_in_procfs() -> u64 {
    // The kernel writes the text anew for each call that reads of it, so it is read with one.
    let mut status = [0; 4096];
    let length = File::open("/proc/self/status").and_then(|mut file| file.read(&mut status));
    let status = String::from_utf8_lossy(&status[..length.unwrap_or_default()]);
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    mask.unwrap_or_default()
}

/// Where no file says it, and without unsafe code: a child ignores what its parent does, and a shell cannot trap what it was
/// started with to be ignored (POSIX, `trap`). It prints those that do nothing to it.
fn ignored_in_a_shell() -> u64 {
    let script = "for signal do taken=; trap taken=1 $signal; kill -$signal $$; [ $taken ] || echo $signal; done";
    let output = Command::new("/bin/sh")
        .args(["-c", script, "sh"])
        .args(WATCHED.map(|signal| signal.to_string()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let said = output.map_or(Vec::new(), |output| output.stdout);
    let signals = String::from_utf8_lossy(&said);
    let signals = signals.lines().filter_map(|line| line.parse::<i32>().ok());
    signals.fold(0, |mask, signal| mask | 1 << (signal - 1))
}

fn has(mask: u64, signal: i32) -> bool {
    mask & (1 << (signal - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_pending_before_a_signal() {
        assert_eq!(pending(), None);
        assert!(error().is_none());
    }

    #[test]
    fn a_pause_takes_its_time() {
        let began = Instant::now();
        assert!(pause(Duration::from_millis(50)));
        assert!(began.elapsed() >= Duration::from_millis(50));
    }

    #[test]
    fn the_mask_is_read_as_the_kernel_writes_it() {
        // The Rust runtime ignores SIGPIPE (13) before main, and nothing here ignores SIGTERM.
        assert!(has(ignored(), 13) || !cfg!(target_os = "linux"));
        assert!(!has(ignored(), SIGTERM));
    }

    /// Run by the test below, as nohup(1) and a shell's background job start flota.
    #[test]
    #[ignore = "the other half of the test of ignored signals"]
    fn started_with_signals_ignored() {
        let wanted = std::env::var("FLOTA_TEST_IGNORED").unwrap();
        let found = ignored_in_a_shell();
        let found = WATCHED.into_iter().filter(|signal| has(found, *signal));
        let found: Vec<_> = found.map(|signal| signal.to_string()).collect();
        assert_eq!(found.join(" "), wanted);
        if cfg!(target_os = "linux") {
            let by_kernel = WATCHED.map(|signal| has(ignored_in_procfs(), signal));
            assert_eq!(
                by_kernel,
                WATCHED.map(|signal| has(ignored_in_a_shell(), signal))
            );
        }
    }

    #[test]
    fn a_shell_tells_which_signals_are_ignored() {
        let this = std::env::current_exe().unwrap();
        for ignored in ["", "2", "1", "2 1", "2 15 1"] {
            let script =
                "for signal in $FLOTA_TEST_IGNORED; do trap '' $signal; done; exec \"$0\" \"$@\"";
            // Where tests run under nohup, or in the background of a shell, some are ignored all along.
            let mut shell = Command::new(if cfg!(target_os = "linux") {
                "env"
            } else {
                "sh"
            });
            if cfg!(target_os = "linux") {
                shell.args(["--default-signal=INT,TERM,HUP", "sh"]);
            }
            let output = shell
                .args(["-c", script])
                .arg(&this)
                .args([
                    "--ignored",
                    "--exact",
                    "interrupt::tests::started_with_signals_ignored",
                ])
                .env("FLOTA_TEST_IGNORED", ignored)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("1 passed"), "{ignored:?}: {said}");
        }
    }
}
