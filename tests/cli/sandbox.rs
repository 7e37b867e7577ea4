//! A place of its own for each test: fixed home, names and dates, no configuration of the user's, no network.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use crate::workspace;

/// A temporary folder with a home of its own.
pub struct Sandbox {
    root: tempfile::TempDir,
}

/// What a run of flota left behind.
pub struct Ran {
    /// The exit code; none when a signal ended it.
    pub status: Option<i32>,
    /// Its result.
    pub stdout: Vec<u8>,
    /// Everything else it said.
    pub stderr: String,
    root: String,
}

impl Sandbox {
    /// An empty one.
    pub fn new() -> Self {
        let root = workspace::folder();
        fs::create_dir(root.path().join("home")).unwrap();
        Self { root }
    }

    /// The scripted fleet `fixtures/fleets/NAME.sh`, made anew: `fleet/`, and its submodules' remotes beside it.
    pub fn scripted(name: &str) -> Self {
        Self::by_scripts(&["fleets/lib", &format!("fleets/{name}")])
    }

    /// The fleet `fixtures/fleets/to-clone.sh`, and flota's clone of it: `ours/`.
    pub fn cloned() -> Self {
        let sandbox = Self::scripted("to-clone");
        let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        sandbox
    }

    /// The hostile fleet `fixtures/hostile/NAME.sh`: a bare `fleet/`, and its submodules' remotes beside it.
    pub fn hostile(name: &str) -> Self {
        Self::by_scripts(&["fleets/lib", "hostile/lib", &format!("hostile/{name}")])
    }

