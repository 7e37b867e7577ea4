//! `flota diff`: the patches inside services, as git writes them.

use std::fs;

use serde_json::Value;

use crate::{
    http::{Manners, serve},
    sandbox::{Ran, Sandbox},
};

const RANGE: &str = "HEAD~1..HEAD";

fn diff(sandbox: &Sandbox, dir: &str, arguments: &[&str]) -> Ran {
    sandbox.flota(dir, &[&["diff", RANGE], arguments].concat())
}

fn json(sandbox: &Sandbox, dir: &str) -> Value {
    let ran = diff(sandbox, dir, &["--format", "json"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// What git shows of the submodules in the fleet, without its headings and without the fleet's own files.
fn by_git(sandbox: &Sandbox, dir: &str) -> String {
    let args = [
        "diff",
        "--submodule=diff",
        "--ignore-submodules=none",
        RANGE,
    ];
    let text = String::from_utf8_lossy(&sandbox.git_bytes(dir, &args)).into_owned();
    let mut kept = String::new();
    let mut is_inside = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("Submodule ") {
            is_inside = !line.contains("(submodule deleted)");
            continue;
        }
        if line.starts_with("diff --git ") && !line.contains("code-repos/") {
            is_inside = false;
        }
        if is_inside {
            kept += line;
        }
    }
    kept
}

#[test]
fn the_patches_are_those_of_git() {
    for name in [
        "code",
        "config",
        "other",
        "mode",
        "rollback",
        "diverged",
        "pointer-only",
        "merge",
        "added",
        "sha256",
        "plain",
    ] {
        let sandbox = Sandbox::scripted(name);
        let ran = diff(&sandbox, "fleet", &["--format", "patch"]);
        assert_eq!(ran.status, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(ran.text(), by_git(&sandbox, "fleet"), "{name}");
        // Where nothing is checked out it is the same, and nothing is afterwards.
        sandbox.git("", &["clone", "--quiet", "fleet", "alone"]);
        let alone = diff(&sandbox, "alone", &["--format", "patch"]);
        assert_eq!(alone.status, Some(0), "{name}: {}", alone.stderr);
        assert_eq!(alone.text(), ran.text(), "{name}");
        assert!(!sandbox.path("alone/.git/modules").exists());
    }
}

/// A patch is bytes: files that are no text, or not UTF-8, and names that git quotes.
#[test]
fn contents_and_names_are_bytes() {
    let sandbox = Sandbox::scripted("code");
    let api = sandbox.path("api");
    fs::write(api.join("code/bin"), b"\0\x01").unwrap();
    fs::write(api.join("code/latin"), b"caf\xe9\n").unwrap();
    fs::write(api.join("code/a \"quoted\"\tname"), "x\n").unwrap();
    fs::rename(api.join("README.md"), api.join("READ ME")).unwrap();
    sandbox.commit_and_pin("api", "Odd files");
    let ran = diff(&sandbox, "fleet", &["--format", "patch"]);
    let args = ["diff", "--submodule=diff", RANGE];
    let wanted = sandbox.git_bytes("fleet", &args);
    let (_, wanted) = wanted.split_at(wanted.iter().position(|b| *b == b'\n').unwrap() + 1);
    assert_eq!(ran.stdout, wanted);
    let told = json(&sandbox, "fleet");
    let service = &told["services"][0];
    assert_eq!(
        (&service["files"], &service["added"]),
        (&4.into(), &2.into())
    );
    assert!(service["patch_b64"].is_string());
    // Nothing of it steers a terminal.
    let shown = diff(&sandbox, "fleet", &[]);
    assert!(!shown.stdout.contains(&0) && shown.status == Some(0));
}

/// Neither a program that a configuration names nor a service's attributes take part.
#[test]
fn no_program_runs() {
    let sandbox = Sandbox::scripted("code");
    fs::write(sandbox.path("api/.gitattributes"), "* diff=odd\n").unwrap();
    sandbox.commit_and_pin("api", "Attributes");
    fs::write(sandbox.path("api/code/app"), "again\n").unwrap();
    sandbox.commit_and_pin("api", "Again");
    let dir = "fleet/code-repos/api";
    for (key, value) in [
        ("diff.odd.command", "touch ../../../canary"),
        ("diff.odd.textconv", "touch ../../../canary"),
        ("diff.external", "touch ../../../canary"),
    ] {
        sandbox.git(dir, &["config", key, value]);
    }
    let ran = diff(&sandbox, "fleet", &["--format", "patch"]);
    assert!(ran.text().contains("+again"), "{}", ran.text());
    assert!(!sandbox.path("canary").exists());
}

/// The contents of files come from the server, those that differ alone; the services stay as they are.
#[test]
fn contents_come_from_a_server() {
    let sandbox = Sandbox::scripted("code");
    let whole = diff(&sandbox, "fleet", &["--format", "patch"]);
    for name in ["api", "web"] {
        if sandbox.path(name).exists() {
            let config = ["config", "uploadpack.allowFilter", "true"];
            sandbox.git(name, &config);
        }
    }
    let server = serve(sandbox.root(), Manners::default());
    let url = format!("{}/fleet", server.url);
    sandbox.git("", &["clone", "--quiet", &url, "alone"]);
    let ran = diff(&sandbox, "alone", &["--format", "patch"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(ran.text(), whole.text());
    assert!(!sandbox.path("alone/.git/modules").exists());
    // The second time everything is here.
    drop(server);
    let ran = diff(&sandbox, "alone", &["--format", "patch"]);
    assert_eq!(ran.text(), whole.text(), "{}", ran.stderr);
}

#[test]
fn a_nested_submodule_has_a_patch_of_its_own() {
    let sandbox = Sandbox::scripted("nested");
    sandbox.git("fleet", &["switch", "--quiet", "--detach", "HEAD~1"]);
    let ran = diff(&sandbox, "fleet", &["--format", "patch"]);
    let line = "+++ b/code-repos/platform/libs/core/code/app\n";
    assert!(ran.text().contains(line), "{}", ran.text());
    sandbox.git("", &["clone", "--quiet", "fleet", "alone"]);
    let alone = diff(&sandbox, "alone", &["--format", "patch"]);
    assert_eq!(alone.text(), ran.text(), "{}", alone.stderr);
}

#[test]
fn people_read_a_table_and_patches() {
    let sandbox = Sandbox::scripted("removed");
    fs::write(sandbox.path("api/code/app"), "```\n").unwrap();
    sandbox.commit_and_pin("api", "Fence");
    let range = "HEAD~2..HEAD";
    for (name, arguments) in [
        ("human", &[][..]),
        ("stat", &["--stat"]),
        ("markdown", &["--format", "markdown"]),
    ] {
        let ran = sandbox.flota("fleet", &[&["diff", range], arguments].concat());
        insta::assert_snapshot!(name, ran.transcript());
    }
}

#[test]
fn who_cannot_be_read_is_named() {
    let sandbox = Sandbox::scripted("base-unavailable");
    let ran = diff(&sandbox, "fleet", &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.text());
    assert!(ran.stderr.contains("code-repos/api"), "{}", ran.stderr);
}
