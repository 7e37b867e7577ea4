//! What befalls a build from outside: an engine that goes away, two builds at a time, a build that is killed and run again, output
//! without end. Full disks are with the others of their kind (`faults`), hanging builds with `build_run`.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    build::{service, statuses},
    build_run::{fake, many, run, start},
    faults::noise,
    registry::Server,
    sandbox::Sandbox,
    support::skipped,
};

/// The most memory that a process had until now, in KiB (proc(5), `VmHWM`); none when it is gone.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_flood_costs_no_memory() {
    let sandbox = many(&[("s1", "floods")]);
    let mut flota = start(&sandbox, &["s1"]);
    // A pipe that is full would hold it up.
    let (mut stdout, mut stderr) = (flota.stdout.take().unwrap(), flota.stderr.take().unwrap());
    let readers = [
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()).unwrap()),
        thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()).unwrap()),
    ];
    let mut most = 0;
    while flota.try_wait().unwrap().is_none() {
        most = most.max(peak(&flota).unwrap_or_default());
        thread::sleep(Duration::from_millis(5));
    }
    for reader in readers {
        reader.join().unwrap();
    }
    let log = sandbox.path("fleet/.flota/logs/code-repos_s1.log");
    assert!(fs::metadata(&log).unwrap().len() > 100_000_000);
    assert!((1..90 << 10).contains(&most), "{most} KiB");
}

#[test]
fn an_engine_that_goes_away_is_named() {
    let sandbox = many(&[("s1", "dies")]);
    let ran = run(&sandbox, &["--all", "-j1", "--keep-going"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    for words in [
        "error: docker went away while it built s1:code-",
        "caused by: docker does not answer",
        "hint: start its daemon",
        "hint: read all it said: ",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("could not build s1"), "{}", ran.stderr);
}

/// A Docker daemon of the test's own. It ends with the value.
struct Dockerd {
    process: Child,
    sandbox: Arc<Sandbox>,
}

impl Dockerd {
    /// None where there is none, or none that may be started, which is said.
    fn start(sandbox: &Arc<Sandbox>) -> Option<Self> {
        let mut command = sandbox.program("dockerd", "");
        command
            .args([
                "--data-root=docker",
                "--exec-root=docker-run",
                "--pidfile=docker.pid",
            ])
            .arg(format!("--host={}", host(sandbox)))
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args(["--ip-forward=false", "--storage-driver=vfs"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let Ok(process) = command.spawn() else {
            skipped("dockerd");
            return None;
        };
        let mut daemon = Self {
            process,
            sandbox: Arc::clone(sandbox),
        };
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            let mut ask = sandbox.program("docker", "");
            ask.arg("version").env("DOCKER_HOST", host(sandbox));
            if ask.output().is_ok_and(|answer| answer.status.success()) {
                return Some(daemon);
            }
            if daemon.process.try_wait().unwrap().is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        skipped("dockerd");
        None
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.kill();
        // Its own child outlives one that is killed.
        let pid = self.sandbox.path("docker-run/containerd/containerd.pid");
        if let Ok(pid) = fs::read_to_string(pid) {
            let _ = Command::new("kill")
                .args(["-s", "KILL", pid.trim()])
                .stderr(Stdio::null())
                .status();
        }
    }
}

fn host(sandbox: &Sandbox) -> String {
    format!("unix://{}", sandbox.path("docker.sock").display())
}

#[test]
fn a_daemon_that_is_killed_in_mid_build_is_named() {
    let sandbox = Arc::new(Sandbox::scripted("build-many"));
    let Some(mut daemon) = Dockerd::start(&sandbox) else {
        return;
    };
    // A base image that never comes.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    thread::spawn(move || {
        let mut open = Vec::new();
        for client in silent.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            open.push(client);
        }
    });
    fs::write(
        sandbox.path("s1/code/Dockerfile"),
        format!("FROM 127.0.0.1:{port}/base\n"),
    )
    .unwrap();
    sandbox.commit_and_pin("s1", "Build on what never comes");
    let mut flota = sandbox.command("fleet", &["build", "s1", "--builder=docker"]);
    let flota = flota
        .env("DOCKER_HOST", host(&sandbox))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while connections.load(Ordering::SeqCst) == 0 && started.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(20));
    }
    daemon.kill();
    let output = flota.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("docker went away while it built s1:code-"),
        "{said}"
    );
    assert!(!said.contains("could not build"), "{said}");
}

