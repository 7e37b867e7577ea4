//! The one place that starts children: git, docker, helm, a user's own command.
//!
//! A child gets no shell, no terminal it was not promised, and none of the variables that point at a repository. It may
//! print without end, ignore SIGTERM or leave daemons behind: memory stays bounded, and when its time is up, or flota is
//! interrupted or killed, its whole tree is stopped.

mod capture;
mod lookup;
mod mask;
mod members;
mod pump;
mod trace;
mod tree;
pub mod watchdog;

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::{
    interrupt,
    model::{
        error::{Error, Result},
        exit::Exit,
    },
};

use capture::Capture;
pub use lookup::{find, find_all};
pub use mask::{mask_secret, masked};
use members::Members;
use pump::{Input, Pump, Trouble};
pub use tree::kill_all;
use tree::{State, Tree};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long the output of a child that has ended may be held open by what it left behind (an ssh connection master).
const LINGER: Duration = Duration::from_millis(500);
/// How long output may take to arrive once everybody was killed.
const DRAIN: Duration = Duration::from_millis(100);
/// The longest wait between two looks at the clock, the child and [`interrupt::pending`].
const TICK: Duration = Duration::from_millis(20);
/// The same once the pipes are closed: then nothing but the clock wakes flota, and the child is about to end.
const SOON: Duration = Duration::from_millis(2);

/// What `git rev-parse --local-env-vars` names, from git 2.38 (the last with `GIT_INTERNAL_SUPER_PREFIX` is 2.39) to 2.55, but
/// for `GIT_CONFIG_COUNT` and `GIT_CONFIG_PARAMETERS`, which are the user's configuration; and `GIT_NAMESPACE`, which points at
/// a part of a repository.
const REPOSITORY_VARIABLES: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Starts flota anew, with `args`, without the variables that point at a repository, if any is set: what it opens is what lies
/// in its working directory, and the library that reads it follows some of them (`GIT_INDEX_FILE`).
///
/// # Errors
/// Unavailable: it cannot be started.
pub fn shed_repository_variables(args: &[OsString]) -> Result<()> {
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    if !REPOSITORY_VARIABLES.iter().any(is_set) {
        return Ok(());
    }
    let cannot = |err| {
        Error::unavailable("cannot start flota without the variables that point at a repository")
            .because(err)
            .hint("unset them: unset $(git rev-parse --local-env-vars)")
    };
    let mut again = std::process::Command::new(std::env::current_exe().map_err(cannot)?);
    again.args(args.iter().skip(1));
    for name in REPOSITORY_VARIABLES {
        again.env_remove(name);
    }
    // Returns only where it fails.
    Err(cannot(again.exec()))
}

/// Makes git, and the credential manager it may call, fail where they would ask (git(1), Git Credential Manager's
/// `GCM_INTERACTIVE`).
const NO_PROMPTS: [(&str, &str); 2] = [("GIT_TERMINAL_PROMPT", "0"), ("GCM_INTERACTIVE", "never")];

/// A child to start, and how to treat it.
#[derive(Clone, Debug)]
#[must_use = "nothing starts before `run`"]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: Vec<(OsString, Option<OsString>)>,
    input: Option<Vec<u8>>,
    timeout: Option<Duration>,
    patience: Option<Duration>,
    stdout_limit: Option<usize>,
    log: Option<PathBuf>,
    may_prompt: bool,
    check: Option<fn() -> Result<()>>,
}

