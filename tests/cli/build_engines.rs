//! `flota build` with Docker and Buildah, for real: the same fleet, what a failure shows, and how a build is stopped.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    build::{service, statuses},
    sandbox::Sandbox,
    support::need,
};

/// A fleet whose images have names of this test alone, since an engine's store outlives it.
struct Built<'a> {
    sandbox: &'a Sandbox,
    engine: &'static str,
    registry: String,
}

impl<'a> Built<'a> {
    fn new(sandbox: &'a Sandbox, engine: &'static str, more: &str) -> Self {
        let place = sandbox.root().file_name().unwrap().to_string_lossy();
        let registry = format!(
            "localhost/flota-test{}",
            place.to_lowercase().replace('.', "-")
        );
        let configuration =
            format!("[image]\nregistry = {registry:?}\nbuilder = {engine:?}\n{more}\n");
        fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
        Self {
            sandbox,
            engine,
            registry,
        }
    }

    fn engine(&self, args: &[&str]) -> String {
        let output = Command::new(self.engine).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The labels of an image, as the engine has them.
    fn labels(&self, reference: &str) -> Value {
        let (words, pointer): (&[&str], _) = match self.engine {
            "docker" => (&["image", "inspect"], "/0/Config/Labels"),
            _ => (&["inspect", "--type=image"], "/OCIv1/config/Labels"),
        };
        let told = self.engine(&[words, &[reference]].concat());
        let told: Value = serde_json::from_str(&told).unwrap();
        told.pointer(pointer).unwrap().clone()
    }
}

impl Drop for Built<'_> {
    fn drop(&mut self) {
        let report = self.sandbox.path("fleet/.flota/build.json");
        let report: Value =
            fs::read(report).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap());
        let services = report["services"].as_array().into_iter().flatten();
        let names = services.filter_map(|service| service["image"]["references"].as_array());
        for name in names.flatten().filter_map(Value::as_str) {
            let _ = Command::new(self.engine)
                .args(["rmi", name])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

fn builds_tags_and_labels(engine: &'static str) {
    if !need(engine) || !need("busybox") {
        return;
    }
    let sandbox = Sandbox::scripted("build-run");
    let arguments = "[service.works.image]\nbuild_args = { CHANNEL = \"beta\" }";
    let built = Built::new(&sandbox, engine, arguments);
    let report = sandbox.build(&["works", "--tag", "v1"]);
    assert_eq!(report["builder"], engine);
    assert_eq!(statuses(&report), ["works built"]);

    let works = service(&report, "works");
    let image = &works["image"];
    assert_eq!(image["digest"], Value::Null, "known after a push only");
    assert!(image["id"].as_str().unwrap().starts_with("sha256:"));
    let commit = works["commit"].as_str().unwrap();
    let labels = built.labels(&format!("{}/works:v1", built.registry));
    assert_eq!(labels["org.opencontainers.image.revision"], commit);
    assert_eq!(
        labels["org.opencontainers.image.created"],
        "2023-11-14T22:13:20+00:00"
    );
    for reference in image["references"].as_array().unwrap() {
        built.labels(reference.as_str().unwrap());
    }
    let log = fs::read_to_string(works["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("channel"), "{log}");

    // The engine's store has it under its identity: the second build only adds a name.
    let again = sandbox.build(&["works", "--tag", "v2"]);
    assert_eq!(statuses(&again), ["works reused"]);
    assert_eq!(service(&again, "works")["log"], Value::Null);
    assert_eq!(service(&again, "works")["chart"], works["chart"]);
    built.labels(&format!("{}/works:v2", built.registry));
    // For the cleaning up.
    sandbox.build(&["works", "--tag", "v1", "--tag", "v2"]);
}

#[test]
fn docker_builds_tags_and_labels() {
    builds_tags_and_labels("docker");
}

#[test]
fn buildah_builds_tags_and_labels() {
    builds_tags_and_labels("buildah");
}

fn a_failure_shows_all_that_was_said(engine: &'static str) {
    if !need(engine) || !need("busybox") {
        return;
    }
    let sandbox = Sandbox::scripted("build-run");
    let _built = Built::new(&sandbox, engine, "");
    let ran = sandbox.flota("fleet", &["build", "fails", "works", "--keep-going"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(
        statuses(&sandbox.build_json()),
        ["fails failed", "works built"]
    );

    // The service's name, its log whole, the error, the hint: in this order, at the end, and each once.
    let log = sandbox.path("fleet/.flota/logs/code-repos_fails.log");
    let log = fs::read_to_string(log).unwrap();
    assert!(
        log.contains("first line") && log.contains("second line"),
        "{log}"
    );
    assert!(
        !log.contains("buildx"),
        "a client without it was passed over: {log}"
    );
    let (_, shown) = ran.stderr.split_once("\n── fails\n").unwrap();
    let below = shown
        .strip_prefix(log.trim_end())
        .unwrap_or_else(|| panic!("{shown}"));
    let lines: Vec<_> = below.trim().lines().collect();
    assert!(
        lines[0].starts_with(&format!("error: {engine} could not build ")),
        "{below}"
    );
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("hint: read all it said: /"),
        "{below}"
    );
    assert!(!below.contains("second line"), "{below}");
    assert!(!ran.stderr.contains("── works"), "{}", ran.stderr);
}

#[test]
fn docker_failing_shows_all_that_was_said() {
    a_failure_shows_all_that_was_said("docker");
}

#[test]
fn buildah_failing_shows_all_that_was_said() {
    a_failure_shows_all_that_was_said("buildah");
}

/// Processes that have the word in their `cmdline` or `environ` (proc(5)).
pub fn running(file: &str, word: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let texts = processes.filter_map(|process| fs::read(process.path().join(file)).ok());
    let texts = texts.map(|text| String::from_utf8_lossy(&text).replace('\0', " "));
    texts.filter(|text| text.contains(word)).collect()
}

/// Waits until something holds, for a minute at most.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal by its name, to flota alone.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn log_says(sandbox: &Sandbox, service: &str, words: &str) -> bool {
    let log =
        sandbox.path(Path::new("fleet/.flota/logs").join(format!("code-repos_{service}.log")));
    fs::read_to_string(log).is_ok_and(|log| log.contains(words))
}

fn ctrl_c_stops_what_runs(engine: &'static str) {
    if !need(engine) || !need("busybox") {
        return;
    }
    let sandbox = Sandbox::scripted("build-run");
    // A number that no other process has among its arguments.
    let nap = format!("98{}", std::process::id());
    let dockerfile = fs::read_to_string(sandbox.path("sleeps/code/Dockerfile")).unwrap();
    fs::write(
        sandbox.path("sleeps/code/Dockerfile"),
        dockerfile.replace("987", &nap),
    )
    .unwrap();
    sandbox.git(
        "sleeps",
        &["commit", "--quiet", "--all", "--message=Sleep longer"],
    );
    sandbox.git(
        "fleet/code-repos/sleeps",
        &["pull", "--quiet", "origin", "main"],
    );
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move sleeps"],
    );
    let _built = Built::new(&sandbox, engine, "");

    let mut flota = sandbox.interruptible("fleet", &["build", "sleeps"]);
    let flota = flota
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the build sleeps", || {
        log_says(&sandbox, "sleeps", "fell asleep")
            && !running("cmdline", &format!("sleep {nap}")).is_empty()
    });
    signal(&flota, "INT");
    let start = Instant::now();
    let output = flota.wait_with_output().unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.ends_with("interrupted: 1 service stopped before the end\n"),
        "{said}"
    );
    until("nothing runs any more", || {
        running("cmdline", &nap).is_empty()
    });
    assert_eq!(statuses(&sandbox.build_json()), ["sleeps failed"]);
}