/// The fleet of four, with so much in each that a build takes its time, for a registry.
fn large(address: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("build-many");
    for name in ["s1", "s2", "s3", "s4"] {
        fs::write(sandbox.path(name).join("code/large"), noise(1 << 20)).unwrap();
        sandbox.commit_and_pin(name, "Grow");
    }
    let configuration = format!(
        "[image]\nbuilder = \"embedded\"\nplatform = \"linux/amd64\"\nregistry = \"{address}/team\"\n"
    );
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
    sandbox
}

/// The digests of images and charts by service.
fn digests(report: &Value) -> BTreeMap<String, (String, String)> {
    let services = report["services"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    services
        .map(|one| {
            let products = (text(&one["image"]["digest"]), text(&one["chart"]["digest"]));
            (text(&one["name"]), products)
        })
        .collect()
}

#[test]
fn two_builds_at_a_time_are_both_right() {
    let Some(server) = Server::open() else { return };
    let sandbox = large(&server.address);
    let begin = |out: &str| {
        let args = [
            "build",
            "--all",
            "--push",
            "-j2",
            "--format=json",
            "--out",
            out,
        ];
        let mut command = sandbox.command("fleet", &args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let both = ["one", "other"].map(begin);
    let reports = both.map(|flota| {
        let ran = sandbox.ran(flota.wait_with_output().unwrap());
        ran.json()
    });
    assert_eq!(digests(&reports[0]), digests(&reports[1]));
    for (image, chart) in digests(&reports[0]).values() {
        assert!(image.starts_with("sha256:") && chart.starts_with("sha256:"));
    }
    // What they kept for later runs is whole, and so is what they pushed.
    for facts in ["durations", "image-references"] {
        let json = fs::read(sandbox.path("fleet/.git/flota").join(facts)).unwrap();
        serde_json::from_slice::<Value>(&json).unwrap();
    }
    let third = sandbox.flota("fleet", &["build", "--all", "--push", "--format=json"]);
    let third = third.json();
    let all = ["s1", "s2", "s3", "s4"];
    assert_eq!(statuses(&third), all.map(|name| format!("{name} reused")));
    assert_eq!(digests(&third), digests(&reports[0]));
}

/// How often an image with its identity came, by service.
fn images(server: &Server) -> BTreeMap<String, usize> {
    let log = server.log();
    let name = |line: &str| {
        let asked = line.split("\"PUT /v2/team/").nth(1)?;
        let (name, rest) = asked.split_once("/manifests/code-")?;
        rest.contains("\" 201 ").then(|| name.to_owned())
    };
    let mut images = BTreeMap::new();
    for name in log.lines().filter_map(name) {
        *images.entry(name).or_default() += 1;
    }
    images
}

#[test]
fn what_was_pushed_before_a_kill_is_not_built_again() {
    let Some(server) = Server::open() else { return };
    let sandbox = large(&server.address);
    let args = ["build", "--all", "--push", "-j1", "--format=json"];
    let mut command = sandbox.command("fleet", &args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut flota = command.spawn().unwrap();
    let started = Instant::now();
    while images(&server).is_empty() && started.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(10));
    }
    flota.kill().unwrap();
    flota.wait().unwrap();
    // A request that was under way then is answered.
    thread::sleep(Duration::from_millis(500));
    let before = images(&server);
    assert!((1..4).contains(&before.len()), "{before:?}");
    // As on another machine: only the registry knows of them.
    fs::remove_dir_all(sandbox.path("fleet/.flota")).unwrap();
    let report = sandbox.flota("fleet", &args).json();
    for name in ["s1", "s2", "s3", "s4"] {
        let want = match before.contains_key(name) {
            true => "reused",
            false => "built",
        };
        assert_eq!(service(&report, name)["status"], want, "{name}");
    }
    let once = ["s1", "s2", "s3", "s4"].map(|name| (name.to_owned(), 1));
    assert_eq!(images(&server), BTreeMap::from(once));
}

#[test]
fn an_engine_without_room_says_so() {
    let sandbox = many(&[("s1", "fills")]);
    let mut command = sandbox.command("fleet", &["build", "s1", "--builder=docker"]);
    fake(&sandbox, &mut command);
    let ran = sandbox.ran(command.output().unwrap());
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    let words = "error: no space is left for what docker builds";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
}
