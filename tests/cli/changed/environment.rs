//! Configuration from the environment (git-config(1), `ENVIRONMENT`): it counts for everything that git counts it for, whichever of its
//! ways it comes by.

use std::{fs, os::unix::fs::chown, process::Command};

use crate::{
    sandbox::{Ran, Sandbox},
    support::skipped,
};

/// How a setting reaches git.
const WAYS: [Way; 5] = [
    Way::Numbered,
    Way::Parameters,
    Way::OldParameters,
    Way::Global,
    Way::System,
];

#[derive(Clone, Copy, Debug)]
enum Way {
    /// `GIT_CONFIG_COUNT`, `GIT_CONFIG_KEY_n`, `GIT_CONFIG_VALUE_n`.
    Numbered,
    /// `GIT_CONFIG_PARAMETERS`: `git -c`.
    Parameters,
    /// The same as git wrote it until 2.30.
    OldParameters,
    /// `GIT_CONFIG_GLOBAL`.
    Global,
    /// `GIT_CONFIG_SYSTEM`.
    System,
}

impl Way {
    fn set(self, sandbox: &Sandbox, command: &mut Command, [section, key, value]: [&str; 3]) {
        let file = sandbox.path("configuration");
        let (name, subsection) = section.split_once('.').unwrap_or((section, ""));
        let quoted = match subsection {
            "" => String::new(),
            subsection => format!(" \"{subsection}\""),
        };
        fs::write(&file, format!("[{name}{quoted}]\n\t{key} = {value}\n")).unwrap();
        match self {
            Self::Numbered => command
                .env("GIT_CONFIG_COUNT", "3")
                .env("GIT_CONFIG_KEY_2", format!("{section}.{key}"))
                .env("GIT_CONFIG_VALUE_2", value),
            Self::Parameters => command.env(
                "GIT_CONFIG_PARAMETERS",
                format!("'{section}.{key}'='{value}'"),
            ),
            Self::OldParameters => command.env(
                "GIT_CONFIG_PARAMETERS",
                format!("'{section}.{key}={value}'"),
            ),
            Self::Global => command.env("GIT_CONFIG_GLOBAL", file),
            Self::System => command
                .env("GIT_CONFIG_SYSTEM", file)
                .env_remove("GIT_CONFIG_NOSYSTEM"),
        };
    }
}

fn run(sandbox: &Sandbox, args: &[&str], way: Way, setting: [&str; 3]) -> Ran {
    sandbox.flota_with("ours", args, |command| way.set(sandbox, command, setting))
}

/// A clone without its service, which `.gitmodules` says is on a host that does not exist.
fn clone() -> Sandbox {
    let sandbox = Sandbox::scripted("url-and-pin");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    sandbox
}

const CHANGED: [&str; 4] = ["changed", "HEAD~1..HEAD", "--format", "names"];

#[test]
fn where_a_service_is_may_be_said_there() {
    for way in WAYS {
        for (section, key, value) in [
            ("url.PATH", "insteadOf", "https://git.example/api.git"),
            ("submodule.api", "url", "PATH"),
        ] {
            let sandbox = clone();
            let path = sandbox.path("api").display().to_string();
            let [section, value] = [section, value].map(|text| text.replace("PATH", &path));
            let setting = [&section, key, &value];
            let ran = run(&sandbox, &CHANGED, way, setting);
            let case = format!("{way:?} {section}: {}", ran.stderr);
            assert_eq!(
                (ran.status, ran.text().as_str()),
                (Some(0), "api\n"),
                "{case}"
            );
        }
    }
}

#[test]
fn a_repository_of_somebody_elses_may_be_called_safe_there() {
    let sandbox = clone();
    let stranger = |folder: &str| {
        let all = walkdir::WalkDir::new(sandbox.path(folder)).into_iter();
        all.flatten()
            .try_for_each(|entry| chown(entry.path(), Some(4711), None))
    };
    if stranger("ours").is_err() {
        skipped("chown");
        return;
    }
    let ours = sandbox.path("ours").display().to_string();
    let args = ["changed", "HEAD..HEAD"];
    let refused = sandbox.flota("ours", &args);
    assert_eq!(refused.status, Some(4), "{}", refused.stderr);
    for way in WAYS {
        for (named, is_safe) in [
            (ours.as_str(), true),
            ("*", true),
            ("/elsewhere", false),
            ("", false),
        ] {
            let setting = ["safe", "directory", named];
            let ran = run(&sandbox, &args, way, setting);
            let by_git = sandbox.git_with("ours", &["rev-parse", "HEAD"], |command| {
                way.set(&sandbox, command, setting);
            });
            assert_eq!(by_git.status.success(), is_safe, "{way:?} {named}");
            let want = if is_safe { 0 } else { 4 };
            assert_eq!(ran.status, Some(want), "{way:?} {named}: {}", ran.stderr);
        }
    }
}

#[test]
fn whether_replacements_count_may_be_said_there() {
    for way in WAYS {
        let sandbox = Sandbox::scripted("code");
        sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
        let [base, head] = ["HEAD~1", "HEAD"].map(|rev| sandbox.git("ours", &["rev-parse", rev]));
        sandbox.git("ours", &["replace", base.trim(), head.trim()]);
        let range = format!("{}..{}", base.trim(), head.trim());
        let args = ["changed", &range, "--format", "names"];
        assert_eq!(sandbox.flota("ours", &args).text(), "", "{way:?}");
        let ran = run(&sandbox, &args, way, ["core", "useReplaceRefs", "false"]);
        assert_eq!(ran.text(), "api\n", "{way:?}: {}", ran.stderr);
    }
}

/// `git -c KEY=VALUE flota …`, where flota is on the path as `git-flota` or an alias.
#[test]
fn what_git_says_to_its_commands_counts() {
    let sandbox = clone();
    let flota = env!("CARGO_BIN_EXE_flota");
    let rule = format!(
        "url.{}.insteadOf=https://git.example/api.git",
        sandbox.path("api").display()
    );
    let alias = format!("alias.fleets=!{flota}");
    let args = [&["-c", &rule, "-c", &alias, "fleets"][..], &CHANGED].concat();
    let said = sandbox.git("ours", &args);
    assert_eq!(said, "api\n");
}

#[test]
fn what_git_refuses_is_refused() {
    let sandbox = clone();
    for (name, value) in [
        ("GIT_CONFIG_PARAMETERS", "'a.b"),
        ("GIT_CONFIG_PARAMETERS", "a.b=c"),
    ] {
        let ran = sandbox.flota_with("ours", &CHANGED, |command| {
            command.env(name, value);
        });
        assert_eq!(ran.status, Some(2), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("GIT_CONFIG_PARAMETERS is malformed"),
            "{}",
            ran.stderr
        );
    }
}
