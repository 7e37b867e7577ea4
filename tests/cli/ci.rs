//! `flota ci`, and the pipelines that it writes.

use std::{
    cell::Cell,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use flota::model::pipeline::AZURE_MATRICES;
use walkdir::WalkDir;

use crate::{
    consumers::{assert_schema, run, yaml},
    sandbox::Sandbox,
    support, workspace,
};

mod github;
mod jenkins;
mod others;
mod runner;

pub use runner::{Event, Runner};

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

/// All that [`each_written`] comes to, each in a folder of its own: one process of a linter reads them all.
fn all_written() -> (tempfile::TempDir, Vec<PathBuf>) {
    let all = workspace::folder();
    let count = Cell::new(0);
    each_written(|dir| {
        let to = all.path().join(count.get().to_string());
        count.set(count.get() + 1);
        for entry in WalkDir::new(dir).into_iter().map(Result::unwrap) {
            let relative = entry.path().strip_prefix(dir).unwrap();
            if entry.file_type().is_file() && !relative.iter().any(|part| part == ".git") {
                fs::create_dir_all(to.join(relative).parent().unwrap()).unwrap();
                fs::copy(entry.path(), to.join(relative)).unwrap();
            }
        }
    });
    let written = (0..count.get()).map(|number| all.path().join(number.to_string()));
    let written: Vec<_> = written.collect();
    assert_eq!(written.len(), 4);
    (all, written)
}

#[test]
fn pipelines_pass_their_systems_schemas() {
    let (_all, written) = all_written();
    // As Azure reads it once the parameter is filled in: a job's name is no expression to the schema.
    for dir in &written {
        let template = fs::read_to_string(dir.join(".azure/flota-build.yml")).unwrap();
        let expanded = template.replace("${{ parameters.matrix }}", "matrix");
        fs::write(dir.join("expanded.yml"), expanded).unwrap();
    }
    for (schema, files) in [
        (
            "vendor.github-workflows",
            &[".github/workflows/flota.yml"][..],
        ),
        (
            "vendor.azure-pipelines",
            &["azure-pipelines.yml", "expanded.yml"],
        ),
        ("vendor.gitlab-ci", &[".gitlab-ci.yml", ".gitlab/flota.yml"]),
        ("vendor.buildkite", &[".buildkite/pipeline.yml"]),
    ] {
        let of = |dir: &PathBuf| files.iter().map(|file| dir.join(file)).collect::<Vec<_>>();
        assert_schema(schema, &written.iter().flat_map(of).collect::<Vec<_>>());
    }
}

/// Whatever a plan is divided into, a job reads it.
#[test]
fn azure_reads_every_matrix_that_a_plan_may_have() {
    each_written(|dir| {
        let text = fs::read_to_string(dir.join("azure-pipelines.yml")).unwrap();
        let pipeline = yaml(&text);
        let jobs = pipeline["jobs"].as_array().unwrap();
        let read = jobs
            .iter()
            .filter(|job| job["template"] == ".azure/flota-build.yml");
        let read: Vec<_> = read
            .map(|job| job["parameters"]["matrix"].clone())
            .collect();
        let parts = (0..AZURE_MATRICES).map(|part| format!("matrix_{part}"));
        let want: Vec<_> = std::iter::once("matrix".to_owned()).chain(parts).collect();
        assert_eq!(read, want);
        let report = jobs.iter().find(|job| job["job"] == "report").unwrap();
        for matrix in want {
            let job = format!("build_{matrix}");
            let needed = report["dependsOn"].as_array().unwrap();
            assert!(needed.iter().any(|needed| *needed == job), "{job}");
            let result = &report["variables"][format!("FLOTA_BUILT_{matrix}")];
            assert_eq!(*result, format!("$[ dependencies.{job}.result ]"));
        }
    });
}

#[test]
fn workflows_have_nothing_that_linters_find() {
    let (_all, written) = all_written();
    let workflow = |dir: &PathBuf| dir.join(".github/workflows/flota.yml");
    if support::need("actionlint") {
        run(Command::new("actionlint").args(written.iter().map(workflow)));
    }
    if support::need("zizmor") {
        let args = ["--offline", "--no-progress", "--persona=pedantic"];
        run(Command::new("zizmor")
            .args(args)
            .args(written.iter().map(workflow)));
    }
}

#[test]
fn scripts_have_nothing_that_shellcheck_finds() {
    let (_all, written) = all_written();
    if support::need("shellcheck") {
        let scripts = |dir: &PathBuf| {
            let dir = dir.join(".buildkite");
            ["plan", "build", "record"].map(|it| dir.join(format!("flota-{it}")))
        };
        run(Command::new("shellcheck").args(written.iter().flat_map(scripts)));
    }
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
        // One job alone may write, after a push alone, and runs nothing of the repository.
        let workflow = yaml(&text);
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            let permissions = job["permissions"].to_string();
            assert_eq!(permissions.contains("write"), name == "record", "{name}");
        }
        let record = &workflow["jobs"]["record"];
        assert_eq!(record["permissions"].to_string(), r#"{"contents":"write"}"#);
        let condition = record["if"].as_str().unwrap();
        assert!(condition.contains("github.event_name == 'push'"));
        for step in record["steps"].as_array().unwrap() {
            let script = step["run"].as_str().unwrap_or_default();
            let runs = ["flota build", "flota update", "docker"];
            assert!(!runs.iter().any(|it| script.contains(it)), "{script}");
        }
    });
}

#[test]
fn a_fleet_may_do_without_a_record() {
    let sandbox = Sandbox::scripted("code");
    for dir in ["fleet", "api"] {
        fs::write(
            sandbox.path(dir).join("flota.toml"),
            "[ci]\nrecord = false\n",
        )
        .unwrap();
        for system in SYSTEMS {
            let ran = sandbox.flota(dir, &["ci", system]);
            assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            for file in sandbox.flota(dir, &["ci", system, "--format=json"]).json()["files"]
                .as_array()
                .unwrap()
            {
                let file = file["path"].as_str().unwrap();
                let text = fs::read_to_string(sandbox.path(dir).join(file)).unwrap();
                for word in ["last-success", "flota record", ": write", "flota-reports"] {
                    assert!(!text.contains(word), "{file}: {word}");
                }
            }
        }
    }
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
