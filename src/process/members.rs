//! The processes of a child's tree: its descendants, and those that left it but carry its mark.
//!
//! Linux shows its processes in procfs; elsewhere (macOS) ps(1) lists them.

mod entry;
#[cfg(target_os = "linux")]
mod procfs;
#[cfg(any(test, not(target_os = "linux")))]
mod ps;

use rustix::process::{Pid, Signal};

use entry::ProcessEntry;

#[cfg(target_os = "linux")]
use procfs as table;
#[cfg(not(target_os = "linux"))]
use ps as table;

pub(super) use table::MARKS_ARE_SHOWN;

/// Processes that were found alive.
#[derive(Debug, Default)]
pub(super) struct Members(Vec<table::Process>);

impl Members {
    /// Everything whose environment has an entry that begins with `mark`, everything below that or `leader`, and the group that
    /// `leader` leads, if it does: a daemon has lost its parent, a process in a container has lost its environment.
    pub(super) fn find(leader: Option<Pid>, mark: &str) -> Self {
        Self(tree(table::processes(), leader, mark))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends `signal` to those that are still there.
    pub(super) fn signal(&self, signal: Signal) {
        table::signal(&self.0, signal);
    }
}

fn tree<P: ProcessEntry>(mut others: Vec<P>, leader: Option<Pid>, mark: &str) -> Vec<P> {
    let leader = leader.map(Pid::as_raw_pid);
    let mut ids: Vec<_> = leader.into_iter().collect();
    let mut members = Vec::new();
    loop {
        let belongs = |process: &mut P| {
            [process.id(), process.group()].map(Some).contains(&leader)
                || ids.contains(&process.parent())
                || process.has_mark(mark)
        };
        let found: Vec<_> = others.extract_if(.., belongs).collect();
        if found.is_empty() {
            return members;
        }
        ids.extend(found.iter().map(P::id));
        members.extend(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        process::{Child, Command, Stdio},
        thread::sleep,
        time::{Duration, Instant},
    };

    /// A shell in a group of its own, whose child waits, and whose daemon has another parent by the time this returns.
    fn started(mark: &str) -> Child {
        use std::os::unix::process::CommandExt as _;
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "(sleep 66.25 & :); : >{}; sleep 66.25; :",
            dir.path().join("ready").display()
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .env("FLOTA_TEST_TREE", mark)
            .process_group(0)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while !dir.path().join("ready").exists() {
            assert!(Instant::now() < end, "the shell does nothing");
            sleep(Duration::from_millis(5));
        }
        child
    }

    /// What holds for a table: the tree is found whole by its leader and its group, and where the system shows environments, by
    /// its mark; and it is ended.
    fn holds<P: ProcessEntry>(processes: fn() -> Vec<P>, signal: fn(&[P], Signal), marks: bool) {
        let mark = format!("{}.{:p}/", std::process::id(), processes);
        let mut child = started(&mark);
        let leader = Pid::from_child(&child);
        let nothing = "FLOTA_TEST_TREE=none";
        let marked = format!("FLOTA_TEST_TREE={mark}");
        let end = Instant::now() + Duration::from_secs(60);
        // The shell's own child may be about to start.
        let by_leader = loop {
            let found = tree(processes(), Some(leader), nothing);
            if found.len() == 3 || Instant::now() > end {
                break found;
            }
        };
        let ids = |found: &[P]| {
            let mut ids: Vec<_> = found.iter().map(P::id).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(by_leader.len(), 3);
        assert!(ids(&by_leader).contains(&leader.as_raw_pid()));
        assert!(tree(processes(), None, nothing).is_empty());
        if marks {
            assert_eq!(ids(&tree(processes(), None, &marked)), ids(&by_leader));
        }

        signal(&by_leader, Signal::KILL);
        while !tree(processes(), Some(leader), &marked).is_empty() {
            assert!(Instant::now() < end, "somebody outlives SIGKILL");
            sleep(Duration::from_millis(5));
        }
        child.wait().unwrap();
        // Nobody is there to take it.
        signal(&by_leader, Signal::KILL);
    }

    #[test]
    fn a_tree_is_found_in_the_systems_own_table() {
        holds(table::processes, table::signal, MARKS_ARE_SHOWN);
    }

    #[test]
    fn a_tree_is_found_by_ps() {
        holds(ps::processes, ps::signal, ps::MARKS_ARE_SHOWN);
    }
}
