//! How `flota build` runs: many at a time, one failing among them, two runs in one folder, runs that are stopped. The
//! engine is a fake one (`fixtures/tools/docker`) that fails, hangs and floods as it is told.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    build::{service, statuses, timeless},
    build_engines::{running, signal, until},
    sandbox::{Ran, Sandbox},
};

/// The fleet of four, and what their builds do.
pub fn many(fates: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::scripted("build-many");
    fs::create_dir(sandbox.path("engine")).unwrap();
    for (name, fate) in fates {
        fs::write(sandbox.path("engine").join(name), fate).unwrap();
    }
    sandbox
}

/// Puts the fake engine before any other.
pub fn fake(sandbox: &Sandbox, command: &mut Command) {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools");
    let mut path = OsString::from(tools);
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    command
        .env("PATH", path)
        .env("FAKE_ENGINE", sandbox.path("engine"));
}

pub fn run(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let args = [&["build", "--builder=docker"], args].concat();
    sandbox.flota_with("fleet", &args, |command| fake(sandbox, command))
}

pub fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    let args = [&["build", "--builder=docker"], args].concat();
    let mut command = sandbox.interruptible("fleet", &args);
    fake(sandbox, &mut command);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The services whose build the engine was asked for.
fn asked(sandbox: &Sandbox) -> usize {
    let calls = fs::read_to_string(sandbox.path("engine/calls")).unwrap_or_default();
    calls
        .lines()
        .filter(|call| call.starts_with("build "))
        .count()
}

/// Ends what a test itself left running.
fn kill_builds(sandbox: &Sandbox) {
    for entry in fs::read_dir(sandbox.path("engine")).unwrap().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "pid")
        {
            let pid = fs::read_to_string(entry.path()).unwrap();
            let group = format!("-{}", pid.trim());
            let _ = Command::new("kill")
                .args(["-s", "KILL", "--", &group])
                .stderr(Stdio::null())
                .status();
        }
    }
}

#[test]
fn the_report_has_the_plans_order() {
    let sandbox = many(&[("s1", "lags"), ("s3", "fails")]);
    let reports = ["1", "2", "4"].map(|jobs| {
        let ran = run(
            &sandbox,
            &["--all", "--keep-going", "--out", jobs, "-j", jobs],
        );
        assert_eq!(ran.status, Some(1), "{}", ran.stderr);
        let report = fs::read(sandbox.path("fleet").join(jobs).join("build.json")).unwrap();
        let transcript = timeless(&ran);
        let (table, _) = transcript.split_once("── stderr").unwrap();
        (
            statuses(&serde_json::from_slice(&report).unwrap()),
            table.to_owned(),
        )
    });
    assert_eq!(
        reports[0].0,
        ["s1 built", "s2 built", "s3 failed", "s4 built"]
    );
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0], reports[2]);
}

#[test]
fn jobs_run_side_by_side() {
    // Each waits for the other three.
    let meet = ["s1", "s2", "s3", "s4"].map(|name| (name, "meets"));
    let sandbox = many(&meet);
    let ran = run(&sandbox, &["--all", "-j4", "--format=json"]);
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        statuses(&report),
        ["s1 built", "s2 built", "s3 built", "s4 built"]
    );
    let together = report["seconds"].as_f64().unwrap();
    for service in report["services"].as_array().unwrap() {
        let alone = service["seconds"].as_f64().unwrap();
        assert!(
            alone > 0.0 && alone <= together,
            "{alone} s of {together} s"
        );
    }
}

#[test]
fn one_failure_cancels_what_has_not_begun() {
    let sandbox = many(&[("s2", "fails")]);
    insta::assert_snapshot!(timeless(&run(&sandbox, &["--all", "-j1"])));
    let report = sandbox.build_json();
    assert_eq!(
        statuses(&report),
        ["s1 built", "s2 failed", "s3 cancelled", "s4 cancelled"]
    );
    assert_eq!(asked(&sandbox), 2);
    let failed = service(&report, "s2");
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .starts_with("docker could not build s2:code-")
    );
    assert_eq!(
        fs::read_to_string(failed["log"].as_str().unwrap()).unwrap(),
        "building s2\ns2 does not compile\n"
    );
}

#[test]
fn keep_going_builds_the_others() {
    let sandbox = many(&[("s2", "fails"), ("s4", "fails")]);
    insta::assert_snapshot!(timeless(&run(&sandbox, &["--all", "-j1", "--keep-going"])));
    assert_eq!(asked(&sandbox), 4);
}

#[test]
fn quiet_shows_the_result_and_the_failures() {
    let sandbox = many(&[("s2", "fails")]);
    insta::assert_snapshot!(timeless(&run(&sandbox, &["s1", "s2", "-j1", "-q"])));
}

