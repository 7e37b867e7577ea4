//! The processes of a child's tree, found in procfs: its descendants, and those that left it but carry its mark.

use rustix::process::Signal;

/// Processes that were found alive, held so that their ids cannot come to mean others.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
pub(super) struct Members(Vec<std::os::fd::OwnedFd>);

#[cfg(target_os = "linux")]
impl Members {
    /// Everything whose environment has an entry that begins with `mark`, and everything below that or `leader`: a daemon has
    /// lost its parent, a process in a container has lost its environment.
    pub(super) fn find(leader: Option<rustix::process::Pid>, mark: &str) -> Self {
        let mut others: Vec<_> = processes().collect();
        let mut members = Vec::new();
        let leader = leader.map(rustix::process::Pid::as_raw_pid);
        let mut ids: Vec<_> = leader.into_iter().collect();
        loop {
            let belongs = |process: &mut Process| {
                Some(process.id) == leader
                    || ids.contains(&process.parent)
                    || has_mark(process.id, mark.as_bytes())
            };
            let found: Vec<_> = others.extract_if(.., belongs).collect();
            if found.is_empty() {
                return Self(members);
            }
            ids.extend(found.iter().map(|process| process.id));
            members.extend(found.into_iter().map(|process| process.handle));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends `signal` to those that are still there.
    pub(super) fn signal(&self, signal: Signal) {
        for process in &self.0 {
            let _ = rustix::process::pidfd_send_signal(process, signal);
        }
    }
}

#[cfg(target_os = "linux")]
struct Process {
    id: i32,
    parent: i32,
    handle: std::os::fd::OwnedFd,
}

/// Every process that has not ended (proc_pid_stat(5)).
#[cfg(target_os = "linux")]
fn processes() -> impl Iterator<Item = Process> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        // Held before anything is read: what is signalled later is what was looked at.
        let handle = pidfd_open(Pid::from_raw(id)?, PidfdFlags::empty()).ok()?;
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        let (state, parent) = state_and_parent(&stat)?;
        (!matches!(state, "Z" | "X")).then_some(Process { id, parent, handle })
    })
}

/// The two fields behind the name, which is in parentheses and may itself hold parentheses and spaces.
#[cfg(target_os = "linux")]
fn state_and_parent(stat: &[u8]) -> Option<(&str, i32)> {
    let behind = stat.rsplit(|byte| *byte == b')').next()?;
    let mut fields = std::str::from_utf8(behind).ok()?.split_ascii_whitespace();
    Some((fields.next()?, fields.next()?.parse().ok()?))
}

/// Whether a process was started with `mark` in its environment (proc_pid_environ(5)).
#[cfg(target_os = "linux")]
fn has_mark(id: i32, mark: &[u8]) -> bool {
    let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .any(|entry| entry.starts_with(mark))
}

/// Elsewhere the process group has to do.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Default)]
pub(super) struct Members;

#[cfg(not(target_os = "linux"))]
impl Members {
    pub(super) fn find(_leader: Option<rustix::process::Pid>, _mark: &str) -> Self {
        Self
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn signal(&self, _signal: Signal) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pass_for_other_fields() {
        assert_eq!(state_and_parent(b"7 (sh) S 3 7 7 0"), Some(("S", 3)));
        assert_eq!(
            state_and_parent(b"7 (a) Z 1 (b\xff) R 12 7"),
            Some(("R", 12))
        );
        assert_eq!(state_and_parent(b""), None);
        assert_eq!(state_and_parent(b"7 (sh) S"), None);
    }
}
