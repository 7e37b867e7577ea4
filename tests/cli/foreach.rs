//! `flota foreach`: a command in every service.

use std::fs;

use serde_json::json;

use crate::{
    build_engines::until,
    sandbox::{Ran, Sandbox},
};

fn foreach(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.flota("ours", &[&["foreach"], arguments].concat())
}

#[test]
fn each_services_output_stays_together_and_tells_who_it_is() {
    let sandbox = Sandbox::cloned();
    let script = "for i in 1 2 3; do echo $FLOTA_SERVICE $i; echo $FLOTA_SERVICE $i >&2; done; pwd; echo $FLOTA_PATH $FLOTA_PIN $FLOTA_FLEET";
    let ran = foreach(&sandbox, &["-j2", "--", "sh", "-c", script]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let root = sandbox.path("ours").canonicalize().unwrap();
    for service in ["api", "web"] {
        let path = format!("code-repos/{service}");
        let pin = sandbox.git(format!("ours/{path}"), &["rev-parse", "HEAD"]);
        let lines: String = (1..=3)
            .map(|i| format!("{service} {i}\n{service} {i}\n"))
            .collect();
        let root = root.display();
        let block = format!("{lines}{root}/{path}\n{path} {} {root}\n", pin.trim());
        assert!(ran.text().contains(&block), "{block}\nin\n{}", ran.text());
    }
}

/// Whoever is ready first waits for their turn: the same text for every -j.
#[test]
fn the_order_is_that_of_the_paths() {
    let sandbox = Sandbox::cloned();
    let ready = sandbox.path("ready");
    let script = format!(
        "if [ $FLOTA_SERVICE = web ]; then : >{0}; else until [ $JOBS = 1 ] || [ -e {0} ]; do sleep 0.05; done; fi; \
         echo $FLOTA_SERVICE",
        ready.display()
    );
    let order = |jobs: &str| {
        let script = format!("JOBS={}; {script}", &jobs[2..]);
        let ran = foreach(&sandbox, &[jobs, "--", "sh", "-c", &script]);
        let lines = ran.text();
        let said = lines.lines().filter(|line| !line.starts_with('─'));
        said.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(order("-j1"), ["api", "web"]);
    assert_eq!(order("-j2"), ["api", "web"]);
}

#[test]
fn the_json_has_every_service_once() {
    let sandbox = Sandbox::cloned();
    let told = |arguments: &[&str]| {
        let ran = foreach(&sandbox, &[&["--format", "json"], arguments].concat());
        let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
        assert_eq!(told["schema"], "flota.foreach/v1");
        (ran.status, told["services"].clone())
    };
    let script = "printf 'a\\377'; test $FLOTA_SERVICE = web || exit 7";
    let (status, services) = told(&["-j1", "--", "sh", "-c", script]);
    assert_eq!(status, Some(1));
    assert_eq!(
        services,
        json!([
            {
                "path": "code-repos/api", "outcome": "failed", "code": 7, "output": "a\u{fffd}", "output_b64": "Yf8=",
                "error": "exit status: 7",
            },
            {"path": "code-repos/web", "outcome": "not-begun", "code": null, "error": null},
        ])
    );
    fs::remove_dir_all(sandbox.path("ours/code-repos/api")).unwrap();
    let (status, services) = told(&["--", "true"]);
    assert_eq!(status, Some(0));
    assert_eq!(services[0]["outcome"], "uninitialised");
    assert_eq!(services[1]["outcome"], "succeeded");
}

/// A pin in conflict is no reason to leave the service out.
#[test]
fn a_service_in_conflict_has_no_pin() {
    let sandbox = Sandbox::scripted("conflict");
    let cloned = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(cloned.status, Some(0), "{}", cloned.stderr);
    sandbox.git_output("ours", &["merge", "origin/other"]);
    let ran = foreach(
        &sandbox,
        &["-s", "web", "--", "sh", "-c", "echo pin ${FLOTA_PIN-none}"],
    );
    assert!(
        ran.text().contains("pin none"),
        "{}{}",
        ran.text(),
        ran.stderr
    );
}

#[test]
fn no_shell_reads_the_command() {
    let sandbox = Sandbox::cloned();
    let ran = foreach(
        &sandbox,
        &["--", "printf", "%s|", "$HOME; touch canary", "*"],
    );
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        ran.text().contains("$HOME; touch canary|*|"),
        "{}",
        ran.text()
    );
}

#[test]
fn a_failure_stops_what_has_not_begun_unless_told_otherwise() {
    let sandbox = Sandbox::cloned();
    let stopped = foreach(&sandbox, &["-j1", "--", "sh", "-c", "echo seen; exit 7"]);
    assert_eq!(stopped.status, Some(1));
    assert_eq!(
        stopped.text().matches("seen").count(),
        1,
        "{}",
        stopped.text()
    );
    assert!(
        stopped.stderr.contains("1 not started"),
        "{}",
        stopped.stderr
    );
    assert!(
        stopped.stderr.contains("exit status: 7"),
        "{}",
        stopped.stderr
    );
    let all = foreach(
        &sandbox,
        &["-j1", "--keep-going", "--", "sh", "-c", "echo seen; exit 7"],
    );
    assert_eq!(all.status, Some(1));
    assert_eq!(all.text().matches("seen").count(), 2, "{}", all.text());
}

#[test]
fn some_services_and_those_that_changed() {
    let sandbox = Sandbox::cloned();
    let web = foreach(&sandbox, &["--service", "web", "--", "pwd"]);
    assert_eq!(
        web.text().matches("code-repos/").count(),
        2,
        "{}",
        web.text()
    );
    // The last commit of the fleet moved no pin; the one before linked both.
    let none = foreach(&sandbox, &["--base", "HEAD~1", "--", "pwd"]);
    assert_eq!(
        (none.status, none.text()),
        (Some(0), String::new()),
        "{}",
        none.stderr
    );
    fs::write(sandbox.path("web/code/app"), "second").unwrap();
    sandbox.git(
        "web",
        &["commit", "--quiet", "--all", "--message", "Second"],
    );
    sandbox.git(
        "ours/code-repos/web",
        &["pull", "--quiet", "origin", "main"],
    );
    sandbox.git(
        "ours",
        &["commit", "--quiet", "--all", "--message", "Move web"],
    );
    let moved = foreach(&sandbox, &["--base", "HEAD~1", "--", "pwd"]);
    assert!(moved.text().contains("code-repos/web"), "{}", moved.text());
    assert!(!moved.text().contains("code-repos/api"), "{}", moved.text());
}

#[test]
fn what_is_not_initialised_is_named() {
    let sandbox = Sandbox::cloned();
    fs::remove_dir_all(sandbox.path("ours/code-repos/api")).unwrap();
    let ran = foreach(&sandbox, &["--", "true"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("code-repos/api is not initialised"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let sandbox = Sandbox::cloned();
    let ran = foreach(&sandbox, &["--", "no-such-program"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("no-such-program"), "{}", ran.stderr);
}

#[test]
fn an_interrupt_stops_them_all() {
    let sandbox = Sandbox::cloned();
    let script = "echo $$ > \"$FLOTA_FLEET/../$FLOTA_SERVICE.pid\"; exec sleep 60";
    let mut child = sandbox
        .interruptible("ours", &["foreach", "-j2", "--", "sh", "-c", script])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pids = ["api.pid", "web.pid"].map(|name| sandbox.path(name));
    until("both run", || {
        pids.iter()
            .all(|pid| fs::read(pid).is_ok_and(|text| text.ends_with(b"\n")))
    });
    let flota = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(flota, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    for pid in pids {
        let pid = fs::read_to_string(pid).unwrap();
        let alive = fs::read_to_string(format!("/proc/{}/cmdline", pid.trim()));
        assert!(
            !alive.is_ok_and(|line| line.contains("sleep")),
            "{pid} lives on"
        );
    }
}

/// In the order of `git submodule foreach --recursive`, with the path from the fleet's root and the pin that the parent records.
#[test]
fn nested_submodules_take_their_turn_after_their_parent() {
    let sandbox = Sandbox::scripted("nested");
    sandbox.git(
        "fleet",
        &["submodule", "--quiet", "update", "--init", "--recursive"],
    );
    let script = "echo \"$FLOTA_PATH $FLOTA_SERVICE $FLOTA_PIN $(git rev-parse HEAD)\"";
    let arguments = [
        "foreach",
        "--recursive",
        "--quiet",
        "--",
        "sh",
        "-c",
        script,
    ];
    for jobs in ["1", "4"] {
        let mut all = arguments.to_vec();
        all.splice(1..1, ["--jobs", jobs]);
        let ran = sandbox.flota("fleet", &all);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let said = ran.text();
        let lines = said.lines().filter(|line| line.starts_with("code-repos/"));
        let lines: Vec<Vec<_>> = lines.map(|line| line.split(' ').collect()).collect();
        let lines: Vec<_> = lines.iter().filter(|words| words.len() == 4).collect();
        let by_git = "echo \"$displaypath\"";
        let by_git = ["submodule", "--quiet", "foreach", "--recursive", by_git];
        let paths: Vec<_> = lines.iter().map(|words| words[0]).collect();
        let wanted = sandbox.git("fleet", &by_git);
        assert_eq!(paths, wanted.lines().collect::<Vec<_>>(), "{said}");
        for words in lines {
            assert_eq!(words[2], words[3], "{words:?}");
            assert!(words[0].ends_with(words[1]), "{words:?}");
        }
    }
    // Those that are not initialised are named; without the flag only services have their turn.
    sandbox.git(
        "fleet/code-repos/platform",
        &["submodule", "--quiet", "deinit", "--force", "libs/core"],
    );
    let ran = sandbox.flota("fleet", &arguments);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!ran.text().contains("libs/core "), "{}", ran.text());
    let told = sandbox.flota("fleet", &["foreach", "--recursive", "--", "true"]);
    let said = "code-repos/platform/libs/core is not initialised";
    assert!(told.stderr.contains(said), "{}", told.stderr);
    let ran = sandbox.flota("fleet", &["foreach", "--", "sh", "-c", script]);
    assert!(!ran.text().contains("code/vendored"), "{}", ran.text());
}