#[test]
fn ctrl_c_stops_docker() {
    ctrl_c_stops_what_runs("docker");
}

#[test]
fn ctrl_c_stops_buildah() {
    ctrl_c_stops_what_runs("buildah");
}

#[test]
fn a_build_has_its_time() {
    if !need("docker") || !need("busybox") {
        return;
    }
    let sandbox = Sandbox::scripted("build-run");
    let _built = Built::new(&sandbox, "docker", "timeout = 1");
    let ran = sandbox.flota("fleet", &["build", "sleeps"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let end = "error: `docker build` did not finish within 1s\n\
        hint: give it more seconds in flota.toml: [service.\"sleeps\".image] timeout = 2\n";
    assert!(ran.stderr.ends_with(end), "{}", ran.stderr);
}

#[test]
fn three_builders_agree_on_names() {
    if !need("docker") || !need("buildah") {
        return;
    }
    let sandbox = Sandbox::scripted("build-changes");
    let references = ["docker", "buildah", "embedded"].map(|engine| {
        let _built = Built::new(&sandbox, engine, "");
        let report = sandbox.build(&["api", "--out", engine]);
        assert_eq!(statuses(&report), ["api built"]);
        fs::create_dir_all(sandbox.path("fleet/.flota")).unwrap();
        fs::write(sandbox.path("fleet/.flota/build.json"), report.to_string()).unwrap();
        service(&report, "api")["image"]["references"].clone()
    });
    assert_eq!(references[0], references[1]);
    assert_eq!(references[1], references[2]);
}

#[test]
fn an_engine_that_was_asked_for_must_answer() {
    let sandbox = Sandbox::scripted("build-changes");
    let ran = sandbox.flota_with("fleet", &["build", "api", "--builder=docker"], |command| {
        // A client there may be, a daemon there is not.
        command.env("DOCKER_HOST", "unix:///nowhere.sock");
    });
    assert_eq!(ran.status, Some(3));
    assert!(
        ran.stderr.contains("error: docker does not answer\n"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("builder = \"embedded\""),
        "{}",
        ran.stderr
    );
}
