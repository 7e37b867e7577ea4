//! Environments, as far as detection and packaging know them.

use std::{collections::BTreeMap, fs, io::Read as _};

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::sandbox::Sandbox;

/// Change, action and reason by service.
fn decisions(changed: &Value) -> BTreeMap<String, String> {
    let services = changed["services"].as_array().unwrap().iter();
    let word = |service: &Value, key: &str| service[key].as_str().unwrap().to_owned();
    services
        .map(|service| {
            let words = ["change", "action", "reason"].map(|key| word(service, key));
            (word(service, "name"), words.join(" "))
        })
        .collect()
}

fn changed(sandbox: &Sandbox, range: &str) -> Value {
    let arguments = ["changed", range, "--format", "json"];
    let ran = sandbox.flota("fleet", &arguments);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let cold = ran.json();
    // The second time by what was kept.
    assert_eq!(cold, sandbox.flota("fleet", &arguments).json());
    cold
}

/// The files in the packaged chart of a service, by name.
fn chart(sandbox: &Sandbox, service: &str) -> BTreeMap<String, String> {
    let folder = sandbox.path("fleet/.flota/charts");
    let entries = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let package = entries
        .filter(|path| path.extension().is_some_and(|it| it == "tgz"))
        .find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(&format!("{service}-"))
        });
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(package.unwrap()).unwrap()));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.insert(path.split_once('/').unwrap().1.to_owned(), text);
    }
    files
}

#[test]
fn values_of_a_configured_environment_call_for_no_build() {
    let sandbox = Sandbox::scripted("environment-values");
    let decided = decisions(&changed(&sandbox, "HEAD~1..HEAD"));
    let values = "other none environment-values";
    for (service, want) in [
        // `[change] other` speaks of other paths.
        ("api", values),
        ("web", values),
        ("cart", "config chart config-changed"),
        // By globs it is the same.
        ("shop", values),
    ] {
        assert_eq!(decided[service], want, "{service}");
    }
    let explained = sandbox.flota("fleet", &["explain", "api", "HEAD~1..HEAD"]);
    assert!(
        explained
            .text()
            .contains("only the values of environments differ"),
        "{}",
        explained.text()
    );
}

/// Without the environment the same commits are a change of the configuration.
#[test]
fn without_environments_they_are_files_as_any_other() {
    let sandbox = Sandbox::scripted("environment-values");
    let path = sandbox.path("fleet/flota.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("[environment.staging]\n[environment.pre-prod]\n", "");
    fs::write(&path, text).unwrap();
    let decided = decisions(&changed(&sandbox, "HEAD~1..HEAD"));
    for service in ["api", "web", "cart", "shop"] {
        assert_eq!(decided[service], "config chart config-changed", "{service}");
    }
}

#[test]
fn a_change_beside_them_counts_as_it_always_did() {
    let sandbox = Sandbox::scripted("environment-values");
    let bump = |service: &str, file: &str| {
        let path = sandbox.path(format!("fleet/code-repos/{service}/{file}"));
        fs::write(path, "replicas: 7\n").unwrap();
        let folder = format!("fleet/code-repos/{service}");
        sandbox.git(&folder, &["add", "--all"]);
        sandbox.git(&folder, &["commit", "--quiet", "--message=Write"]);
    };
    bump("api", "config/values.yaml");
    bump("api", "config/values.staging.yaml");
    bump("web", "README.md");
    bump("web", "config/values.staging.yaml");
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Move"]);
    let decided = decisions(&changed(&sandbox, "HEAD~1..HEAD"));
    assert_eq!(decided["api"], "config chart config-changed");
    assert_eq!(decided["web"], "other chart other-paths");
}

#[test]
fn they_are_in_no_chart_and_not_in_its_identity() {
    let sandbox = Sandbox::scripted("environment-values");
    let build = || {
        let ran = sandbox.flota("fleet", &["build", "--all", "--format", "json"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let report = ran.json();
        let charts = report["services"].as_array().unwrap().iter();
        let charts = charts.map(|service| {
            let digest = service["chart"]["digest"].as_str().unwrap().to_owned();
            (service["name"].as_str().unwrap().to_owned(), digest)
        });
        charts.collect::<BTreeMap<_, _>>()
    };
    let new = build();
    assert!(!chart(&sandbox, "web").contains_key("values.staging.yaml"));
    assert!(!chart(&sandbox, "web").contains_key("values.pre-prod.yaml"));
    assert!(chart(&sandbox, "cart").contains_key("values.prod.yaml"));

    sandbox.git("fleet", &["checkout", "--quiet", "HEAD~1"]);
    sandbox.git("fleet", &["submodule", "--quiet", "update"]);
    let old = build();
    for service in ["api", "web", "shop"] {
        assert_eq!(new[service], old[service], "{service}");
    }
    assert_ne!(new["cart"], old["cart"]);
}

#[cfg(unix)]
#[test]
fn a_link_of_the_chart_to_them_is_refused() {
    let sandbox = Sandbox::scripted("environment-values");
    let config = sandbox.path("fleet/code-repos/api/config");
    std::os::unix::fs::symlink("values.staging.yaml", config.join("copy.yaml")).unwrap();
    sandbox.git("fleet/code-repos/api", &["add", "--all"]);
    sandbox.git(
        "fleet/code-repos/api",
        &["commit", "--quiet", "--message=Link"],
    );
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Move"]);
    let ran = sandbox.flota("fleet", &["build", "api"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("copy.yaml is a symlink to the values of an environment"),
        "{}",
        ran.stderr
    );
}
