//! A child process to start: its input, its limits, and how its output is read.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use super::{
    capture::Capture,
    filter::TextFilter,
    lookup::find,
    output::Output,
    pump::{Input, Pump, Trouble},
    supervise::{Limits, Stop, supervise},
    trace,
    tree::{self, Tree},
    variables::{NO_PROMPTS, REPOSITORY_VARIABLES},
    watchdog,
};
use crate::{
    interrupt,
    model::error::{Error, Result},
};

/// A child to start, and how to treat it.
#[derive(Clone, Debug)]
#[must_use = "nothing starts before `run`"]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: Vec<(OsString, Option<OsString>)>,
    inherits: Option<fn(&str) -> bool>,
    input: Option<Vec<u8>>,
    limits: Limits,
    stdout_limit: Option<usize>,
    log: Option<PathBuf>,
    filter: Option<TextFilter>,
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
            inherits: None,
            input: None,
            limits: Limits::default(),
            stdout_limit: None,
            log: None,
            filter: None,
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

    /// Leaves the child only those of flota's variables whose names `inherits` takes: the others may hold secrets.
    pub fn inherit_only(mut self, inherits: fn(&str) -> bool) -> Self {
        self.inherits = Some(inherits);
        self
    }

    /// What the child reads on standard input; without it, it reads from `/dev/null`.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Stops the child's tree after this time: SIGTERM, and SIGKILL 2 seconds later.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = Some(timeout);
        self
    }

    /// Stops the child's tree as [`Command::timeout`] does once it has printed nothing for this long: for a program that
    /// reports its progress, and may be given as much time as it makes some.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.limits.patience = Some(patience);
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

    /// Lets the child's text go through `rewrite`, read by read as it comes: what that gives is kept, masked and logged in its place.
    /// For a program that speaks to programs.
    pub fn text_through(mut self, rewrite: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        self.filter = Some(TextFilter::new(rewrite));
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
            return Err(self.stopped(&Stop::Interrupted(exit), &[]));
        }
        let program = find(&self.program)?;
        self.check.map_or(Ok(()), |check| check())?;
        let started = Instant::now();
        let capture = Capture::new(self.log.as_deref(), self.filter.clone())
            .map_err(|error| self.stopped(&Stop::Trouble(Trouble::Log(error)), &[]))?;
        let mark = tree::new_mark();
        let guarded = watchdog::guard(&mark);
        let (mut child, tree, mut pump) =
            self.spawn(&program, capture, &mark).map_err(|error| {
                Error::unavailable(format!("cannot start {}", program.display())).because(error)
            })?;
        guarded.led_by(tree.leader());
        let enrolled = tree.enrol();
        let stop = supervise(self.limits, &tree, &mut pump, started);
        drop((enrolled, guarded));
        let status = child.wait().map_err(|error| {
            Error::unavailable(format!("lost track of {}", self.name())).because(error)
        })?;
        trace::ended(
            &self.program,
            &self.args,
            self.dir.as_deref(),
            status,
            started.elapsed(),
        );
        let (text, logged) = pump.capture.finish();
        let log_trouble = || logged.err().map(|error| Stop::Trouble(Trouble::Log(error)));
        let with_flota = || tree.ended_with_flota(status).map(Stop::Interrupted);
        match stop.or_else(log_trouble).or_else(with_flota) {
            Some(stop) => Err(self.stopped(&stop, &text)),
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
        if let Some(inherits) = self.inherits {
            let all = std::env::vars_os();
            let kept = all.filter(|(name, _)| name.to_str().is_some_and(inherits));
            command.env_clear().envs(kept);
        }
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

    fn stopped(&self, stop: &Stop, text: &[u8]) -> Error {
        stop.error(&self.name(), self.log.as_deref(), text)
    }

    /// The program and, where there is one, its subcommand: never an argument's value, which may be private.
    pub(super) fn name(&self) -> String {
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
