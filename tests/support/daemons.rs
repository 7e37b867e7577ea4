//! Git's servers besides HTTP: `git daemon`, and sshd with keys that nobody else has. Each ends with its value.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A running server.
pub struct Daemon {
    process: Child,
    port: u16,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Daemon {
    /// `git daemon` for everything below `root`, started by what `prepare` makes of it.
    pub fn of_git(root: &Path, prepare: impl FnOnce(Command) -> Command) -> Self {
        let port = free_port();
        let mut server = prepare(Command::new(git_daemon()));
        server
            .args(["--export-all", "--reuseaddr", "--listen=127.0.0.1"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", root.display()));
        Self::start(server, port)
    }

    /// Its URL, of the daemon that is git's.
    pub fn url(&self) -> String {
        format!("git://127.0.0.1:{}", self.port)
    }

    /// It listens when this returns.
    fn start(mut server: Command, port: u16) -> Self {
        server.stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Self {
            process: server.spawn().unwrap(),
            port,
        };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{server:?} does not start"
            );
            thread::sleep(Duration::from_millis(20));
        }
        daemon
    }
}

/// An sshd that lets in whoever runs the test, as the host `shop`; and how to call ssh so that it knows the way.
pub struct Sshd {
    daemon: Daemon,
    /// For `GIT_SSH_COMMAND`.
    pub command: String,
}

impl Sshd {
    /// With its keys and files in `folder`; none where there is no sshd, or none that may be started.
    pub fn start(folder: &Path) -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
            .map(PathBuf::from)
            .into_iter()
            .find(|program| program.is_file())?;
        fs::create_dir(folder).unwrap();
        for key in ["host", "user"] {
            let mut generate = Command::new("ssh-keygen");
            generate.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
            let made = generate.arg(folder.join(key)).status().ok()?;
            made.success().then_some(())?;
        }
        let port = free_port();
        let path = |name: &str| folder.join(name).display().to_string();
        let search_path = std::env::var("PATH").unwrap_or_default();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             AcceptEnv GIT_PROTOCOL\nMaxStartups 100\n\
             SetEnv \"PATH={search_path}\" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1\n",
            path("host"),
            path("user.pub"),
        );
        fs::write(folder.join("sshd_config"), config).unwrap();
        let host_key = fs::read_to_string(folder.join("host.pub")).unwrap();
        fs::write(folder.join("known_hosts"), format!("shop {host_key}")).unwrap();
        let config = format!(
            "Host shop\n  HostName 127.0.0.1\n  Port {port}\n  HostKeyAlias shop\n  IdentityFile {}\n  IdentityAgent none\n  \
             IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  BatchMode yes\n",
            path("user"),
            path("known_hosts"),
        );
        fs::write(folder.join("config"), config).unwrap();

        let with_config = || {
            let mut server = Command::new(&program);
            server.arg("-f").arg(folder.join("sshd_config"));
            server
        };
        // As root it wants /run/sshd to be there.
        let checked = with_config().arg("-t").stderr(Stdio::null()).status();
        checked.is_ok_and(|status| status.success()).then_some(())?;
        let mut server = with_config();
        server.args(["-D", "-e"]);
        Some(Self {
            daemon: Daemon::start(server, port),
            command: format!("ssh -F {}", path("config")),
        })
    }

    /// Its port, for URLs that name one.
    pub fn port(&self) -> u16 {
        self.daemon.port
    }
}

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The server itself: `git daemon` runs it as a child, which outlives a `git` that is killed.
fn git_daemon() -> PathBuf {
    let folder = Command::new("git").arg("--exec-path").output().unwrap();
    assert!(folder.status.success());
    let folder = String::from_utf8(folder.stdout).unwrap();
    Path::new(folder.trim_end()).join("git-daemon")
}
