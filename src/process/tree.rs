//! A child and everything it started, to be stopped together.

use std::{
    ffi::OsString,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use super::members::Members;
use crate::{interrupt, model::exit::Exit};

/// The variable that marks a child's descendants: those that left its process group (setsid(2), daemons) are found by it.
pub(super) const MARK: &str = "FLOTA_PROCESS_TREE";

/// The longest that a signal of the terminal takes to reach flota once a child in its group has ended by it.
const SIGNAL_LAG: Duration = Duration::from_secs(1);

/// The trees that are running, for [`kill_all`].
static RUNNING: Mutex<Vec<Tree>> = Mutex::new(Vec::new());

/// What the leader of a tree is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    /// Stopped by the kernel for using a terminal that belongs to another process group (SIGTTIN, SIGTTOU).
    WantsTerminal,
    Exited,
}

/// A running child, the leader of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    leader: Pid,
    own_group: bool,
    mark: String,
}

/// A fresh value for [`MARK`], below the one this process was itself started with: a flota that a flota starts belongs
/// to the outer one's tree.
pub(super) fn new_mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let is_mark = |mark: &String| {
        mark.bytes()
            .all(|b| b.is_ascii_digit() || b"./".contains(&b))
    };
    let outer = std::env::var_os(MARK)
        .and_then(|mark| OsString::into_string(mark).ok())
        .filter(is_mark);
    format!(
        "{}{}.{count}/",
        outer.unwrap_or_default(),
        std::process::id()
    )
}

/// SIGKILL to every tree that is running: for the second Ctrl-C.
pub fn kill_all() {
    // The lock is held throughout: no leader is reaped meanwhile, so no process id can have gone to another program.
    for tree in running().iter() {
        tree.kill(&Members::default());
    }
}

fn running() -> std::sync::MutexGuard<'static, Vec<Tree>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a tree among the running ones until it is dropped, which must be before its leader is reaped.
pub(super) struct Enrolled(Tree);

impl Drop for Enrolled {
    fn drop(&mut self) {
        running().retain(|tree| *tree != self.0);
    }
}

impl Tree {
    /// The tree below `child`, which was started with `mark` in its environment.
    pub(super) fn new(child: &std::process::Child, own_group: bool, mark: &str) -> Self {
        Self {
            leader: Pid::from_child(child),
            own_group,
            mark: mark.to_owned(),
        }
    }

    /// The child itself.
    pub(super) fn leader(&self) -> Pid {
        self.leader
    }

    pub(super) fn enrol(&self) -> Enrolled {
        running().push(self.clone());
        Enrolled(self.clone())
    }

    /// Looks at the leader without reaping it: as long as it is not reaped, its id and its group's belong to nobody else.
    pub(super) fn state(&self) -> State {
        let options = WaitIdOptions::EXITED
            | WaitIdOptions::STOPPED
            | WaitIdOptions::NOHANG
            | WaitIdOptions::NOWAIT;
        let terminal = [Signal::TTIN, Signal::TTOU].map(|signal| Some(signal.as_raw()));
        match waitid(WaitId::Pid(self.leader), options) {
            Ok(None) | Err(rustix::io::Errno::INTR) => State::Running,
            // In flota's own group the child may use the terminal; if it is stopped, so is flota (Ctrl-Z).
            Ok(Some(status)) if status.stopped() => {
                match self.own_group && terminal.contains(&status.stopping_signal()) {
                    true => State::WantsTerminal,
                    false => State::Running,
                }
            }
            Ok(Some(_)) | Err(_) => State::Exited,
        }
    }

    /// The signal that ended a child in flota's own group, if flota got it as well: the terminal sends Ctrl-C to the whole group, and
    /// the child may end before flota looks.
    pub(super) fn ended_with_flota(&self, status: ExitStatus) -> Option<Exit> {
        let of_terminal = [Signal::INT, Signal::HUP].map(Signal::as_raw);
        // A shell says so of what it ran (POSIX, `2.8.2 Exit Status for Commands`: above 128).
        let signal = status.signal().or(status.code().map(|code| code - 128));
        if self.own_group || !signal.is_some_and(|signal| of_terminal.contains(&signal)) {
            return None;
        }
        interrupt::pause(SIGNAL_LAG);
        interrupt::pending()
    }

    /// SIGTERM, and SIGCONT for those that are stopped and could not act on it; gives those that were found, for
    /// [`Tree::kill`]: when their parents have ended, nothing else leads to them.
    pub(super) fn terminate(&self) -> Members {
        let members = self.members();
        for signal in [Signal::TERM, Signal::CONT] {
            self.signal(&members, signal);
        }
        members
    }

    /// SIGKILL, until nobody is left who could start another process.
    pub(super) fn kill(&self, found_before: &Members) {
        // Bounded, in case something starts processes faster than they can be found.
        for _ in 0..50 {
            let members = self.members();
            self.signal(&members, Signal::KILL);
            if members.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        found_before.signal(Signal::KILL);
    }

    /// Whether nobody of the tree is known to be alive.
    pub(super) fn is_gone(&self) -> bool {
        self.state() == State::Exited && self.members().is_empty()
    }

    fn members(&self) -> Members {
        Members::find(Some(self.leader), &format!("{MARK}={}", self.mark))
    }

    /// Signals the group as a whole, which misses nobody that it is just getting, and those who left it.
    fn signal(&self, members: &Members, signal: Signal) {
        // Errors mean that there is nobody left to signal.
        let _ = match self.own_group {
            true => kill_process_group(self.leader, signal),
            false => kill_process(self.leader, signal),
        };
        members.signal(signal);
    }
}
