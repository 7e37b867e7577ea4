//! `flota record`, and `--base last-success` that goes by it.

use std::{fs, process::Stdio};

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox};

const REF: &str = "refs/flota/success/main";

/// The scripted fleet, with its first commit recorded as built in full.
fn recorded() -> Sandbox {
    let sandbox = Sandbox::scripted("record");
    sandbox.git("fleet", &["checkout", "--quiet", "--detach", "HEAD~1"]);
    report(&sandbox, &["api", "docs", "lib", "web"], &[]);
    let ran = sandbox.flota("fleet", &["record", "--for", "main", "--push"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("fleet", &["checkout", "--quiet", "main"]);
    sandbox
}

/// Leaves the build.json of a run at HEAD: what the plan for all services says, with these built and those failed.
pub fn report(sandbox: &Sandbox, built: &[&str], failed: &[&str]) {
    fs::create_dir_all(sandbox.path("fleet/.flota")).unwrap();
    fs::write(
        sandbox.path("fleet/.flota/build.json"),
        leg(sandbox, built, failed),
    )
    .unwrap();
}

pub fn leg(sandbox: &Sandbox, built: &[&str], failed: &[&str]) -> String {
    let plan = sandbox
        .flota("fleet", &["plan", "--all", "--format=json"])
        .json();
    let of = |name: &str, status: &str| {
        let steps = plan["steps"].as_array().unwrap();
        let mut step = steps
            .iter()
            .find(|step| step["name"] == name)
            .unwrap()
            .clone();
        step["status"] = status.into();
        step
    };
    let built = built.iter().map(|name| of(name, "built"));
    let services: Vec<_> = built
        .chain(failed.iter().map(|name| of(name, "failed")))
        .collect();
    json!({"schema": "flota.build/v1", "base": null, "head": plan["head"], "services": services})
        .to_string()
}

fn record(sandbox: &Sandbox, more: &[&str]) -> Value {
    sandbox
        .flota("fleet", &[&["record", "--format=json"], more].concat())
        .json()
}

/// Service, action and reason of each step since the last success.
fn plan(sandbox: &Sandbox) -> Vec<String> {
    let args = ["plan", "--base=last-success", "--format=json"];
    let plan = sandbox.flota("fleet", &args).json();
    let word = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    let steps = plan["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            ["name", "action", "reason"]
                .map(|key| word(step, key))
                .join(" ")
        })
        .collect()
}

fn commit_all(sandbox: &Sandbox, message: &str) -> String {
    sandbox.git("fleet", &["add", "--all"]);
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--allow-empty", "--message", message],
    );
    sandbox
        .git("fleet", &["rev-parse", "HEAD"])
        .trim()
        .to_owned()
}

const ALL: [&str; 4] = [
    "api image depends-on:lib",
    "docs image fanout:shared/base",
    "lib image code-changed",
    "web image code-changed",
];

