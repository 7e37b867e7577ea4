//! The processes that procfs shows, each held by a pidfd, so that its id cannot come to mean another.

use std::{fs, os::fd::OwnedFd};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A mark is seen on every process of this user that has not set its environment anew.
pub(in super::super) const MARKS_ARE_SHOWN: bool = true;

#[derive(Debug)]
pub(super) struct Process {
    id: i32,
    parent: i32,
    group: i32,
    handle: OwnedFd,
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

    /// Of proc_pid_environ(5).
    fn has_mark(&self, mark: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.id)).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|entry| entry.starts_with(mark.as_bytes()))
    }
}

/// Every process that has not ended (proc_pid_stat(5)).
pub(super) fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let process = |entry: fs::DirEntry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        // Held before anything is read: what is signalled later is what was looked at.
        let handle = pidfd_open(Pid::from_raw(id)?, PidfdFlags::empty()).ok()?;
        let stat = fs::read(entry.path().join("stat")).ok()?;
        let (state, parent, group) = state_parent_and_group(&stat)?;
        (!matches!(state, "Z" | "X")).then_some(Process {
            id,
            parent,
            group,
            handle,
        })
    };
    entries.filter_map(process).collect()
}

/// Sends `signal` to those that are still there.
pub(super) fn signal(processes: &[Process], signal: Signal) {
    for process in processes {
        let _ = pidfd_send_signal(&process.handle, signal);
    }
}

/// The three fields behind the name, which is in parentheses and may itself hold parentheses and spaces.
fn state_parent_and_group(stat: &[u8]) -> Option<(&str, i32, i32)> {
    let behind = stat.rsplit(|byte| *byte == b')').next()?;
    let mut fields = std::str::from_utf8(behind).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse().ok();
    Some((state, number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pass_for_other_fields() {
        assert_eq!(
            state_parent_and_group(b"7 (sh) S 3 7 7 0"),
            Some(("S", 3, 7))
        );
        assert_eq!(
            state_parent_and_group(b"7 (a) Z 1 (b\xff) R 12 7"),
            Some(("R", 12, 7))
        );
        assert_eq!(state_parent_and_group(b""), None);
        assert_eq!(state_parent_and_group(b"7 (sh) S"), None);
    }
}
