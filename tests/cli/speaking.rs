//! How flota speaks to CI systems: groups, annotations, a summary; and that nothing from outside does.

use std::{
    env,
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    sandbox::{Ran, Sandbox},
    support::need,
};

/// Four services of which the fake engine builds two, in a run of the system that `variables` show.
fn run(variables: &[(&str, &str)], more: &[&str]) -> (Sandbox, Ran) {
    let sandbox = Sandbox::scripted("build-many");
    fs::create_dir(sandbox.path("engine")).unwrap();
    for name in ["s2", "s4"] {
        fs::write(sandbox.path("engine").join(name), "fails").unwrap();
    }
    let args = ["build", "--builder=docker", "--all", "--keep-going", "-j1"];
    let folder = sandbox.root().to_owned();
    let prepare = |command: &mut Command| {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools");
        let mut path = OsString::from(tools);
        path.push(":");
        path.push(env::var_os("PATH").unwrap());
        command
            .env("PATH", path)
            .env("FAKE_ENGINE", folder.join("engine"))
            .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
            .env("AGENT_TEMPDIRECTORY", &folder)
            .envs(variables.iter().copied());
    };
    let ran = sandbox.flota_with("fleet", &[&args, more].concat(), prepare);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    (sandbox, ran)
}

const GITHUB: [(&str, &str); 3] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_EVENT_NAME", "schedule"),
    ("GITHUB_REF", "refs/heads/main"),
];

#[test]
fn github_folds_successes_annotates_failures_and_shows_a_summary() {
    let (sandbox, ran) = run(&GITHUB, &[]);
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("::group::"))
            .count(),
        2
    );
    assert_eq!(
        lines.iter().filter(|line| **line == "::endgroup::").count(),
        2
    );
    let errors: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("::error "))
        .collect();
    assert_eq!(errors.len(), 2, "{}", ran.stderr);
    assert!(
        errors[0].starts_with("::error title=s2::docker could not build"),
        "{}",
        errors[0]
    );
    let last_group = ran.stderr.rfind("::endgroup::").unwrap();
    assert!(ran.stderr.find("s2 does not compile").unwrap() > last_group);
    let summary = fs::read_to_string(sandbox.path("summary.md")).unwrap();
    assert!(summary.contains("2 built, 2 failed"), "{summary}");
    let first = summary
        .lines()
        .find(|line| line.contains("<code>s"))
        .unwrap();
    assert!(
        first.contains("<code>s2</code>") && first.contains("❌ failed"),
        "{first}"
    );
}

#[test]
fn a_flag_switches_it_off() {
    let (sandbox, ran) = run(&GITHUB, &["--no-ci-commands"]);
    assert!(!ran.stderr.contains("::"), "{}", ran.stderr);
    assert!(!sandbox.path("summary.md").exists());
}

#[test]
fn azure_reads_a_file_that_a_command_names() {
    let variables = [
        ("TF_BUILD", "True"),
        ("BUILD_REASON", "Schedule"),
        ("BUILD_SOURCEBRANCH", "refs/heads/main"),
        ("BUILD_SOURCEVERSION", ""),
    ];
    let (_sandbox, ran) = run(&variables, &[]);
    assert_eq!(
        ran.stderr
            .matches("##vso[task.logissue type=error;")
            .count(),
        2,
        "{}",
        ran.stderr
    );
    let named = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("##vso[task.uploadsummary]"));
    let summary = fs::read_to_string(named.unwrap()).unwrap();
    assert!(summary.contains("| <code>s1</code> |"), "{summary}");
}

/// What a command in a service may print, to steer a log by.
const HOSTILE: &str = "::add-path::/tmp/x\n  ::set-env name=PATH::/tmp/x\na\r::error::x\nx ##[group]y\n\
    ##vso[task.setvariable variable=PATH]/tmp/x\n\x1b[0Ksection_start:0:x\r\x1b[0Kx\nsection_end:0:x\r\x1b[0K\n\
    --- a\n+++ b\n~~~ c\n^^^ +++\n\x1b]1339;url='x'\x07\n";

#[test]
fn what_foreach_passes_on_is_obeyed_by_no_system() {
    let sandbox = Sandbox::scripted("code");
    fs::write(sandbox.path("hostile"), HOSTILE).unwrap();
    let systems: [&[(&str, &str)]; 5] = [
        &GITHUB,
        &[
            ("TF_BUILD", "True"),
            ("BUILD_REASON", "Schedule"),
            ("BUILD_SOURCEBRANCH", "refs/heads/main"),
        ],
        &[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "web")],
        &[("BUILDKITE", "true"), ("BUILDKITE_SOURCE", "ui")],
        &[("BUILD_TAG", "jenkins-fleet-1"), ("BRANCH_NAME", "main")],
    ];
    for system in systems {
        // The second fails, and its error is told too.
        for end in ["", "; exit 1"] {
            let script = format!("cat \"$FLOTA_FLEET/../hostile\"{end}");
            let args = ["foreach", "--", "sh", "-c", &script];
            let ran = sandbox.flota_with("fleet", &args, |flota| {
                flota.envs(system.iter().copied());
            });
            assert_eq!(
                ran.status,
                Some(i32::from(!end.is_empty())),
                "{}",
                ran.stderr
            );
            let said = ran.text();
            assert!(said.contains("section_start"), "{said}");
            for line in said.split(['\n', '\r']) {
                let begins = ["---", "+++", "~~~", "^^^"];
                let is_header =
                    system[0].0 == "BUILDKITE" && begins.iter().any(|it| line.starts_with(it));
                let is_command = line.trim_start().starts_with("::")
                    || ["##[", "##vso[", "\x1b"].iter().any(|it| line.contains(it));
                assert!(!is_header && !is_command, "{system:?}: {line:?}");
            }
        }
    }
}

#[test]
fn a_terminal_of_no_width_wraps_nothing() {
    if !need("script") {
        return;
    }
    let sandbox = Sandbox::scripted("build-many");
    let plan = format!("{} plan --all", env!("CARGO_BIN_EXE_flota"));
    let output = sandbox
        .program("script", "fleet")
        .args(["--quiet", "--return", "--command", &plan, "/dev/null"])
        .env("NO_COLOR", "1")
        // What is no terminal has no size to hand on.
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("SERVICE  ACTION  COMMIT"), "{said}");
}