#[test]
fn a_build_that_failed_comes_up_again_though_others_went_on() {
    let sandbox = recorded();
    let first = sandbox.git("fleet", &["rev-parse", "HEAD~1"]);
    assert_eq!(plan(&sandbox), ALL);

    // The three ways to be called for: its own change, a dependency's, a file of the fleet's.
    report(&sandbox, &["lib"], &["api", "docs", "web"]);
    let said = record(&sandbox, &["--push"]);
    let paths = ["api", "docs", "web"]
        .map(|name| json!({"path": format!("code-repos/{name}"), "commit": first.trim()}));
    assert_eq!(said["exceptions"], json!(paths));

    commit_all(&sandbox, "Nothing");
    let again = [
        "api image depends-on:lib",
        "docs image fanout:shared/base",
        "web image code-changed",
    ];
    assert_eq!(plan(&sandbox), again);

    report(&sandbox, &["docs", "web"], &[]);
    let said = record(&sandbox, &["--push"]);
    assert_eq!(said["exceptions"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(plan(&sandbox), again[..1]);

    report(&sandbox, &["api"], &[]);
    let said = record(&sandbox, &["--push"]);
    assert_eq!(said["exceptions"], json!([]));
    assert_eq!(plan(&sandbox), [""; 0]);
}

#[test]
fn people_read_what_is_compared_with_what() {
    let sandbox = recorded();
    report(&sandbox, &["api", "docs", "lib"], &["web"]);
    let ran = sandbox.flota("fleet", &["record"]);
    insta::assert_snapshot!(ran.transcript());
    let args = ["changed", "--base=last-success", "--offline"];
    insta::assert_snapshot!(sandbox.flota("fleet", &args).transcript());
    let args = ["explain", "web", "--base=last-success", "--offline"];
    insta::assert_snapshot!(sandbox.flota("fleet", &args).transcript());
}

#[test]
fn a_real_build_is_recorded_and_the_next_one_has_nothing_to_do() {
    let sandbox = recorded();
    let build = ["build", "--base=last-success", "--keep-going"];
    sandbox.git("web", &["config", "core.bare", "false"]);
    let dockerfile = "FROM scratch\nRUN fail\n";
    fs::write(sandbox.path("web/code/Dockerfile"), dockerfile).unwrap();
    sandbox.git(
        "web",
        &["commit", "--quiet", "--all", "--message", "Break it"],
    );
    sandbox.git(
        "fleet/code-repos/web",
        &["pull", "--quiet", "origin", "main"],
    );
    commit_all(&sandbox, "Break web");

    let ran = sandbox.flota("fleet", &build);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(
        record(&sandbox, &[])["exceptions"][0]["path"],
        "code-repos/web"
    );
    let ran = sandbox.flota("fleet", &[&build[..], &["--offline"]].concat());
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.text().contains("\nweb "), "{}", ran.text());
    assert!(!ran.text().contains("\nlib "), "{}", ran.text());
}

#[test]
fn a_clone_gets_the_record_from_the_remote() {
    let sandbox = recorded();
    sandbox.git("fleet", &["push", "--quiet", "origin", "main"]);
    for depth in [&[][..], &["--depth=1"]] {
        let url = format!("file://{}", sandbox.path("fleet.git").display());
        let clone = [&["clone", "--quiet"], depth, &[&url, "clone"]].concat();
        sandbox.git("", &clone);
        let args = ["plan", "--base=last-success", "--format=json"];
        let plan = sandbox.flota("clone", &args).json();
        assert_eq!(plan["count"], 4);
        assert_eq!(plan["base"]["kind"], "exact");
        assert_eq!(plan["base"]["rev"], REF);
        fs::remove_dir_all(sandbox.path("clone")).unwrap();
    }
}

#[test]
fn without_a_record_the_base_is_what_it_would_be() {
    let sandbox = Sandbox::scripted("record");
    sandbox.git("fleet", &["switch", "--quiet", "--create", "work"]);
    sandbox.git("fleet", &["branch", "--force", "main", "HEAD~1"]);
    let args = ["plan", "--base=last-success:prod", "--format=json"];
    let ran = sandbox.flota("fleet", &args);
    assert!(
        ran.stderr
            .contains("refs/flota/success/prod does not exist yet"),
        "{}",
        ran.stderr
    );
    let plan = ran.json();
    assert_eq!(plan["base"]["kind"], "merge-base");
    assert_eq!(plan["warnings"][0]["kind"], "approximate-base");
    let without = sandbox.flota("fleet", &["plan", "--format=json"]).json();
    assert_eq!(plan["base"], without["base"]);
    assert_eq!(plan["steps"], without["steps"]);
}

#[test]
fn the_first_record_goes_by_what_the_run_was_compared_with() {
    let sandbox = Sandbox::scripted("record");
    let first = sandbox.git("fleet", &["rev-parse", "HEAD~1"]);
    let plan = sandbox.flota("fleet", &["plan", "HEAD~1..HEAD", "--format=json"]);
    fs::write(sandbox.path("plan.json"), &plan.stdout).unwrap();
    fs::write(
        sandbox.path("leg.json"),
        leg(&sandbox, &["lib", "docs", "web"], &[]),
    )
    .unwrap();
    let with_plan = record(&sandbox, &["../plan.json", "../leg.json"]);
    assert_eq!(
        with_plan["exceptions"],
        json!([{"path": "code-repos/api", "commit": first.trim()}])
    );

    // Legs alone say nothing of the rest.
    let legs_alone = record(&sandbox, &["--for=other", "../leg.json"]);
    assert_eq!(
        legs_alone["exceptions"],
        json!([{"path": "code-repos/api", "commit": null}])
    );
    let args = [
        "plan",
        "--base=last-success:other",
        "--format=json",
        "--offline",
    ];
    let plan = sandbox.flota("fleet", &args).json();
    assert_eq!(plan["steps"][0]["reason"], "added");
}

/// As the last job of a pipeline does it: a folder with what the jobs reported, if anything, and the plan's base.
#[test]
fn a_folder_of_reports_needs_the_base_alone() {
    let sandbox = Sandbox::scripted("record");
    let first = sandbox.git("fleet", &["rev-parse", "HEAD~1"]);
    fs::create_dir_all(sandbox.path("reports/flota-1")).unwrap();
    fs::write(sandbox.path("reports/note.txt"), "no report").unwrap();
    let all = ["api", "docs", "lib", "web"];
    let open = |said: &Value, commit: Option<&str>, names: &[&str]| {
        let path = |name: &&str| json!({"path": format!("code-repos/{name}"), "commit": commit});
        let names: Vec<_> = names.iter().map(path).collect();
        assert_eq!(said["exceptions"], json!(names));
    };
    let base = format!("--base={}", first.trim());
    let nothing = record(&sandbox, &["--for=none", &base, "../reports"]);
    open(&nothing, Some(first.trim()), &all);
    let never = record(&sandbox, &["--for=never", "--base=", "../reports"]);
    open(&never, None, &all);

    let report = leg(&sandbox, &["docs", "lib"], &[]);
    fs::write(sandbox.path("reports/flota-1/build.json"), report).unwrap();
    let some = record(&sandbox, &["--for=some", &base, "../reports"]);
    open(&some, Some(first.trim()), &["api", "web"]);
    for (base, status) in [("--base=--output=x", 2), ("--base=gone", 4)] {
        let ran = sandbox.flota("fleet", &["record", "--for=new", base, "../reports"]);
        assert_eq!(ran.status, Some(status), "{}", ran.stderr);
    }
}

#[test]
fn another_pin_or_half_a_build_is_no_success() {
    let sandbox = recorded();
    let mut one: Value = serde_json::from_str(&leg(&sandbox, &["lib", "web"], &[])).unwrap();
    one["services"][0]["action"] = "chart".into();
    one["services"][1]["commit"] = "1111111111111111111111111111111111111111".into();
    fs::write(sandbox.path("one.json"), one.to_string()).unwrap();
    let said = record(&sandbox, &["../one.json"]);
    assert_eq!(said["exceptions"].as_array().unwrap().len(), 4, "{said}");
}

#[test]
fn a_service_that_moves_is_still_the_one_that_failed() {
    let sandbox = recorded();
    report(&sandbox, &["api", "docs", "lib"], &["web"]);
    record(&sandbox, &["--push"]);
    sandbox.git("fleet", &["mv", "code-repos/web", "code-repos/site"]);
    commit_all(&sandbox, "Move web");
    assert_eq!(plan(&sandbox), ["site image code-changed"]);
    report(&sandbox, &[], &["site"]);
    let said = record(&sandbox, &["--push"]);
    assert_eq!(said["exceptions"][0]["path"], "code-repos/site");
}

#[test]
fn a_run_that_ends_after_a_newer_one_takes_nothing_back() {
    let sandbox = recorded();
    report(&sandbox, &["lib", "docs", "api"], &["web"]);
    fs::rename(
        sandbox.path("fleet/.flota/build.json"),
        sandbox.path("old.json"),
    )
    .unwrap();
    let newer = commit_all(&sandbox, "Nothing");
    report(&sandbox, &["lib", "docs", "api", "web"], &[]);
    record(&sandbox, &["--push"]);
    let said = record(&sandbox, &["--push", "../old.json"]);
    assert_eq!(said["commit"], newer.as_str());
    assert_eq!(said["exceptions"], json!([]));
    assert_eq!(said["changed"], false);
}

/// Each of many writers reports one service that it built; none is lost.
fn written_at_once(sandbox: &Sandbox, clones: &[String], more: &[&str]) {
    let names = ["api", "docs", "lib", "web"];
    let writers: Vec<_> = names
        .iter()
        .cycle()
        .zip(clones)
        .map(|(name, clone)| {
            let report = format!("../{name}.json");
            fs::write(
                sandbox.path("fleet").join(&report),
                leg(sandbox, &[name], &[]),
            )
            .unwrap();
            let args = [&["record", "--for=main", &report], more].concat();
            let mut command = sandbox.command(clone, &args);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn several_may_record_at_once_in_one_clone() {
    let sandbox = recorded();
    sandbox.git("fleet", &["remote", "remove", "origin"]);
    written_at_once(&sandbox, &["fleet"; 4].map(str::to_owned), &[]);
    assert_eq!(plan(&sandbox), [""; 0]);
}

#[test]
fn several_may_record_at_once_from_clones_of_their_own() {
    let sandbox = recorded();
    sandbox.git("fleet", &["push", "--quiet", "origin", "main"]);
    let clones: Vec<_> = (0..10).map(|n| format!("clone{n}")).collect();
    for (n, clone) in clones.iter().enumerate() {
        let url = format!("file://{}", sandbox.path("fleet.git").display());
        let depth = if n % 2 == 0 { "--depth=1" } else { "--depth=9" };
        sandbox.git("", &["clone", "--quiet", depth, &url, clone]);
    }
    written_at_once(&sandbox, &clones, &["--push"]);
    assert_eq!(plan(&sandbox), [""; 0]);
    sandbox.git("fleet.git", &["fsck", "--strict"]);
}

#[test]
fn a_service_of_its_own_is_recorded_too() {
    let sandbox = Sandbox::scripted("service");
    let report = |status: &str| {
        let args = ["plan", "--all", "--format=json"];
        let plan = sandbox.flota("api", &args).json();
        let mut step = plan["steps"][0].clone();
        step["status"] = status.into();
        let report = json!({"schema": "flota.build/v1", "base": null, "head": plan["head"], "services": [step]});
        fs::write(sandbox.path("report.json"), report.to_string()).unwrap();
        sandbox.flota("api", &["record", "../report.json"])
    };
    assert_eq!(report("failed").status, Some(1));
    // Nothing says since when it would have to be built again; a base does.
    let since = sandbox.git("api", &["rev-parse", "HEAD~1"]);
    let base = format!("--base={}", since.trim());
    let begun = [
        "record",
        "--for=begun",
        &base,
        "../report.json",
        "--format=json",
    ];
    assert_eq!(sandbox.flota("api", &begun).json()["commit"], since.trim());
    assert_eq!(report("built").status, Some(0));
    let args = ["plan", "--base=last-success", "--format=json"];
    assert_eq!(sandbox.flota("api", &args).json()["count"], 0);

    fs::write(sandbox.path("api/code/app"), "another").unwrap();
    sandbox.git(
        "api",
        &["commit", "--quiet", "--all", "--message", "Another"],
    );
    assert_eq!(report("failed").status, Some(0));
    assert_eq!(sandbox.flota("api", &args).json()["count"], 1);
}

#[test]
fn what_is_no_report_or_no_name_is_refused() {
    let sandbox = recorded();
    let refused = |args: &[&str]| -> Ran {
        let ran = sandbox.flota("fleet", &[&["record"], args].concat());
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
        ran
    };
    report(&sandbox, &["lib"], &[]);
    for name in ["a..b", "a b", "x.lock", "", "a:b", "\u{1b}[31m", "@{u}"] {
        refused(&[&format!("--for={name}")]);
    }
    fs::write(sandbox.path("no.json"), "{}").unwrap();
    refused(&["../no.json"]);
    refused(&["../missing.json"]);
    fs::write(
        sandbox.path("other.json"),
        r#"{"schema":"flota.changed/v1","head":{"commit":"1"}}"#,
    )
    .unwrap();
    refused(&["../other.json"]);
    let mut other: Value = serde_json::from_str(&leg(&sandbox, &["lib"], &[])).unwrap();
    other["head"]["commit"] = "1111111111111111111111111111111111111111".into();
    fs::write(sandbox.path("other.json"), other.to_string()).unwrap();
    insta::assert_snapshot!(refused(&[".flota/build.json", "../other.json"]).transcript());
    sandbox.git("fleet", &["checkout", "--quiet", "--detach"]);
    insta::assert_snapshot!(refused(&[]).transcript());
    let ran = sandbox.flota("fleet", &["plan", "--base=last-success:a..b"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
}

#[test]
fn a_ref_that_holds_something_else_is_named() {
    let sandbox = recorded();
    sandbox.git("fleet", &["remote", "remove", "origin"]);
    let root = sandbox.git("fleet", &["rev-list", "--max-parents=0", "HEAD"]);
    sandbox.git("fleet", &["update-ref", REF, root.trim()]);
    let ran = sandbox.flota("fleet", &["plan", "--base=last-success"]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn a_remote_that_takes_no_push_is_named() {
    let sandbox = recorded();
    let hook = sandbox.path("fleet.git/hooks/update");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho not from you\nexit 1\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&hook, mode).unwrap();
    report(&sandbox, &["lib"], &[]);
    let ran = sandbox.flota("fleet", &["record", "--push"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("not from you"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}
