//! SERVICE means the same to every command: a path from here, a path from the fleet's root, a name, a glob.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use bstr::ByteSlice;
use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

const RANGE: &str = "HEAD~1..HEAD";

/// What comes before SERVICE, and what after it.
type Line = (&'static [&'static str], &'static [&'static str]);

/// The commands that take services. None of them changes what the next one sees, but `update`, which is the last.
const COMMANDS: [Line; 10] = [
    (&["status"], &["--all", "--format", "json"]),
    (
        &["build", "--dry-run", "--builder", "embedded"],
        &["--format", "json"],
    ),
    (
        &[
            "build",
            "--dry-run",
            "--builder",
            "embedded",
            "--range",
            RANGE,
        ],
        &["--format", "json"],
    ),
    (&["switch", "--dry-run", "main"], &["--format", "json"]),
    (
        &["foreach", "--format", "json", "--service"],
        &["--", "true"],
    ),
    (&["bump", "--dry-run"], &["--format", "json"]),
    (&["template", "drift"], &["--format", "json"]),
    (&["template", "update", "--defaults"], &["--format", "json"]),
    (&["update", "--remote", "--dry-run"], &["--format", "json"]),
    (&["update"], &["--format", "json"]),
];

fn run(sandbox: &Sandbox, dir: &str, line: Line, service: &OsStr) -> Ran {
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let arguments = [words(line.0), vec![service.to_owned()], words(line.1)].concat();
    sandbox.flota(format!("fleet/{dir}"), &arguments)
}

/// The paths in a result: those of the things that its lists list.
fn paths(ran: &Ran) -> BTreeSet<String> {
    let told: Value = serde_json::from_slice(&ran.stdout).expect(&ran.stderr);
    let lists = told
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_array);
    let all = lists.flatten().filter_map(|one| one["path"].as_str());
    all.map(ToOwned::to_owned).collect()
}

#[test]
fn every_command_reads_it_alike() {
    let sandbox = Sandbox::scripted("selected");
    let rows: [(&str, &[u8], &[&str]); 14] = [
        ("", b"repos/web", &["repos/web"]),
        ("", b"./repos/web/", &["repos/web"]),
        ("repos", b"web", &["repos/web"]),
        ("repos", b"./web", &["repos/web"]),
        ("repos", b"../first/api", &["first/api"]),
        ("repos", b"first/api", &["first/api"]),
        ("first", b"web", &["repos/web"]),
        ("", b"jobs", &["repos/jobs"]),
        ("", b"worker", &["repos/jobs"]),
        ("", b"{first,repos}/[aj]*", &["first/api", "repos/jobs"]),
        ("", b"w*", &["repos/jobs", "repos/web"]),
        ("repos", b"./*s", &["repos/jobs"]),
        ("", b"caf\xe9", &["repos/caf\u{fffd}"]),
        ("repos", b"caf\xe9", &["repos/caf\u{fffd}"]),
    ];
    for line in COMMANDS {
        for (dir, service, want) in rows {
            // What is not UTF-8 has no name that an image could have.
            if line.0[0] == "build" && service.to_str().is_err() {
                continue;
            }
            let ran = run(&sandbox, dir, line, OsStr::from_bytes(service));
            let row = format!("{:?} in {dir:?}: {}", line.0, service.escape_ascii());
            assert_eq!(ran.status, Some(0), "{row}: {}", ran.stderr);
            let want: BTreeSet<_> = want.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(paths(&ran), want, "{row}");
        }
        for (service, said) in [
            (
                "api",
                "2 services are called `api`: `first/api`, `second/api`",
            ),
            ("wbe", "did you mean `web`?"),
            ("repos", "'repos/*'"),
            ("repos*", "the fleet has no service `repos*`"),
            ("./web", "the fleet has no service `./web`"),
            ("../web", "the fleet has no service `../web`"),
            ("[", "not a valid pattern"),
        ] {
            let ran = run(&sandbox, "", line, OsStr::new(service));
            assert_eq!(
                ran.status,
                Some(2),
                "{:?} {service}: {}",
                line.0,
                ran.stderr
            );
            assert!(
                ran.stderr.contains(said),
                "{:?} {service}: {}",
                line.0,
                ran.stderr
            );
            // Nothing but the error.
            let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
            assert_eq!(told["schema"], "flota.error/v1", "{:?} {service}", line.0);
            assert_eq!(told["exit_code"], 2, "{:?} {service}", line.0);
        }
    }
}

