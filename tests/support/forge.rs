//! A forge of its own on a loopback port: Gitea as `.ci/forge/forge` builds it, with repositories, pull requests, users, tokens,
//! and an image registry that has logins.

use std::{
    fs::{self, File},
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running forge; it ends and its files go when this is dropped.
pub struct Forge {
    /// `127.0.0.1:PORT`.
    pub address: String,
    process: Child,
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// Somebody who may do everything in repositories and packages of their own.
pub struct User {
    pub name: String,
    /// It stands for the password, too.
    pub token: String,
}

impl Forge {
    /// Starts one; None where `FLOTA_TEST_FORGE` does not name the folder of the program (and need not: `FLOTA_TEST_REQUIRE`).
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    pub fn start() -> Option<Self> {
        let Some(built) = std::env::var_os("FLOTA_TEST_FORGE").map(PathBuf::from) else {
            let required = std::env::var("FLOTA_TEST_REQUIRE").unwrap_or_default();
            let is_required = required.split(',').any(|name| name == "forge");
            assert!(!is_required, "the forge is required: .ci/forge/forge build");
            println!("skipped: needs forge");
            return None;
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("app.ini"),
            settings(&built, &address, folder.path()),
        )
        .unwrap();
        let program = built.join("forge");
        let log = File::create(folder.path().join("log")).unwrap();
        let process = command(&program, folder.path())
            .arg("web")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let forge = Self {
            address,
            process,
            program,
            folder,
        };
        let start = Instant::now();
        let answers = || {
            let version = agent()
                .get(format!("{}/api/v1/version", forge.url()))
                .call();
            version.is_ok_and(|answer| answer.status() == 200)
        };
        while !answers() {
            assert!(start.elapsed() < PATIENCE, "{}", forge.log());
            thread::sleep(Duration::from_millis(50));
        }
        Some(forge)
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a user with a token for everything.
    pub fn user(&self, name: &str) -> User {
        let email = format!("--email={name}@example.com");
        let of = format!("--username={name}");
        // Its own password is of no use.
        self.admin(&[
            "user",
            "create",
            &of,
            &email,
            "--random-password",
            "--must-change-password=false",
        ]);
        let token = self.token(name, "all");
        let name = name.to_owned();
        User { name, token }
    }

    /// A token of the user `name` for `scopes`, as in `read:repository,write:package`.
    pub fn token(&self, name: &str, scopes: &str) -> String {
        let of = format!("--username={name}");
        let for_it = format!("--scopes={scopes}");
        let called = format!("--token-name={scopes}");
        self.admin(&[
            "user",
            "generate-access-token",
            &of,
            &for_it,
            &called,
            "--raw",
        ])
    }

    /// One request to its API: `api(&user.token, "POST", "/user/repos", json!({"name": "web"}))`. Returns the status and the body.
    pub fn api(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.url()))
            .header("Authorization", format!("token {token}"))
            .header("Content-Type", "application/json")
            .body(if body.is_null() {
                String::new()
            } else {
                body.to_string()
            })
            .unwrap();
        let mut answer = agent().run(request).unwrap();
        let mut text = String::new();
        answer
            .body_mut()
            .as_reader()
            .read_to_string(&mut text)
            .unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (answer.status().as_u16(), body)
    }

    /// Where `user` clones from and pushes to, login included.
    pub fn repository(&self, user: &User, path: &str) -> String {
        format!(
            "http://{}:{}@{}/{path}.git",
            user.name, user.token, self.address
        )
    }

    /// What it wrote down.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// What a command of its administrator prints.
    fn admin(&self, args: &[&str]) -> String {
        let output = command(&self.program, self.folder.path())
            .arg("admin")
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        // A warning may come first.
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.lines().last().unwrap_or_default().to_owned()
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program at work in `folder`, with nothing of the user's.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--config")
        .arg(folder.join("app.ini"))
        .arg("--work-path")
        .arg(folder)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("USER", "forge")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        // On loopback alone, for one test, with the rights that the test has anyway.
        .env("GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT", "true")
        .stdin(Stdio::null());
    command
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(Some(Duration::from_secs(60)));
    config.build().new_agent()
}

/// Nothing leaves the machine, and nothing waits for a clock.
fn settings(built: &Path, address: &str, folder: &Path) -> String {
    let (host, port) = address.split_once(':').unwrap();
    let (built, folder) = (built.display(), folder.display());
    format!(
        "RUN_USER =\nRUN_MODE = prod\n\
         [server]\nPROTOCOL = http\nHTTP_ADDR = {host}\nHTTP_PORT = {port}\nROOT_URL = http://{address}/\n\
         STATIC_ROOT_PATH = {built}\nAPP_DATA_PATH = {folder}/data\nDISABLE_SSH = true\nOFFLINE_MODE = true\n\
         LFS_START_SERVER = true\n\
         [database]\nDB_TYPE = sqlite3\nPATH = {folder}/forge.db\n\
         [repository]\nROOT = {folder}/repositories\nDEFAULT_BRANCH = main\n\
         [security]\nINSTALL_LOCK = true\nSECRET_KEY = of-a-test\nPASSWORD_HASH_ALGO = pbkdf2_v1\n\
         [service]\nDISABLE_REGISTRATION = true\n\
         [actions]\nENABLED = false\n\
         [cron]\nENABLED = false\n\
         [log]\nMODE = console\nLEVEL = Info\nROOT_PATH = {folder}\n\
         [log.console]\nSTDERR = true\n"
    )
}
