//! Names and paths are bytes, whatever is in them.

use serde_json::Value;

use super::{LAST, json, oracle, shows};
use crate::sandbox::Sandbox;

#[test]
fn every_form_survives_every_name() {
    shows("names");
}

#[test]
fn names_are_raw_with_z_and_one_a_line_without() {
    let sandbox = Sandbox::scripted("names");
    let json = json(&sandbox, "fleet", &[LAST]);
    let services = json["services"].as_array().unwrap();
    let want: Vec<Vec<u8>> = services
        .iter()
        .map(|service| oracle::bytes(service, "name").unwrap())
        .collect();

    let raw = sandbox.flota("fleet", &["changed", LAST, "--format", "names", "-z"]);
    let raw = raw.stdout.strip_suffix(b"\0").unwrap();
    assert_eq!(raw.split(|byte| *byte == 0).collect::<Vec<_>>(), want);

    let lines = sandbox.flota("fleet", &["changed", LAST, "--format", "names"]);
    assert_eq!(lines.text().lines().count(), want.len());
    insta::assert_snapshot!(lines.transcript());
}

#[test]
fn nothing_in_a_name_steers_a_terminal_a_shell_or_a_ci_system() {
    let sandbox = Sandbox::scripted("names");
    let shown = ["human", "names", "json"].map(|format| {
        let ran = sandbox.flota("fleet", &["changed", LAST, "--format", format]);
        [ran.text(), ran.stderr].concat()
    });
    for text in &shown {
        let unsafe_for_terminals = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(unsafe_for_terminals), "{text}");
        assert!(!text.contains("##vso["), "{text}");
        let mut lines = text.lines().map(str::trim_start);
        assert!(lines.all(|line| !line.starts_with("::")), "{text}");
    }
    let [_, _, json] = shown;
    assert!(!json.contains(['\'', '`', '$', '<', '>', '&']), "{json}");
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["services"].as_array().unwrap().len(), 23);
    assert!(!sandbox.path("x").exists() && !sandbox.path("fleet/x").exists());
}
