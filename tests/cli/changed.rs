//! `flota changed`

use std::{fs, path::Path};

use serde_json::Value;

use crate::{plan, sandbox::Sandbox};

mod bases;
mod ci;
mod environment;
mod histories;
mod hooks;
mod names;
mod oracle;
mod partial;
mod rules;
mod running;
mod service;
mod substitutes;
mod table;
mod together;

/// The last commit of a scripted fleet: what most of them are about.
const LAST: &str = "HEAD~1..HEAD";

/// The fleet `fixtures/fleets/SCRIPT.sh` shows its rule in its last commit: plain git agrees, the plan follows, and table and
/// JSON are the snapshot's.
fn shows(script: &str) {
    shows_in(script, "fleet", &[LAST]);
}

/// The same for another folder, or for other arguments.
fn shows_in(script: &str, dir: &str, args: &[&str]) {
    let sandbox = Sandbox::scripted(script);
    let json = json(&sandbox, dir, args);
    oracle::check(&sandbox, dir, &json);
    snapshot(&sandbox, script, dir, args);
}

/// `changed --format json --files`, which the plan agrees with, and which says the same without what was kept.
fn json(sandbox: &Sandbox, dir: &str, args: &[&str]) -> Value {
    let plain = [&["changed", "--format", "json"], args].concat();
    let cold = sandbox.flota(dir, &plain).json();
    let warm = sandbox.flota(dir, &plain).json();
    assert_eq!(cold, warm, "the same once more, with what was kept");

    let json = sandbox
        .flota(dir, &[&plain, &["--files"][..]].concat())
        .json();
    let mut without_files = json.clone();
    for service in without_files["services"].as_array_mut().unwrap() {
        service.as_object_mut().unwrap().remove("files");
    }
    assert_eq!(without_files, cold, "the same but for the files");
    plan::follows(sandbox, dir, args, &json);
    json
}

/// The table and the JSON, under the script's name and its rule.
fn snapshot(sandbox: &Sandbox, script: &str, dir: &str, args: &[&str]) {
    let run = |more: &[&str]| {
        let args = [&["changed"], args, more].concat();
        let transcript = sandbox.flota(dir, &args).transcript();
        format!("$ flota {}\n{transcript}", args.join(" "))
    };
    let both = [run(&[]), run(&["--format", "json", "--files"])].join("\n");
    insta::with_settings!({ description => rule(script), omit_expression => true }, {
        insta::assert_snapshot!(script, both);
    });
}

/// The first line of a script: the rule in words, and what comes out.
fn rule(script: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/fleets/{script}.sh"));
    let text = fs::read_to_string(script).unwrap();
    let first = text.lines().next().unwrap();
    first.strip_prefix("# ").unwrap().to_owned()
}

/// The names of the services that are to be built, with the action.
fn actions(changed: &Value) -> Vec<String> {
    let services = changed["services"].as_array().unwrap().iter();
    let built = services.filter(|service| service["action"] != "none");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    built
        .map(|service| format!("{} {}", text(&service["name"]), text(&service["action"])))
        .collect()
}

#[test]
fn every_script_is_used_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    for file in walkdir::WalkDir::new(root.join("tests")) {
        let file = file.unwrap().into_path();
        if file.extension().is_some_and(|extension| extension == "rs") {
            tests += &fs::read_to_string(file).unwrap();
        }
    }
    for script in fs::read_dir(root.join("fixtures/fleets")).unwrap() {
        let script = script.unwrap().file_name();
        // The folder's README is none.
        let Some(name) = script.to_str().unwrap().strip_suffix(".sh") else {
            continue;
        };
        let used = name == "lib" || tests.contains(&format!("\"{name}\""));
        assert!(used, "fixtures/fleets/{name}.sh");
    }
}