#[test]
fn explain_is_about_one() {
    let sandbox = Sandbox::scripted("selected");
    let explain = |dir: &str, service: &[u8]| {
        let line: Line = (&["explain"], &[RANGE, "--format", "json"]);
        run(&sandbox, dir, line, OsStr::from_bytes(service))
    };
    for (dir, service, want) in [
        ("", b"repos/web".as_slice(), "repos/web"),
        ("repos", b"web", "repos/web"),
        ("", b"worker", "repos/jobs"),
        ("", b"we*", "repos/web"),
        ("repos", b"../second/api", "second/api"),
        ("", b"caf\xe9", "repos/caf\u{fffd}"),
    ] {
        let ran = explain(dir, service);
        assert_eq!(
            ran.status,
            Some(0),
            "{}: {}",
            service.escape_ascii(),
            ran.stderr
        );
        assert_eq!(
            ran.json()["service"]["path"],
            want,
            "{}",
            service.escape_ascii()
        );
    }
    for (service, said) in [
        ("api", "2 services are called `api`"),
        ("w*", "SERVICE matches 2 services: repos/jobs, repos/web"),
        ("wbe", "did you mean `web`?"),
    ] {
        let ran = explain("", service.as_bytes());
        assert_eq!(ran.status, Some(2), "{service}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{service}: {}", ran.stderr);
    }
}

#[test]
fn in_a_service_alone_it_is_that_service() {
    let sandbox = Sandbox::scripted("selected");
    let build: Line = (
        &["build", "--dry-run", "--builder", "embedded"],
        &["--format", "json", "--service-only"],
    );
    for (dir, service, is_it) in [
        ("repos/web", ".", true),
        ("repos/web", "web", true),
        ("repos/web", "w*", true),
        ("repos/web/code", "..", true),
        ("repos/web", "jobs", false),
        ("repos/web", "..", false),
    ] {
        let ran = run(&sandbox, dir, build, OsStr::new(service));
        match is_it {
            true => assert_eq!(paths(&ran), [".".to_owned()].into(), "{dir} {service}"),
            false => {
                assert_eq!(ran.status, Some(2), "{dir} {service}: {}", ran.stderr);
                assert!(ran.stderr.contains("this repository is the service `web`"));
            }
        }
    }
    // Without the flag it is the fleet's, wherever one stands.
    let build: Line = (build.0, &["--format", "json"]);
    for (dir, service, path) in [
        ("repos/web", ".", "repos/web"),
        ("repos/web", "web", "repos/web"),
        ("repos/web/code", "..", "repos/web"),
        ("repos/web", "jobs", "repos/jobs"),
    ] {
        let ran = run(&sandbox, dir, build, OsStr::new(service));
        assert_eq!(paths(&ran), [path.to_owned()].into(), "{dir} {service}");
    }
}

/// An empty folder is the fleet's.
#[test]
fn in_a_service_that_is_not_initialised_a_dot_is_it() {
    let sandbox = Sandbox::scripted("selected");
    let cloned = sandbox.flota("", &["clone", "--service", "jobs", "fleet", "ours"]);
    assert_eq!(cloned.status, Some(0), "{}", cloned.stderr);
    assert!(!sandbox.path("ours/repos/web/.git").exists());
    let ran = sandbox.flota("ours/repos/web", &["update", ".", "--format", "json"]);
    assert_eq!(
        paths(&ran),
        ["repos/web".to_owned()].into(),
        "{}",
        ran.stderr
    );
    assert!(sandbox.path("ours/repos/web/.git").exists());
}

