//! A `docker-registry` of its own on a loopback port.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// `me` with the password `right-secret`, bcrypt.
const HTPASSWD: &str = "me:$2b$04$FLWFOBGc9tAIgwfq3DlosunVWxeqaQcANWiO2o.hRg8mj9YfSPwmG\n";

/// A running registry; it ends and its files go when this is dropped.
pub struct Server {
    pub address: String,
    process: Child,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    /// A registry that anybody may use; None when the program is not installed (and need not be).
    pub fn open() -> Option<Self> {
        Self::start(false)
    }

    /// A registry that wants user name and password.
    pub fn with_password() -> Option<Self> {
        Self::start(true)
    }

    fn start(password: bool) -> Option<Self> {
        if !is_at_hand("docker-registry", "registry") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let mut config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {:?}}}}}\nhttp: {{addr: {address:?}}}\n",
            path("storage"),
        );
        if password {
            fs::write(path("htpasswd"), HTPASSWD).unwrap();
            config += &format!(
                "auth: {{htpasswd: {{realm: test, path: {:?}}}}}\n",
                path("htpasswd")
            );
        }
        fs::write(path("config.yml"), config).unwrap();
        let log = File::create(path("log")).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(path("config.yml"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self {
            address,
            process,
            log: path("log"),
            _folder: folder,
        };
        server.wait_until(|| TcpStream::connect(&server.address).is_ok());
        Some(server)
    }

    /// How many requests that send something were logged until now. A request for `marker` must have ended the exchange: the
    /// registry logs a connection's requests one after the other.
    pub fn writes_until(&self, marker: &str) -> usize {
        self.wait_until(|| self.log().contains(marker));
        let sends = |line: &&str| line.contains("\"POST /v2/") || line.contains("\"PUT /v2/");
        self.log().lines().filter(sends).count()
    }

    /// What it logged until now.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn wait_until(&self, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(60), "{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether `program` can be run. Where `FLOTA_TEST_REQUIRE` names `need`, its absence fails the test.
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
pub fn is_at_hand(program: &str, need: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    let required = std::env::var("FLOTA_TEST_REQUIRE").unwrap_or_default();
    assert!(
        found || !required.split(',').any(|name| name == need),
        "{program} is required and absent"
    );
    if !found {
        println!("skipped: needs {need}");
    }
    found
}
