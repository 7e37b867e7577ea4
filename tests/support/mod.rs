//! What integration tests share.

#![allow(dead_code, reason = "each test program uses its own part")]

pub mod random;

use std::{
    collections::BTreeMap,
    env,
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Whether the real `docker`, `podman`, `buildah`, `buildkit`, `registry`, `helm` or `kubectl` (or another program) can be used by a
/// test, which returns if not. CI names in `FLOTA_TEST_REQUIRE` (a comma list) those that it has set up: there an absent
/// one is a failure.
pub fn need(name: &str) -> bool {
    // Asked once: `podman info` asks the package manager about each program it may start.
    static KNOWN: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let present = *known
        .entry(name.to_owned())
        .or_insert_with(|| is_present(name));
    drop(known);
    need_that(name, present)
}

fn is_present(name: &str) -> bool {
    match name {
        // The server's version: a client alone builds nothing.
        "docker" => succeeds(&["docker", "version", "--format={{.Server.Version}}"]),
        // The daemon that `BUILDKIT_HOST` names.
        "buildkit" => {
            env::var_os("BUILDKIT_HOST").is_some() && succeeds(&["buildctl", "debug", "workers"])
        }
        "podman" | "buildah" => succeeds(&[name, "info"]),
        "helm" => succeeds(&["helm", "version"]),
        "kubectl" => succeeds(&["kubectl", "version", "--client"]),
        "go" => succeeds(&["go", "version"]),
        "npm" => succeeds(&["npm", "--version"]),
        "buildx" => buildx_answers(),
        "registry" => registry_answers(),
        program => succeeds(&[program, "--help"]),
    }
}

/// The same for something that a test finds in its own way.
pub fn need_that(name: &str, present: bool) -> bool {
    if !present {
        skipped(name);
    }
    present
}

/// Says that the test needs what is not here: a failure where `FLOTA_TEST_REQUIRE` names it.
#[expect(clippy::print_stdout, reason = "a test says why it does nothing")]
pub fn skipped(name: &str) {
    let required = env::var("FLOTA_TEST_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|word| word.trim() == name);
    assert!(
        !is_required,
        "{name} is required by FLOTA_TEST_REQUIRE, and does not answer"
    );
    println!("skipped: needs {name}");
}

/// `FLOTA_TEST_REGISTRY` is the address of a registry for tests, as in `127.0.0.1:5000`: plain HTTP, no login.
fn registry_answers() -> bool {
    let address = env::var("FLOTA_TEST_REGISTRY").ok();
    let address: Option<SocketAddr> = address.and_then(|address| address.parse().ok());
    address
        .is_some_and(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok())
}

/// `BUILDKIT_HOST` is the address of a BuildKit daemon for tests; beside it they need a docker client and the program `buildx`.
fn buildx_answers() -> bool {
    env::var_os("BUILDKIT_HOST").is_some()
        && succeeds(&["docker", "--version"])
        && succeeds(&["buildx", "version"])
}

fn succeeds(command: &[&str]) -> bool {
    Command::new("timeout")
        .arg("60")
        .args(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
