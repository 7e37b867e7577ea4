//! `flota plan`

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

mod ci;

/// The plan for `args` is what `changed` calls for: its actions in their order, and builds are what is counted.
pub fn follows(sandbox: &Sandbox, dir: &str, args: &[&str], changed: &Value) {
    let all = [&["plan", "--format", "json"], args].concat();
    let plan = sandbox.flota(dir, &all).json();
    let services = changed["services"].as_array().unwrap();
    let want: Vec<_> = services
        .iter()
        .filter(|service| service["action"] != "none")
        .map(step)
        .collect();
    assert_eq!(plan["steps"], Value::from(want));
    for key in ["base", "head", "warnings"] {
        assert_eq!(plan[key], changed[key], "{key}");
    }
    let steps = plan["steps"].as_array().unwrap();
    let builds = steps.iter().filter(|s| s["action"] != "retire").count();
    assert_eq!(plan["count"], builds);
    assert_eq!(plan["has_changes"], builds > 0);
}

/// What is to be built is at head; what is to be retired was at base.
fn step(service: &Value) -> Value {
    let end = if service["action"] == "retire" {
        "from"
    } else {
        "to"
    };
    let mut step = json!({
        "commit": service[end],
        "code": service["code"][end],
        "config": service["config"][end],
    });
    for key in [
        "name", "name_b64", "path", "path_b64", "url", "action", "reason",
    ] {
        if let Some(value) = service.get(key) {
            step[key] = value.clone();
        }
    }
    step
}

#[test]
fn a_plan_lists_what_is_to_be_done() {
    let plans = [
        "code-and-config",
        "config",
        "added",
        "removed",
        "pointer-only",
        "fanout",
        "depends-on",
    ]
    .map(|script| {
        let sandbox = Sandbox::scripted(script);
        let ran = sandbox.flota("fleet", &["plan", "HEAD~1..HEAD"]);
        format!("{script}: {}", ran.transcript())
    });
    insta::assert_snapshot!(plans.join("\n"));
}

#[test]
fn all_is_every_service_of_head() {
    let sandbox = Sandbox::scripted("plain");
    let service = ["plan", "--all"];
    insta::assert_snapshot!(sandbox.flota("fleet", &service).transcript());

    let sandbox = Sandbox::scripted("removed");
    let plan = sandbox.flota("fleet", &["plan", "--all", "--format", "json"]);
    insta::assert_snapshot!(plan.transcript());
    assert_eq!(plan.json()["steps"][0]["reason"], "requested");
}

#[test]
fn all_inside_a_service_is_that_service() {
    let sandbox = Sandbox::scripted("service");
    let ran = sandbox.flota("api", &["plan", "--all"]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn all_and_a_range_exclude_each_other() {
    let sandbox = Sandbox::scripted("code");
    for args in [
        &["plan", "--all", "HEAD~1..HEAD"][..],
        &["plan", "--all", "--base", "HEAD~1"],
    ] {
        assert_eq!(sandbox.flota("fleet", args).status, Some(2), "{args:?}");
    }
}

#[test]
fn names_are_those_of_what_is_built() {
    for (script, want) in [
        ("code-and-config", "api\n"),
        ("depends-on", ""),
        ("removed", ""),
        ("pointer-only", ""),
        ("names", ""),
    ] {
        let sandbox = Sandbox::scripted(script);
        let plan = |format: &str| {
            let args = ["plan", "HEAD~1..HEAD", "--format", format];
            sandbox.flota("fleet", &args)
        };
        let json = plan("json").json();
        let steps = json["steps"].as_array().unwrap().iter();
        let built = steps.filter(|step| step["action"] != "retire");
        let names: Vec<_> = built.map(|step| step["name"].as_str().unwrap()).collect();
        let ran = plan("names");
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let lines = ran.text();
        assert_eq!(lines.lines().count(), names.len(), "{script}: {lines}");
        if !want.is_empty() {
            assert_eq!(lines, want, "{script}");
        }
        // Raw, whatever the bytes; what shares its name with another is called by its path.
        let args = ["plan", "HEAD~1..HEAD", "--format", "names", "-z"];
        let ran = sandbox.flota("fleet", &args);
        let raw = ran.stdout.strip_suffix(b"\0").unwrap_or(&ran.stdout);
        let raw = raw.split(|byte| *byte == 0).filter(|it| !it.is_empty());
        let raw = raw.map(|name| String::from_utf8_lossy(name).into_owned());
        assert_eq!(raw.collect::<Vec<_>>(), names, "{script}");
    }
}
