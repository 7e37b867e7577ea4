//! A running child is given its input and watched, and its process tree is stopped when there is a reason.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    members::Members,
    output::last_lines,
    pump::{Pump, Trouble},
    times::{DRAIN, GRACE, LINGER, SOON, TICK},
    tree::{State, Tree},
};
use crate::{
    interrupt,
    model::{error::Error, exit::Exit},
};

/// What is said of a child that would ask.
const WANTS_TERMINAL: &str = "asks for input on the terminal";

/// Whether `error` is that a child asked on a terminal that is not its own.
pub fn wants_terminal(error: &Error) -> bool {
    error.exit() == Exit::Unavailable && error.to_string().ends_with(WANTS_TERMINAL)
}

/// What a child may take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// From its start to its end.
    pub timeout: Option<Duration>,
    /// Without a word.
    pub patience: Option<Duration>,
}

/// Why a tree is stopped before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Interrupted(Exit),
    TimedOut(Duration),
    Silent(Duration),
    Trouble(Trouble),
    WantsTerminal,
}

impl Stop {
    /// The error that it is; `name` is the child's, `log` its log file, `text` what it said.
    pub(super) fn error(&self, name: &str, log: Option<&Path>, text: &[u8]) -> Error {
        let error = match self {
            Self::Interrupted(exit) => return Error::new(*exit, format!("{name} was interrupted")),
            Self::Trouble(Trouble::Log(error)) => {
                let log = log.unwrap_or(Path::new("the log"));
                return Error::unavailable(format!("cannot write {}: {error}", log.display()));
            }
            Self::Trouble(Trouble::TooMuch(limit)) => {
                Error::work(format!("{name} printed more than {limit} bytes"))
            }
            Self::TimedOut(limit) => Error::work(format!("{name} did not finish within {limit:?}")),
            Self::Silent(limit) => Error::work(format!("{name} printed nothing for {limit:?}")),
            Self::WantsTerminal => Error::unavailable(format!("{name} {WANTS_TERMINAL}"))
                .hint("log in beforehand: `ssh-add` for SSH keys, a credential helper for HTTPS (`git help credentials`)"),
        };
        match last_lines(text) {
            lines if lines.is_empty() => error,
            lines => error.because(lines),
        }
    }
}

/// Serves the pipes until the child has ended and they are closed, or there is a reason to stop the tree.
pub(super) fn supervise(
    limits: Limits,
    tree: &Tree,
    pump: &mut Pump,
    started: Instant,
) -> Option<Stop> {
    let mut stop = None;
    let mut found = Members::default();
    let mut patience_ends: Option<Instant> = None;
    loop {
        let wait = if pump.is_open() { TICK } else { SOON };
        let trouble = pump.turn(wait).err();
        let state = tree.state();
        if state == State::Exited {
            pump.input = None;
            patience_ends.get_or_insert(Instant::now() + LINGER);
            // Whoever was asked to stop may still be cleaning up, as Buildah's helper of a container does.
            if !pump.is_open() && (stop.is_none() || tree.is_gone()) {
                break;
            }
        }
        if stop.is_none() {
            stop = limits.reason_to_stop(trouble, state, started, pump.last_word);
            if stop.is_some() {
                found = tree.terminate();
                patience_ends = Some(Instant::now() + GRACE);
            }
        }
        if patience_ends.is_some_and(|end| Instant::now() >= end) {
            break;
        }
    }
    if stop.is_some() || pump.is_open() {
        tree.kill(&found);
        drain(pump);
    }
    stop
}

impl Limits {
    fn reason_to_stop(
        self,
        trouble: Option<Trouble>,
        state: State,
        started: Instant,
        last_word: Instant,
    ) -> Option<Stop> {
        let interrupted = || interrupt::pending().map(Stop::Interrupted);
        let timed_out = || {
            self.timeout
                .filter(|limit| started.elapsed() >= *limit)
                .map(Stop::TimedOut)
        };
        let silent = || {
            self.patience
                .filter(|limit| last_word.elapsed() >= *limit)
                .map(Stop::Silent)
        };
        let wants_terminal = || (state == State::WantsTerminal).then_some(Stop::WantsTerminal);
        trouble
            .map(Stop::Trouble)
            .or_else(interrupted)
            .or_else(wants_terminal)
            // A child that has ended was in time, even if something it left behind holds its output open.
            .or_else(|| {
                timed_out()
                    .or_else(silent)
                    .filter(|_| state != State::Exited)
            })
    }
}

/// Takes what is still in the pipes, from whoever may hold them.
fn drain(pump: &mut Pump) {
    let end = Instant::now() + DRAIN;
    while pump.is_open() && Instant::now() < end {
        // There is a graver reason to report already, or none to report at all.
        let _ = pump.turn(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_silence_are_counted_apart() {
        let [short, long] = [1, 60].map(Duration::from_secs);
        let limits = |timeout, patience| Limits {
            timeout: Some(timeout),
            patience: Some(patience),
        };
        let now = Instant::now();
        let earlier = now - long / 2;
        // Whether it is stopped that started half a minute ago, and last said something then.
        let stops = |limits: Limits, last_word| {
            let stop = limits.reason_to_stop(None, State::Running, earlier, last_word);
            stop.map(|stop| stop.error("`sh`", None, b"").to_string())
        };
        assert_eq!(stops(limits(long, short * 20), now), None);
        let said = stops(limits(long, short), earlier);
        assert_eq!(said.unwrap(), "`sh` printed nothing for 1s");
        let said = stops(limits(short, long), now);
        assert_eq!(said.unwrap(), "`sh` did not finish within 1s");
        assert!(
            limits(short, short)
                .reason_to_stop(None, State::Exited, earlier, earlier)
                .is_none()
        );
    }
}
