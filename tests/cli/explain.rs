//! `flota explain`

use std::process::Command;

use crate::sandbox::Sandbox;

const RANGE: &str = "HEAD~1..HEAD";

#[test]
fn a_change_is_explained_by_its_rule_and_by_git() {
    let sandbox = Sandbox::scripted("rollback");
    let ran = sandbox.flota("fleet", &["explain", "api", RANGE]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn a_service_that_did_not_change_is_explained_too() {
    let sandbox = Sandbox::scripted("code");
    let ran = sandbox.flota("fleet", &["explain", "web", RANGE]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn a_name_that_no_service_has_is_refused_with_the_nearest() {
    let sandbox = Sandbox::scripted("code");
    let ran = sandbox.flota("fleet", &["explain", "apj", RANGE]);
    insta::assert_snapshot!(ran.transcript());
}

/// The commands are no decoration: git, asked just so, says what the explanation says.
#[test]
fn the_commands_show_the_ids_that_decided() {
    let sandbox = Sandbox::scripted("code");
    let arguments = ["explain", "api", RANGE, "--format", "json"];
    let explained = sandbox.flota("fleet", &arguments).json();
    let mut said = String::new();
    for command in explained["commands"].as_array().unwrap() {
        let words = shlex::split(command.as_str().unwrap()).unwrap();
        let git = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(sandbox.path("fleet"))
            .output()
            .unwrap();
        assert!(git.status.success(), "{command}");
        said += &String::from_utf8_lossy(&git.stdout);
    }
    for part in ["code", "config"] {
        for end in ["from", "to"] {
            let id = explained["service"][part][end].as_str().unwrap();
            assert!(said.contains(id), "{part} {end} {id} in\n{said}");
        }
    }
}