#[test]
fn clone_reads_it_from_the_root_of_the_new_fleet() {
    let sandbox = Sandbox::scripted("selected");
    for (number, (service, want)) in [
        ("repos/web", &["repos/web"][..]),
        ("worker", &["repos/jobs"]),
        ("*/api", &["first/api", "second/api"]),
        ("w*", &["repos/jobs", "repos/web"]),
    ]
    .into_iter()
    .enumerate()
    {
        let to = format!("ours-{number}");
        let arguments = [
            "clone",
            "--service",
            service,
            "--format",
            "json",
            "fleet",
            &to,
        ];
        let ran = sandbox.flota("", &arguments);
        assert_eq!(ran.status, Some(0), "{service}: {}", ran.stderr);
        let want: BTreeSet<_> = want.iter().map(|path| (*path).to_owned()).collect();
        assert_eq!(paths(&ran), want, "{service}");
    }
    for (number, service) in ["api", "wbe", "repos"].into_iter().enumerate() {
        let to = format!("not-{number}");
        let ran = sandbox.flota("", &["clone", "--service", service, "fleet", &to]);
        assert_eq!(ran.status, Some(2), "{service}: {}", ran.stderr);
    }
}

#[test]
fn resolve_reads_it_too() {
    let sandbox = Sandbox::scripted("conflict");
    let resolve = |dir: &str, service: &str| {
        let line: Line = (&["resolve", "--dry-run"], &["--format", "json"]);
        run(&sandbox, dir, line, OsStr::new(service))
    };
    let merged = sandbox.git_output("fleet", &["merge", "other"]);
    assert!(!merged.status.success());
    let all = sandbox.flota("fleet", &["resolve", "--dry-run", "--format", "json"]);
    let all = paths(&all);
    let first = all.first().unwrap();
    let (folder, name) = first.rsplit_once('/').unwrap();
    for (dir, service) in [("", first.as_str()), ("", name), (folder, name)] {
        let ran = resolve(dir, service);
        assert_eq!(
            paths(&ran),
            [first.clone()].into(),
            "{dir} {service}: {}",
            ran.stderr
        );
    }
    assert_eq!(paths(&resolve("", "code-repos/*")), all);
    assert_eq!(resolve("", "no-such").status, Some(2));
}

/// A step is what a plan wrote: no name, no glob, and the same from everywhere.
#[test]
fn a_step_counts_from_the_root_wherever_one_stands() {
    let sandbox = Sandbox::scripted("selected");
    let pin = sandbox.git("fleet", &["rev-parse", "HEAD:repos/web"]);
    let build = |dir: &str, path: &str| {
        let step = format!("image:{path}@{}", pin.trim());
        let builder = [
            "build",
            "--dry-run",
            "--builder",
            "embedded",
            "--format",
            "json",
        ];
        sandbox.flota(
            format!("fleet/{dir}"),
            &[&builder[..], &["--step", &step]].concat(),
        )
    };
    for dir in ["", "repos", "first"] {
        let ran = build(dir, "repos/web");
        assert_eq!(
            paths(&ran),
            ["repos/web".to_owned()].into(),
            "{dir}: {}",
            ran.stderr
        );
    }
    for path in ["web", "repos/w*", "../repos/web"] {
        assert_ne!(build("repos", path).status, Some(0), "{path}");
    }
}

/// Nothing is built, and that is said: a slip is no empty plan.
#[test]
fn a_path_inside_a_service_that_is_no_submodule_is_a_mistake() {
    let sandbox = Sandbox::scripted("selected");
    for line in &COMMANDS[1..3] {
        let ran = run(&sandbox, "", *line, OsStr::new("repos/web/code"));
        assert_eq!(ran.status, Some(2), "{}{}", ran.stderr, ran.text());
        let said = "the fleet has no service `repos/web/code`";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}
