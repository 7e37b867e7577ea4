//! flota on a terminal, which script(1) makes, and somebody who answers its questions.

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::sandbox::Sandbox;

/// How long a question may be in coming.
const SOON_ENOUGH: Duration = Duration::from_secs(60);

/// A run of flota that has not ended.
pub struct Terminal {
    script: Child,
    keyboard: ChildStdin,
    shown: Arc<Mutex<String>>,
    /// How much of it was looked at.
    seen: usize,
}

impl Terminal {
    /// Starts flota in `dir`, with more variables.
    pub fn start(sandbox: &Sandbox, dir: &str, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let words = [env!("CARGO_BIN_EXE_flota")];
        let words = words.iter().chain(args);
        let command = format!("exec {}", words.copied().collect::<Vec<_>>().join(" "));
        let typescript = sandbox.path("typescript").display().to_string();
        let mut script = sandbox.program("script", dir);
        script.args(["--quiet", "--return", "--command", &command, &typescript]);
        script.env("SHELL", "/bin/sh").env("TERM", "xterm");
        script.envs(variables.iter().copied());
        let piped = script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = piped.spawn().unwrap();
        let keyboard = script.stdin.take().unwrap();
        let mut screen = script.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let onto = shown.clone();
        thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut some) {
                let text = String::from_utf8_lossy(&some[..length]).into_owned();
                onto.lock().unwrap().push_str(&text);
            }
        });
        Self {
            script,
            keyboard,
            shown,
            seen: 0,
        }
    }

    /// Waits for `question`, and types `keys`.
    pub fn answer(&mut self, question: &str, keys: &str) {
        let end = Instant::now() + SOON_ENOUGH;
        loop {
            let shown = self.shown.lock().unwrap().clone();
            if let Some(at) = shown[self.seen..].find(question) {
                self.seen += at + question.len();
                break;
            }
            assert!(Instant::now() < end, "no `{question}`: {shown}");
            thread::sleep(Duration::from_millis(20));
        }
        // Whoever asks says so, and only then throws away what was typed too early.
        thread::sleep(Duration::from_millis(100));
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// The exit code, and all that was shown.
    pub fn end(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + SOON_ENOUGH;
        let status = loop {
            if let Some(status) = self.script.try_wait().unwrap() {
                break status;
            }
            let shown = self.shown.lock().unwrap().clone();
            assert!(Instant::now() < end, "it does not end: {shown}");
            thread::sleep(Duration::from_millis(20));
        };
        // What it showed last may still be on its way.
        thread::sleep(Duration::from_millis(100));
        let shown = self.shown.lock().unwrap().clone();
        (status.code(), shown)
    }
}
