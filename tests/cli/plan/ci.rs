//! Plans for CI systems, from the job that decides to the jobs that build.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};

use crate::{
    consumers::{assert_schema, azure_outputs, github_outputs, yaml},
    sandbox::{Ran, Sandbox},
};

const FORMATS: [&str; 5] = ["github", "azure", "gitlab", "buildkite", "jenkins"];
const RANGE: &str = "HEAD~1..HEAD";

fn rendered(sandbox: &Sandbox, format: &str, more: &[&str]) -> Ran {
    let args = [&["plan", RANGE, "--format", format], more].concat();
    let ran = sandbox.flota("fleet", &args);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    ran
}

/// What `flota build --step` is given by each leg of a plan, as the system hands it over.
fn legs(format: &str, text: &str) -> Vec<String> {
    let string = |value: &Value| value.as_str().unwrap().to_owned();
    let of_map = |legs: &Value, key: &str| {
        let legs = legs.as_object().unwrap().values();
        legs.map(|leg| string(&leg[key])).collect()
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    match format {
        "github" => {
            let matrix = json(&github_outputs(text)["matrix"]);
            let legs = matrix["include"].as_array().unwrap();
            legs.iter().map(|leg| string(&leg["steps"])).collect()
        }
        "azure" => of_map(&json(&azure_outputs(text)["matrix"]), "FLOTA_STEPS"),
        "gitlab" => {
            let pipeline = yaml(text);
            let jobs = pipeline.as_object().unwrap().values();
            jobs.filter_map(|job| job.get("variables"))
                .map(|variables| string(&variables["FLOTA_STEPS"]))
                .collect()
        }
        "buildkite" => {
            let pipeline = yaml(text);
            let steps = pipeline["steps"].as_array().unwrap();
            let built = steps.iter().filter_map(|step| step.get("env"));
            built.map(|env| string(&env["FLOTA_STEPS"])).collect()
        }
        "jenkins" => of_map(&json(text)["legs"], "steps"),
        other => panic!("{other}"),
    }
}

/// The services that a plan retires, and whether there is any, as the system hands both over.
fn retires(format: &str, text: &str) -> (Vec<String>, bool) {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let of_outputs = |outputs: BTreeMap<String, String>| {
        (json(&outputs["retires"]), json(&outputs["has_retires"]))
    };
    let of_variables = |variables: &Value| {
        let text = |name: &str| variables[name].as_str().unwrap().to_owned();
        let names = text("FLOTA_RETIRES");
        let names = names.split(',').filter(|name| !name.is_empty());
        (Value::from_iter(names), json(&text("FLOTA_HAS_RETIRES")))
    };
    let (names, has_retires) = match format {
        "github" => of_outputs(github_outputs(text)),
        "azure" => of_outputs(azure_outputs(text)),
        "gitlab" => of_variables(&yaml(text)["variables"]),
        "buildkite" => of_variables(&yaml(text)["env"]),
        "jenkins" => (
            json(text)["retires"].clone(),
            json(text)["has_retires"].clone(),
        ),
        other => panic!("{other}"),
    };
    let names = names.as_array().unwrap().iter();
    let names = names.map(|name| name.as_str().unwrap().to_owned());
    (names.collect(), has_retires.as_bool().unwrap())
}

/// The services that a build of these steps would build: path, with its bytes where it is not UTF-8, and action.
fn built(sandbox: &Sandbox, steps: &str) -> BTreeSet<(String, String)> {
    let args = [
        "build",
        "--step",
        steps,
        "--dry-run",
        "--keep-going",
        "--format",
        "json",
    ];
    let ran = sandbox.flota("fleet", &args);
    let report: Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{steps}: {}", ran.stderr));
    keys(&report["services"])
}

fn keys(services: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let key = |service: &Value| {
        let path = service.get("path_b64").unwrap_or(&service["path"]);
        (text(path), text(&service["action"]))
    };
    services.as_array().unwrap().iter().map(key).collect()
}

#[test]
fn what_the_legs_build_is_what_was_planned() {
    for script in [
        "code-and-config",
        "build-changes",
        "nested",
        "fanout",
        "depends-on",
        "names",
    ] {
        let sandbox = Sandbox::scripted(script);
        let plan = sandbox
            .flota("fleet", &["plan", RANGE, "--format", "json"])
            .json();
        let planned = keys(&plan["steps"]);
        assert!(!planned.is_empty(), "{script}");
        // The words are the same in every format.
        let mut tried = BTreeMap::new();
        for format in FORMATS {
            for more in [&[][..], &["--legs", "2"]] {
                let legs = legs(format, &rendered(&sandbox, format, more).text());
                let want = if more.is_empty() {
                    planned.len()
                } else {
                    planned.len().min(2)
                };
                assert_eq!(legs.len(), want, "{script}, {format}");
                let mut all = BTreeSet::new();
                for steps in legs {
                    let built = tried
                        .entry(steps)
                        .or_insert_with_key(|steps| built(&sandbox, steps));
                    all.append(&mut built.clone());
                }
                assert_eq!(planned, all, "{script}, {format}");
            }
        }
    }
}

#[test]
fn nothing_in_a_name_is_more_than_a_name() {
    let sandbox = Sandbox::scripted("names");
    for format in FORMATS {
        let text = rendered(&sandbox, format, &[]).text();
        for hostile in [
            "$(",
            "`",
            "::add-path",
            "vso[task.complete",
            "<b>",
            "\u{1b}",
            "\u{202e}",
            "'",
            "${{",
            "new\nline",
            "*?",
        ] {
            assert!(!text.contains(hostile), "{format}: {hostile:?} in {text}");
        }
        assert!(text.is_ascii());
        let allowed = |c: char| c == '\n' || matches!(c, ' '..='~');
        assert!(text.chars().all(allowed), "{format}");
    }
    let outputs = azure_outputs(&rendered(&sandbox, "azure", &[]).text());
    let names: BTreeSet<_> = outputs.keys().map(String::as_str).collect();
    let want = [
        "base",
        "count",
        "has_changes",
        "has_retires",
        "head",
        "legs",
        "matrices",
        "matrix",
        "retires",
    ];
    assert_eq!(names, want.into(), "no name made a variable of its own");
}

#[test]
fn api_twice_in_other_letters_is_two_legs() {
    let sandbox = Sandbox::scripted("names");
    let outputs = azure_outputs(&rendered(&sandbox, "azure", &[]).text());
    let matrix: BTreeMap<String, Value> = serde_json::from_str(&outputs["matrix"]).unwrap();
    assert_eq!(matrix["API"]["FLOTA_PATH"], "services/API");
    assert_eq!(matrix["api_2"]["FLOTA_PATH"], "services/api");
}

#[test]
fn each_form_passes_the_schema_of_its_system() {
    let sandboxes = ["names", "pointer-only", "removed"].map(Sandbox::scripted);
    for (format, schema) in [
        ("gitlab", "vendor.gitlab-ci"),
        ("buildkite", "vendor.buildkite"),
    ] {
        let files = sandboxes.each_ref().map(|sandbox| {
            let file = sandbox.path(format!("{format}.yml"));
            fs::write(&file, rendered(sandbox, format, &[]).stdout).unwrap();
            file
        });
        assert_schema(schema, &files);
    }
}

#[test]
fn nothing_to_build_is_a_plan_too() {
    let sandbox = Sandbox::scripted("pointer-only");
    for format in FORMATS {
        let text = rendered(&sandbox, format, &[]).text();
        assert_eq!(legs(format, &text), Vec::<String>::new(), "{format}");
    }
    let outputs = github_outputs(&rendered(&sandbox, "github", &[]).text());
    assert_eq!(outputs["has_changes"], "false");
    assert_eq!(outputs["matrix"], r#"{"include":[]}"#);
}

#[test]
fn a_leg_says_all_that_a_job_may_want_to_know() {
    let sandbox = Sandbox::scripted("config");
    let outputs = github_outputs(&rendered(&sandbox, "github", &[]).text());
    let matrix: Value = serde_json::from_str(&outputs["matrix"]).unwrap();
    let commit = |dir: &str, rev: &str| sandbox.git(dir, &["rev-parse", rev]).trim().to_owned();
    let pin = commit("api", "HEAD");
    let want = json!({
        "name": "api",
        "service": "api",
        "path": "code-repos/api",
        "action": "chart",
        "commit": pin,
        "base": commit("fleet", "HEAD~1"),
        "head": commit("fleet", "HEAD"),
        "steps": format!("chart:code-repos/api@{pin}"),
    });
    assert_eq!(matrix["include"], json!([want]));
}

#[test]
fn in_a_step_on_github_outputs_go_to_their_file_and_the_plan_to_the_log() {
    let sandbox = Sandbox::scripted("config");
    let file = sandbox.path("output");
    fs::write(&file, "earlier=step\n").unwrap();
    let args = ["plan", RANGE, "--format", "github"];
    let ran = sandbox.flota_with("fleet", &args, |flota| {
        flota.env("GITHUB_OUTPUT", &file);
    });
    assert_eq!(ran.text(), sandbox.flota("fleet", &["plan", RANGE]).text());
    let outputs = github_outputs(&fs::read_to_string(&file).unwrap());
    assert_eq!(
        (outputs["earlier"].as_str(), outputs["count"].as_str()),
        ("step", "1")
    );

    let ran = sandbox.flota_with("fleet", &args, |flota| {
        flota.env("GITHUB_OUTPUT", sandbox.path("no/such/folder"));
    });
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
}

#[test]
fn a_service_alone_is_its_own_leg() {
    let sandbox = Sandbox::scripted("service");
    let args = ["plan", RANGE, "--format", "github"];
    let ran = sandbox.flota("api", &args);
    let legs = legs("github", &ran.text());
    let head = sandbox.git("api", &["rev-parse", "HEAD"]);
    assert_eq!(legs, [format!("image:.@{}", head.trim())]);
    let ran = sandbox.flota("api", &["build", "--dry-run", "--step", &legs[0]]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn a_plan_that_lacks_a_service_is_none() {
    let sandbox = Sandbox::scripted("code");
    fs::remove_dir_all(sandbox.path("fleet/.git/modules/api")).unwrap();
    fs::remove_dir_all(sandbox.path("api")).unwrap();
    for format in FORMATS {
        let ran = sandbox.flota("fleet", &["plan", RANGE, "--format", format]);
        assert_eq!((ran.status, ran.text().as_str()), (Some(4), ""), "{format}");
    }
}

#[test]
fn a_step_of_another_commit_of_the_fleet_is_refused() {
    let sandbox = Sandbox::scripted("config");
    let old = sandbox.git("api", &["rev-parse", "HEAD~1"]);
    let new = sandbox.git("api", &["rev-parse", "HEAD"]);
    let step =
        |action: &str, path: &str, commit: &str| format!("{action}:{path}@{}", commit.trim());
    let refused = [
        step("chart", "code-repos/api", &old),
        step("chart", "code-repos/gone", &new),
        step("chart", "gone", &new),
    ];
    for step in refused {
        let ran = sandbox.flota("fleet", &["build", "--dry-run", "--step", &step]);
        assert_ne!(ran.status, Some(0), "{step}");
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    }
    let ran = sandbox.flota("fleet", &["build", "--dry-run", "--step", "api"]);
    assert_eq!(ran.status, Some(2));
    let exact = step("chart", "code-repos/api", &new);
    let ran = sandbox.flota("fleet", &["build", "--step", &exact, "--range", RANGE]);
    assert_eq!(ran.status, Some(2), "a step needs no range");
}

#[test]
fn legs_are_of_ci_systems_only() {
    let sandbox = Sandbox::scripted("config");
    let ran = sandbox.flota("fleet", &["plan", RANGE, "--legs", "3"]);
    insta::assert_snapshot!(ran.transcript());
    for format in ["json", "names"] {
        let args = ["plan", RANGE, "--legs", "3", "--format", format];
        let ran = sandbox.flota("fleet", &args);
        assert_eq!(ran.status, Some(2), "{format}: {}", ran.stderr);
    }
}

#[test]
fn what_is_retired_is_named_apart_and_starts_no_job() {
    for (script, want) in [
        ("removed", &["web"][..]),
        ("code", &[]),
        ("pointer-only", &[]),
    ] {
        let sandbox = Sandbox::scripted(script);
        for format in FORMATS {
            let text = rendered(&sandbox, format, &[]).text();
            let (names, has_retires) = retires(format, &text);
            assert_eq!(names, want, "{script}, {format}");
            assert_eq!(has_retires, !want.is_empty(), "{script}, {format}");
        }
    }
    // A removal alone has nothing to build, and no empty matrix starts.
    let sandbox = Sandbox::scripted("removed");
    for format in FORMATS {
        let text = rendered(&sandbox, format, &[]).text();
        assert_eq!(legs(format, &text), Vec::<String>::new(), "{format}");
    }
    let outputs = github_outputs(&rendered(&sandbox, "github", &[]).text());
    assert_eq!(
        (outputs["count"].as_str(), outputs["has_changes"].as_str()),
        ("0", "false")
    );
}

#[test]
fn retired_names_are_as_harmless_as_all_others() {
    let sandbox = Sandbox::scripted("names");
    sandbox.git("fleet", &["rm", "-r", "--quiet", "--cached", "services"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Drop them"]);
    let plan = sandbox.flota("fleet", &["plan", RANGE, "--format", "json"]);
    let retired = plan.json()["steps"].as_array().unwrap().len();
    assert!(retired > 20, "{retired}");
    for format in FORMATS {
        let text = rendered(&sandbox, format, &[]).text();
        let (names, has_retires) = retires(format, &text);
        assert_eq!((names.len(), has_retires), (retired, true), "{format}");
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._/-%".contains(c);
        for name in &names {
            assert!(name.chars().all(allowed), "{format}: {name}");
        }
        for hostile in [
            "$(",
            "`",
            "::add-path",
            "vso[task.complete",
            "\u{1b}",
            "${{",
        ] {
            assert!(!text.contains(hostile), "{format}: {hostile:?} in {text}");
        }
    }
}
