//! `flota ci`, and the pipelines that it writes.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::{
    consumers::{assert_schema, run},
    sandbox::Sandbox,
    support,
};

mod github;

const SYSTEMS: [&str; 5] = ["github", "azure", "gitlab", "buildkite", "jenkins"];

/// Everything that flota.toml can say to pipelines.
const FULL: &str = r#"[image]
registry = "registry.example.com/shop"
[ci]
archive = "https://example.com/flota-0.1.0.tar.gz?a=b&c=%20"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
image = "registry.example.com/tools/flota:0.1.0"
"#;

/// A fleet and a service, without a configuration and with all of it, with every system's pipelines in them.
fn each_written(look: impl Fn(&Path)) {
    let sandbox = Sandbox::scripted("code");
    for configuration in [None, Some(FULL)] {
        for dir in ["fleet", "api"] {
            if let Some(text) = configuration {
                fs::write(sandbox.path(dir).join("flota.toml"), text).unwrap();
            }
            for system in SYSTEMS {
                let ran = sandbox.flota(dir, &["ci", system]);
                assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            }
            look(&sandbox.path(dir));
        }
    }
}

#[test]
fn pipelines_pass_their_systems_schemas() {
    each_written(|dir| {
        for (schema, file) in [
            ("vendor.github-workflows", ".github/workflows/flota.yml"),
            ("vendor.azure-pipelines", "azure-pipelines.yml"),
            ("vendor.gitlab-ci", ".gitlab-ci.yml"),
            ("vendor.gitlab-ci", ".gitlab/flota.yml"),
            ("vendor.buildkite", ".buildkite/pipeline.yml"),
        ] {
            assert_schema(schema, &dir.join(file));
        }
    });
}

#[test]
fn workflows_have_nothing_that_linters_find() {
    each_written(|dir| {
        let workflow = ".github/workflows/flota.yml";
        if support::need("actionlint") {
            run(Command::new("actionlint").arg(workflow).current_dir(dir));
        }
        if support::need("zizmor") {
            let args = ["--offline", "--no-progress", "--persona=pedantic", workflow];
            run(Command::new("zizmor").args(args).current_dir(dir));
        }
    });
}

#[test]
fn scripts_have_nothing_that_shellcheck_finds() {
    each_written(|dir| {
        if support::need("shellcheck") {
            let scripts = [".buildkite/flota-plan", ".buildkite/flota-build"];
            run(Command::new("shellcheck").args(scripts).current_dir(dir));
        }
    });
}

#[test]
fn actions_are_pinned_and_secrets_out_of_reach_for_pull_requests() {
    each_written(|dir| {
        let text = fs::read_to_string(dir.join(".github/workflows/flota.yml")).unwrap();
        for line in text.lines().filter(|line| line.contains("uses: ")) {
            let commit = line.split_once('@').unwrap().1.split(' ').next().unwrap();
            assert!(
                commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()),
                "{line}"
            );
            assert!(line.contains(" # v"), "{line}");
        }
        assert!(!text.contains("pull_request_target"));
        assert!(text.contains("\npermissions: {}\n"));
        assert!(!text.contains(": write"), "{text}");
    });
}

#[test]
fn what_was_written_is_up_to_date_and_stays() {
    let sandbox = Sandbox::scripted("code");
    for system in SYSTEMS {
        let check = ["ci", system, "--check"];
        assert_eq!(sandbox.flota("fleet", &check).status, Some(1), "{system}");
        let first = sandbox.flota("fleet", &["ci", system]);
        assert!(first.text().contains("written"), "{}", first.text());
        assert_eq!(sandbox.flota("fleet", &check).status, Some(0), "{system}");
        let again = sandbox.flota("fleet", &["ci", system]);
        assert!(!again.text().contains("written"), "{}", again.text());
    }
    let changed = sandbox.path("fleet/.github/workflows/flota.yml");
    let text = fs::read_to_string(&changed).unwrap();
    fs::write(&changed, format!("{text}# more\n")).unwrap();
    insta::assert_snapshot!(
        sandbox
            .flota("fleet", &["ci", "github", "--check"])
            .transcript()
    );
    let json = sandbox
        .flota("fleet", &["ci", "github", "--format", "json"])
        .json();
    assert_eq!(json["files"][0]["found"], "outdated");
    assert_eq!(json["files"][0]["written"], true);
    assert_eq!(fs::read_to_string(&changed).unwrap(), text);
}

#[test]
fn a_script_that_cannot_be_run_is_out_of_date() {
    let sandbox = Sandbox::scripted("code");
    sandbox.flota("fleet", &["ci", "buildkite"]);
    let script = sandbox.path("fleet/.buildkite/flota-build");
    assert!(fs::metadata(&script).unwrap().permissions().mode() & 0o100 != 0);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        sandbox
            .flota("fleet", &["ci", "buildkite", "--check"])
            .status,
        Some(1)
    );
}

#[test]
fn a_users_file_is_left_alone() {
    let sandbox = Sandbox::scripted("code");
    let file = sandbox.path("fleet/.gitlab/flota.yml");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "mine: true\n").unwrap();
    let refused = sandbox.flota("fleet", &["ci", "gitlab"]);
    insta::assert_snapshot!(refused.transcript());
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine: true\n");
    assert!(
        !sandbox.path("fleet/.gitlab-ci.yml").exists(),
        "all or none"
    );
    let forced = sandbox.flota("fleet", &["ci", "gitlab", "--force"]);
    assert_eq!(forced.status, Some(0));
    assert_ne!(fs::read_to_string(&file).unwrap(), "mine: true\n");
}

#[test]
fn no_link_leads_out_of_the_repository() {
    let sandbox = Sandbox::scripted("code");
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("elsewhere"), sandbox.path("fleet/.github")).unwrap();
    for args in [&["ci", "github"][..], &["ci", "github", "--force"]] {
        let ran = sandbox.flota("fleet", args);
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    }
    assert_eq!(fs::read_dir(sandbox.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn pushes_to_the_fleets_own_base_branch_are_built_too() {
    let sandbox = Sandbox::scripted("code");
    let configuration = sandbox.path("fleet/flota.toml");
    fs::write(&configuration, "[fleet]\nbase_branch = \"release/2.x\"\n").unwrap();
    sandbox.flota("fleet", &["ci", "github"]);
    let text = fs::read_to_string(sandbox.path("fleet/.github/workflows/flota.yml")).unwrap();
    assert!(
        text.contains("branches: [release/2.x, development, main, master]\n"),
        "{text}"
    );
    fs::write(&configuration, "[fleet]\nbase_branch = \"x'$(id)\"\n").unwrap();
    let refused = sandbox.flota("fleet", &["ci", "github"]);
    assert_eq!(refused.status, Some(2), "{}", refused.stderr);
}