#[test]
fn verbose_shows_what_builds_say() {
    let sandbox = many(&[]);
    let ran = run(&sandbox, &["s1", "-v"]);
    assert!(
        ran.stderr.contains("── s1\nbuilding s1\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_flood_is_logged_whole_and_shown_by_its_end() {
    let sandbox = many(&[("s1", "floods")]);
    let ran = run(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(1));
    let log = sandbox.path("fleet/.flota/logs/code-repos_s1.log");
    assert!(fs::metadata(&log).unwrap().len() > 100_000_000);
    assert!(ran.stderr.len() < 3 << 20, "{}", ran.stderr.len());
    assert!(ran.stderr.contains("bytes left out …]\n"));
    assert!(ran.stderr.contains("s1 has said enough\nerror: "));
}

#[test]
fn a_hanging_build_is_ended_by_its_time() {
    let sandbox = many(&[("s1", "hangs"), ("s2", "stubborn")]);
    let configuration = "[image]\nplatform = \"linux/amd64\"\ntimeout = 3\n";
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
    let start = Instant::now();
    let ran = run(&sandbox, &["s1", "s2", "-j1", "--keep-going"]);
    assert!(start.elapsed() < Duration::from_secs(60));
    insta::assert_snapshot!(timeless(&ran));
    nobody_is_left(&sandbox);
}

/// No process of the sandbox runs any more: each has its home in its environment.
fn nobody_is_left(sandbox: &Sandbox) {
    let folder = sandbox.root().display().to_string();
    until("nobody of the tree is left", || {
        running("environ", &folder).is_empty()
    });
}

#[test]
fn a_daemon_does_not_hold_up_a_build() {
    let sandbox = many(&[("s1", "forks")]);
    let start = Instant::now();
    let ran = run(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn ctrl_c_stops_all_and_begins_none() {
    let sandbox = many(&[("s1", "hangs"), ("s2", "stubborn")]);
    let flota = start(&sandbox, &["--all", "-j2", "--keep-going"]);
    until("two builds run", || asked(&sandbox) == 2);
    signal(&flota, "INT");
    let started = Instant::now();
    let output = flota.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(asked(&sandbox), 2);
    let report = sandbox.build_json();
    assert_eq!(
        statuses(&report),
        ["s1 failed", "s2 failed", "s3 cancelled", "s4 cancelled"]
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.ends_with("interrupted: 2 services stopped before the end\n"),
        "{said}"
    );
    nobody_is_left(&sandbox);
}

#[test]
fn sigterm_and_sighup_have_their_own_codes() {
    let sandbox = many(&[("s1", "hangs")]);
    for (before, (name, code)) in [("TERM", 143), ("HUP", 129)].into_iter().enumerate() {
        let flota = start(&sandbox, &["s1"]);
        until("the build runs", || asked(&sandbox) > before);
        signal(&flota, name);
        let output = flota.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}");
    }
}

#[test]
fn a_second_build_in_the_folder_says_who_is_there() {
    let sandbox = many(&[("s1", "hangs")]);
    let first = start(&sandbox, &["s1"]);
    until("the first runs", || asked(&sandbox) == 1);
    let second = run(&sandbox, &["s2"]);
    let shown = second
        .transcript()
        .replace(&first.id().to_string(), "[PID]");
    insta::assert_snapshot!(shown);
    // A dry run holds nothing up, and elsewhere there is room.
    assert_eq!(run(&sandbox, &["s2", "--dry-run"]).status, Some(0));
    assert_eq!(run(&sandbox, &["s2", "--out", "elsewhere"]).status, Some(0));
    signal(&first, "INT");
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(130));
}

#[test]
fn a_killed_build_leaves_nothing_in_the_way() {
    let sandbox = many(&[("s1", "hangs")]);
    let mut killed = start(&sandbox, &["s1"]);
    until("the build runs", || asked(&sandbox) == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    kill_builds(&sandbox);
    let products = || -> Vec<_> {
        let folders = ["", "charts", "checks", "images", "logs"]
            .map(|folder| sandbox.path("fleet/.flota").join(folder));
        let entries = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap().flatten());
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        let mut names: Vec<_> = names
            .filter(|name| !["charts", "checks", "images", "logs"].contains(&name.as_str()))
            .collect();
        names.sort();
        names
    };
    let left: Vec<_> = products()
        .into_iter()
        .filter(|name| !name.starts_with("scratch-"))
        .collect();
    assert_eq!(left, [".gitignore", "code-repos_s1.log", "lock"]);
    // What a killed writer leaves: a partial layer.
    let partial = sandbox.path("fleet/.flota/images/blobs/sha256");
    fs::create_dir_all(&partial).unwrap();
    fs::write(partial.join(".flota-abc"), "half a layer").unwrap();

    fs::remove_file(sandbox.path("engine/s1")).unwrap();
    let ran = run(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        !products().iter().any(|name| name.starts_with("scratch-")),
        "{:?}",
        products()
    );
    assert_eq!(fs::read_dir(partial).unwrap().count(), 0);
}

#[test]
fn a_full_disk_behind_stdout_is_no_success() {
    let sandbox = many(&[]);
    let args = ["build", "--builder=docker", "s1"];
    let ran = sandbox.flota_with("fleet", &args, |command| {
        fake(&sandbox, command);
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
    });
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("error: cannot write to standard output"),
        "{}",
        ran.stderr
    );
    assert_eq!(statuses(&sandbox.build_json()), ["s1 built"]);
}

#[test]
fn arguments_reach_the_engine_as_they_are() {
    let sandbox = many(&[]);
    let configuration = "[image]\nplatform = \"linux/amd64\"\n[service.s1.image]\nbuild_args = { TOKEN = \"s3cret\" }\n";
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
    let ran = run(&sandbox, &["s1", "--tag", "v1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let calls = fs::read_to_string(sandbox.path("engine/calls")).unwrap();
    let build = calls
        .lines()
        .find(|call| call.starts_with("build "))
        .unwrap();
    for part in [
        "--platform=linux/amd64",
        "--build-arg=TOKEN ",
        "--tag=s1:v1",
        "--tag=s1:main-",
    ] {
        assert!(build.contains(part), "{part}: {build}");
    }
    assert!(
        build.contains("org.opencontainers.image.revision="),
        "{build}"
    );
    assert!(!calls.contains("s3cret"), "{calls}");
}