impl Command {
    /// `program` is a name to look up on `PATH`, as [`find`] does, or an absolute path.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            dir: None,
            env: Vec::new(),
            input: None,
            timeout: None,
            patience: None,
            stdout_limit: None,
            log: None,
            may_prompt: false,
            check: None,
        }
    }

    /// Starts the child only where `check` is content with the program that is there.
    pub fn only_after(mut self, check: fn() -> Result<()>) -> Self {
        self.check = Some(check);
        self
    }

    /// Adds an argument. Secrets do not belong here: every user of the machine can read them.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts the child in `dir` instead of flota's own working directory.
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets a variable of the child's environment, also one that flota removes by default.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a variable from the child's environment.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// What the child reads on standard input; without it, it reads from `/dev/null`.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Stops the child's tree after this time: SIGTERM, and SIGKILL 2 seconds later.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Stops the child's tree as [`Command::timeout`] does once it has printed nothing for this long: for a program that
    /// reports its progress, and may be given as much time as it makes some.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Reads standard output as data, whole and unmasked, into [`Output::stdout`]; more than `limit` bytes are an error.
    /// Without it, standard output goes into [`Output::text`] with standard error, in the order they were written.
    pub fn stdout_as_data(mut self, limit: usize) -> Self {
        self.stdout_limit = Some(limit);
        self
    }

    /// Appends all of the child's text to this file, as it comes.
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// Lets the child ask on the terminal (a password, a host key) if standard input is one. It then stays in flota's
    /// process group, since the terminal belongs to that: for one child at a time.
    pub fn may_prompt(mut self) -> Self {
        self.may_prompt = true;
        self
    }

    /// Starts the child and waits for its end. A child that ends with a failure is a result too: see [`Output::check`].
    ///
    /// # Errors
    /// - Unavailable: no such program, it cannot be started, the log cannot be written, it waits for a terminal.
    /// - What the check of [`Command::only_after`] says.
    /// - Work: its time is up, it was silent for too long, or its data went beyond the limit.
    /// - The code of the signal, when flota is interrupted: before the start, or while the child runs.
    pub fn run(&self) -> Result<Output> {
        if let Some(exit) = interrupt::pending() {
            return Err(self.stopped_error(&Stop::Interrupted(exit), &[]));
        }
        let program = find(&self.program)?;
        self.check.map_or(Ok(()), |check| check())?;
        let started = Instant::now();
        let capture = Capture::new(self.log.as_deref())
            .map_err(|error| self.stopped_error(&Stop::Trouble(Trouble::Log(error)), &[]))?;
        let mark = tree::new_mark();
        let _guarded = watchdog::guard(&mark);
        let (mut child, tree, mut pump) =
            self.spawn(&program, capture, &mark).map_err(|error| {
                Error::unavailable(format!("cannot start {}", program.display())).because(error)
            })?;
        let enrolled = tree.enrol();
        let stop = self.supervise(&tree, &mut pump, started);
        drop(enrolled);
        let status = child.wait().map_err(|error| {
            Error::unavailable(format!("lost track of {}", self.name())).because(error)
        })?;
        trace::ended(self, status, started.elapsed());
        let (text, logged) = pump.capture.finish();
        let log_trouble = || logged.err().map(|error| Stop::Trouble(Trouble::Log(error)));
        match stop.or_else(log_trouble) {
            Some(stop) => Err(self.stopped_error(&stop, &text)),
            None => Ok(Output {
                status,
                stdout: pump.stdout,
                text,
                duration: started.elapsed(),
            }),
        }
    }

    fn spawn(
        &self,
        program: &Path,
        capture: Capture,
        mark: &str,
    ) -> io::Result<(Child, Tree, Pump)> {
        let prompts = self.may_prompt && io::stdin().is_terminal();
        let (text, text_end) = io::pipe()?;
        let (data, stdout) = match self.stdout_limit {
            Some(_) => io::pipe().map(|(data, end)| (Some(data), end))?,
            None => (None, text_end.try_clone()?),
        };
        let (stdin, input) = match &self.input {
            Some(bytes) => {
                let (end, pipe) = io::pipe()?;
                (Stdio::from(end), Some(Input::new(pipe, bytes.clone())?))
            }
            None => (Stdio::null(), None),
        };

        let mut command = std::process::Command::new(program);
        command
            .args(&self.args)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(text_end);
        for name in REPOSITORY_VARIABLES {
            command.env_remove(name);
        }
        if !prompts {
            command.envs(NO_PROMPTS).process_group(0);
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env(tree::MARK, mark);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        let child = command.spawn()?;
        let tree = Tree::new(&child, !prompts, mark);
        let pump = Pump {
            input,
            text: Some(text),
            data,
            capture,
            stdout: Vec::new(),
            stdout_limit: self.stdout_limit.unwrap_or_default(),
            last_word: Instant::now(),
        };
        // `command` ends here and with it flota's copies of the child's ends: the pipes end when the child's side does.
        Ok((child, tree, pump))
    }

    /// Serves the pipes until the child has ended and they are closed, or there is a reason to stop the tree.
    fn supervise(&self, tree: &Tree, pump: &mut Pump, started: Instant) -> Option<Stop> {
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
                stop = self.reason_to_stop(trouble, state, started, pump.last_word);
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

    fn reason_to_stop(
        &self,
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

    fn stopped_error(&self, stop: &Stop, text: &[u8]) -> Error {
        let name = self.name();
        let error = match stop {
            Stop::Interrupted(exit) => return Error::new(*exit, format!("{name} was interrupted")),
            Stop::Trouble(Trouble::Log(error)) => {
                let log = self.log.as_deref().unwrap_or(Path::new("the log"));
                return Error::unavailable(format!("cannot write {}: {error}", log.display()));
            }
            Stop::Trouble(Trouble::TooMuch) => {
                let limit = self.stdout_limit.unwrap_or_default();
                Error::work(format!("{name} printed more than {limit} bytes"))
            }
            Stop::TimedOut(limit) => Error::work(format!("{name} did not finish within {limit:?}")),
            Stop::Silent(limit) => Error::work(format!("{name} said nothing for {limit:?}")),
            Stop::WantsTerminal => Error::unavailable(format!("{name} asks for something on the terminal"))
                .hint("log in beforehand: `ssh-add` for SSH keys, a credential helper for HTTPS (`git help credentials`)"),
        };
        match last_lines(text) {
            lines if lines.is_empty() => error,
            lines => error.because(lines),
        }
    }

    /// The program and, where there is one, its subcommand: never an argument's value, which may be private.
    fn name(&self) -> String {
        let program = Path::new(&self.program)
            .file_name()
            .unwrap_or(&self.program);
        let is_word = |arg: &&OsString| {
            arg.to_str()
                .is_some_and(|arg| arg.bytes().all(|b| b.is_ascii_lowercase()))
        };
        match self.args.first().filter(is_word) {
            Some(subcommand) => format!("`{} {}`", program.display(), subcommand.display()),
            None => format!("`{}`", program.display()),
        }
    }
}

/// Why a tree is stopped before its end.
#[derive(Debug)]
enum Stop {
    Interrupted(Exit),
    TimedOut(Duration),
    Silent(Duration),
    Trouble(Trouble),
    WantsTerminal,
}

/// Takes what is still in the pipes, from whoever may hold them.
fn drain(pump: &mut Pump) {
    let end = Instant::now() + DRAIN;
    while pump.is_open() && Instant::now() < end {
        // There is a graver reason to report already, or none to report at all.
        let _ = pump.turn(TICK);
    }
}

/// What a child left behind when it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, when it was read as data; else empty.
    pub stdout: Vec<u8>,
    /// What it said, as bytes, with known secrets masked: standard error, and standard output unless that was read as
    /// data. Of very long text the first 64 KiB and the last MiB.
    pub text: Vec<u8>,
    /// From its start to its end.
    pub duration: Duration,
}

impl Output {
    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The output if the child succeeded.
    ///
    /// # Errors
    /// `error` otherwise, with the child's status and last lines as its cause.
    pub fn check(self, error: impl FnOnce() -> Error) -> Result<Self> {
        if self.success() {
            return Ok(self);
        }
        let lines = last_lines(&self.text);
        Err(error().because(match lines.is_empty() {
            true => self.status.to_string(),
            false => format!("{}\n{lines}", self.status),
        }))
    }
}

/// The end of a text as a cause to show: at most 20 lines and 4 KiB.
fn last_lines(text: &[u8]) -> String {
    let text = text.trim_ascii();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4 << 10)..]);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests;
