//! A second process that stops the children of a flota that was killed.
//!
//! SIGKILL, by hand or by a kernel short of memory, leaves no time to stop children, and a git whose server is silent waits
//! for ever. The kernel's own means (`PR_SET_PDEATHSIG` of prctl(2)) reaches a child, and not the ssh that this one started.
//! So flota starts itself once more before its first child, and says through a pipe which trees are running. The pipe ends
//! with flota, however that ends; of the trees that are running then, the watchdog finds the members by their mark, and where the
//! system does not show all marks, by the process group of their leader.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    io::{self, BufRead as _, PipeWriter, Write as _},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal};

use super::{
    members::{MARKS_ARE_SHOWN, Members},
    times::{GRACE, TICK},
    tree::MARK,
};

/// The one argument of the process: no user's.
const ARGUMENT: &str = "--watchdog-of-children";

/// Whether this process is a flota, which can be started again as a watchdog.
static ENABLED: AtomicBool = AtomicBool::new(false);

/// Where the watchdog reads; none when it could not be started.
static PIPE: OnceLock<Option<PipeWriter>> = OnceLock::new();

/// From now on, children are watched over.
pub fn enable() {
    ENABLED.store(true, Ordering::Relaxed);
}

/// Whether these arguments, the program's name before them, start a watchdog.
pub fn is_meant(args: &[OsString]) -> bool {
    matches!(args, [_, only] if only == ARGUMENT)
}

/// Watches until flota ends, and ends its trees.
pub fn watch() {
    let mut running = HashMap::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", tree)) => {
                let (mark, leader) = tree.split_once(' ').unwrap_or((tree, ""));
                running.insert(mark.to_owned(), leader.parse().ok().and_then(Pid::from_raw));
            }
            Some(("-", mark)) => {
                running.remove(mark);
            }
            _ => {}
        }
    }
    let trees: Vec<_> = running
        .into_iter()
        .map(|(mark, leader)| (leader, format!("{MARK}={mark}")))
        .collect();
    let members = || {
        let trees = trees.iter();
        trees.map(|(leader, mark)| Members::find(*leader, mark))
    };
    let signal = |signal| members().for_each(|members| members.signal(signal));
    let is_over = || members().all(|members| members.is_empty());

    signal(Signal::TERM);
    signal(Signal::CONT);
    let killed_from = Instant::now() + GRACE;
    // Bounded, as for a flota that lives.
    let given_up_from = killed_from + GRACE;
    while !is_over() && Instant::now() < given_up_from {
        if Instant::now() >= killed_from {
            signal(Signal::KILL);
        }
        thread::sleep(TICK);
    }
}

/// A tree that the watchdog ends unless this is dropped first.
pub(super) struct Guarded<'a>(&'a str);

/// Guards the tree with this mark, which is about to be started.
pub(super) fn guard(mark: &str) -> Guarded<'_> {
    tell(&format!("+{mark}"));
    Guarded(mark)
}

impl Guarded<'_> {
    /// Says who leads the tree now; to be dropped before that process is reaped, after which its id may be another's.
    pub(super) fn led_by(&self, leader: Pid) {
        // A mark that is always seen needs no id beside it.
        if !MARKS_ARE_SHOWN {
            tell(&format!("+{} {}", self.0, leader.as_raw_pid()));
        }
    }
}

impl Drop for Guarded<'_> {
    fn drop(&mut self) {
        tell(&format!("-{}", self.0));
    }
}

/// Without a watchdog nothing is worse than it was; a line is short enough to be written whole (pipe(7), `PIPE_BUF`).
fn tell(line: &str) {
    if ENABLED.load(Ordering::Relaxed)
        && let Some(mut pipe) = PIPE.get_or_init(|| start().ok()).as_ref()
    {
        let _ = pipe.write_all(format!("{line}\n").as_bytes());
    }
}

/// Starts it out of reach of the terminal's signals; it holds nothing open that anybody might wait for.
fn start() -> io::Result<PipeWriter> {
    let (reader, writer) = io::pipe()?;
    Command::new(program()?)
        .arg0("flota")
        .arg(ARGUMENT)
        .current_dir("/")
        .process_group(0)
        .stdin(reader)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(writer)
}

/// On Linux this very program, also where its file was replaced meanwhile.
fn program() -> io::Result<PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok("/proc/self/exe".into()),
        false => env::current_exe(),
    }
}
