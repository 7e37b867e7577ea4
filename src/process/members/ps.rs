//! The processes that ps(1) lists, where there is no procfs: macOS.
//!
//! It takes some 10 ms, and is asked only when something is to be stopped. Nothing holds a process here, so before a signal is
//! sent its id is looked up again: it must have started when the one that was found did.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::super::lookup;

/// macOS does not show the environment of its own programs (`sh`, `ssh`): a mark is seen on others alone.
pub(in super::super) const MARKS_ARE_SHOWN: bool = !cfg!(target_os = "macos");

/// Every process, with its environment behind its arguments. macOS has a flag for the environment; the others have BSD's old form.
const ALL: &str = if cfg!(target_os = "macos") {
    "-AEww"
} else {
    "axeww"
};
/// `lstart`, the date and time of the start, is five words.
const COLUMNS: &str = "pid=,ppid=,pgid=,stat=,lstart=,command=";
const WORDS_OF_START: usize = 5;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Process {
    id: i32,
    parent: i32,
    group: i32,
    start: String,
    command_and_environment: String,
}

impl super::entry::ProcessEntry for Process {
    fn id(&self) -> i32 {
        self.id
    }

    fn parent(&self) -> i32 {
        self.parent
    }

    fn group(&self) -> i32 {
        self.group
    }

    fn has_mark(&self, mark: &str) -> bool {
        self.command_and_environment
            .split_ascii_whitespace()
            .any(|word| word.starts_with(mark))
    }
}

/// Every process that has not ended, but for ps itself.
pub(super) fn processes() -> Vec<Process> {
    let Ok(program) = lookup::find("ps") else {
        return Vec::new();
    };
    let child = Command::new(program)
        .args([ALL, "-o", COLUMNS])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        return Vec::new();
    };
    let own = Pid::from_child(&child).as_raw_pid();
    let Ok(output) = child.wait_with_output() else {
        return Vec::new();
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(process)
        .filter(|process| process.id != own)
        .collect()
}

/// Sends `signal` to those that are still there.
pub(super) fn signal(processes: &[Process], signal: Signal) {
    if processes.is_empty() {
        return;
    }
    for process in self::processes() {
        let is_found = |found: &Process| (found.id, &found.start) == (process.id, &process.start);
        if processes.iter().any(is_found)
            && let Some(id) = Pid::from_raw(process.id)
        {
            let _ = kill_process(id, signal);
        }
    }
}

fn process(line: &str) -> Option<Process> {
    let mut words = line.split_ascii_whitespace();
    let mut number = || words.next()?.parse().ok();
    let (id, parent, group) = (number()?, number()?, number()?);
    let state = words.next()?;
    let start: Vec<_> = words.by_ref().take(WORDS_OF_START).collect();
    let command: Vec<_> = words.collect();
    let is_alive = !state.starts_with('Z') && start.len() == WORDS_OF_START;
    is_alive.then(|| Process {
        id,
        parent,
        group,
        start: start.join(" "),
        command_and_environment: command.join(" "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_both_systems_print_them() {
        let macos = "  501     1   501 Ss   Thu Nov 26 09:12:10 2026     /bin/sh -c true FLOTA=1";
        assert_eq!(
            process(macos),
            Some(Process {
                id: 501,
                parent: 1,
                group: 501,
                start: "Thu Nov 26 09:12:10 2026".into(),
                command_and_environment: "/bin/sh -c true FLOTA=1".into(),
            })
        );
        // A process of the kernel has a name alone, and one that has ended is none.
        assert!(process("2 0 0 S Thu Nov  6 17:04:49 2026 [kthreadd]").is_some());
        assert_eq!(process("7 1 7 Z Thu Nov  6 17:04:49 2026 <defunct>"), None);
        for broken in ["", "7", "x 1 7 S a b c d e f", "7 1 7 S Thu Nov"] {
            assert_eq!(process(broken), None, "{broken:?}");
        }
    }
}