    /// What scripts of `fixtures/` leave, read one after the other by one shell.
    fn by_scripts(names: &[&str]) -> Self {
        static GIT: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let git = Command::new("git").arg("version").output();
            git.unwrap().stdout
        });
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let scripts = names.iter().map(|name| fixtures.join(format!("{name}.sh")));
        let scripts: Vec<_> = scripts.collect();
        let mut version = DefaultHasher::new();
        (&*GIT, include_str!("sandbox.rs")).hash(&mut version);
        for script in &scripts {
            fs::read(script).unwrap().hash(&mut version);
        }
        let make = |root: &Path| {
            let mut bash = Command::new("bash");
            bash.args(["-euo", "pipefail", "-c"]);
            bash.args(["for script; do . \"$script\"; done", "bash"]);
            bash.args(&scripts);
            let mut bash = prepare(bash, root, root);
            // Without the examples of hooks: dozens of files in each repository.
            let output = bash.env("GIT_TEMPLATE_DIR", "").output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{names:?}: {said}");
        };
        let sandbox = Self::new();
        let name = names.concat().replace('/', ".");
        workspace::copy_of(&name, version.finish(), make, sandbox.root());
        sandbox
    }

    /// The sandbox's folder.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path in it.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(relative)
    }

    /// flota, in `dir` of the sandbox, run to its end.
    pub fn flota(&self, dir: impl AsRef<Path>, args: &[impl AsRef<OsStr>]) -> Ran {
        self.flota_with(dir, args, |_| {})
    }

    /// The same, with more said about the process: variables, for the most part.
    pub fn flota_with(
        &self,
        dir: impl AsRef<Path>,
        args: &[impl AsRef<OsStr>],
        more: impl FnOnce(&mut Command),
    ) -> Ran {
        let mut command = self.command(dir, args);
        more(&mut command);
        self.ran(command.output().unwrap())
    }

    /// What a process left that was started by other means than these.
    pub fn ran(&self, output: Output) -> Ran {
        Ran {
            status: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            root: self.root.path().display().to_string(),
        }
    }

    /// flota, not yet started: for runs that are not simply waited for.
    pub fn command(&self, dir: impl AsRef<Path>, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flota"));
        command.args(args);
        self.prepare(command, &self.path(dir))
    }

    /// The same, for runs that are sent signals: where tests run in the background of a shell, or under nohup, some are
    /// ignored, and flota leaves them so.
    pub fn interruptible(&self, dir: impl AsRef<Path>, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = self.program("env", dir);
        command
            .args(["--default-signal=INT,HUP", env!("CARGO_BIN_EXE_flota")])
            .args(args);
        command
    }

    /// Another program, not yet started.
    pub fn program(&self, program: &str, dir: impl AsRef<Path>) -> Command {
        self.prepare(Command::new(program), &self.path(dir))
    }

    /// Commits all that was changed in a service's own repository, and moves the fleet's pin to it.
    pub fn commit_and_pin(&self, service: &str, message: &str) {
        self.git(service, &["add", "--all"]);
        self.git(service, &["commit", "--quiet", "--message", message]);
        let linked = format!("fleet/code-repos/{service}");
        self.git(linked, &["pull", "--quiet", "origin", "main"]);
        let moved = format!("--message=Move {service}");
        self.git("fleet", &["commit", "--quiet", "--all", &moved]);
    }

    /// A hook of the repository `git_dir`: a script for sh.
    pub fn hook(&self, git_dir: &str, name: &str, script: &str) {
        let hook = self.path(git_dir).join("hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The commit that `rev` names in the repository `dir`.
    pub fn tip(&self, dir: &str, rev: &str) -> String {
        self.git(dir, &["rev-parse", rev]).trim().to_owned()
    }

    /// git, in `dir` of the sandbox; its output, which it must give.
    pub fn git(&self, dir: impl AsRef<Path>, args: &[&str]) -> String {
        String::from_utf8(self.git_bytes(dir, args)).unwrap()
    }

    /// The same for output that need not be text.
    pub fn git_bytes(&self, dir: impl AsRef<Path>, args: &[&str]) -> Vec<u8> {
        let output = self.git_output(dir, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        output.stdout
    }

    /// git, which may fail.
    pub fn git_output(&self, dir: impl AsRef<Path>, args: &[impl AsRef<OsStr>]) -> Output {
        self.git_with(dir, args, |_| {})
    }

    /// The same, with more said about the process.
    pub fn git_with(
        &self,
        dir: impl AsRef<Path>,
        args: &[impl AsRef<OsStr>],
        more: impl FnOnce(&mut Command),
    ) -> Output {
        let mut command = Command::new("git");
        command.args(args);
        let mut command = self.prepare(command, &self.path(dir));
        more(&mut command);
        command.output().unwrap()
    }

    /// A command of this sandbox's: [`prepare`].
    pub fn prepare(&self, command: Command, dir: &Path) -> Command {
        prepare(command, self.root(), dir)
    }
}

impl Ran {
    /// Exit code, stdout and stderr as one text for a snapshot, the sandbox's folder written `[ROOT]`.
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        match self.status {
            Some(code) => writeln!(text, "exit {code}").unwrap(),
            None => writeln!(text, "ended by a signal").unwrap(),
        }
        for (name, stream) in [("stdout", self.text()), ("stderr", self.stderr.clone())] {
            if !stream.is_empty() {
                write!(text, "── {name}\n{stream}").unwrap();
            }
        }
        text.replace(&self.root, "[ROOT]")
    }

    /// stdout as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// stdout as JSON, of a run that ended well.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.status, Some(0), "{}", self.stderr);
        serde_json::from_slice(&self.stdout).unwrap()
    }
}

/// Nothing of the machine's user, of a CI system or of a surrounding repository gets through.
fn prepare(mut command: Command, root: &Path, dir: &Path) -> Command {
    command.current_dir(dir).env_clear();
    for kept in [
        "PATH",
        "DOCKER_HOST",
        "CONTAINERS_STORAGE_CONF",
        "LD_LIBRARY_PATH",
        "TMPDIR",
    ] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("HOME", root.join("home"))
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "protocol.file.allow")
        .env("GIT_CONFIG_VALUE_0", "always")
        .env("GIT_CONFIG_KEY_1", "init.defaultBranch")
        .env("GIT_CONFIG_VALUE_1", "main")
        .env("GIT_CEILING_DIRECTORIES", root)
        .env("GIT_AUTHOR_NAME", "A U Thor")
        .env("GIT_AUTHOR_EMAIL", "author@example.com")
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_NAME", "C O Mitter")
        .env("GIT_COMMITTER_EMAIL", "committer@example.com")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000");
    command
}
