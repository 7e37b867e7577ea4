//! `flota graph`

use std::fs;

use crate::sandbox::Sandbox;

const MOVED: &str = "HEAD~1..HEAD";

#[test]
fn who_needs_whom_is_shown_in_every_format() {
    let sandbox = Sandbox::scripted("builds-on");
    let toml = sandbox.path("fleet/flota.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let more = "\n[service.jobs]\ndepends_on = [\"web\"]\n";
    fs::write(toml, text + more).unwrap();
    let shown = ["human", "mermaid", "dot", "json"].map(|format| {
        let ran = sandbox.flota("fleet", &["graph", MOVED, "--format", format]);
        format!("{format}: {}", ran.transcript())
    });
    insta::assert_snapshot!(shown.join("\n"));
    // Without a range nothing is touched.
    let graph = sandbox
        .flota("fleet", &["graph", "--format", "json"])
        .json();
    assert!(graph["base"].is_null());
    let services = graph["services"].as_array().unwrap();
    assert!(services.iter().all(|service| service["action"].is_null()));
}

#[test]
fn what_is_not_in_the_clone_is_fetched_or_named() {
    let sandbox = Sandbox::scripted("builds-on");
    sandbox.git("", &["clone", "--quiet", "fleet", "clone"]);
    let here = sandbox
        .flota("fleet", &["graph", "--format", "json"])
        .json();
    let fetched = sandbox
        .flota("clone", &["graph", "--format", "json"])
        .json();
    assert_eq!(fetched["edges"], here["edges"]);

    // What is on this machine needs no network.
    sandbox.git("", &["clone", "--quiet", "fleet", "other"]);
    let offline = ["graph", "--offline", "--format", "json"];
    let near = sandbox.flota("other", &offline).json();
    assert_eq!(near["edges"], here["edges"]);

    sandbox.git("", &["clone", "--quiet", "fleet", "third"]);
    fs::rename(sandbox.path("api"), sandbox.path("gone")).unwrap();
    let offline = sandbox.flota("third", &["graph", "--offline"]);
    assert_eq!(offline.status, Some(4));
    let said = offline.transcript();
    assert!(
        said.contains("the Dockerfile of code-repos/api cannot be read"),
        "{said}"
    );
}

#[test]
fn a_fleet_without_edges_says_so() {
    let sandbox = Sandbox::scripted("code");
    insta::assert_snapshot!(sandbox.flota("fleet", &["graph"]).transcript());
}
