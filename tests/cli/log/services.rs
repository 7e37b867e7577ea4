//! `flota log`: the commits inside services, as git lists them there.

use serde_json::{Value, json};

use crate::{
    http::{Manners, serve},
    sandbox::{Ran, Sandbox},
};

const RANGE: &str = "HEAD~1..HEAD";

fn log(sandbox: &Sandbox, dir: &str, arguments: &[&str]) -> (Ran, Value) {
    let mut all = vec!["log", RANGE, "--format", "json"];
    all.extend(arguments);
    let ran = sandbox.flota(dir, &all);
    let told = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran, told)
}

/// What `git log` says of `from..to` in a repository.
fn by_git(sandbox: &Sandbox, dir: &str, from: Option<&str>, to: &str) -> Value {
    let form = "--format=%H%x00%s%x00%an%x00%ae%x00%aI";
    let range = from.map_or(to.to_owned(), |from| format!("{from}..{to}"));
    let listed = sandbox.git(dir, &["log", form, &range]);
    let commit = |line: &str| {
        let words: Vec<_> = line.split('\0').collect();
        json!({
            "commit": words[0],
            "subject": words[1],
            "author": words[2],
            "email": words[3],
            "date": words[4].replace('Z', "+00:00"),
        })
    };
    let commits: Vec<_> = listed.lines().map(commit).collect();
    json!({"count": commits.len(), "commits": commits})
}

/// Fleets with every way a pin can go, checked out and not.
#[test]
fn the_commits_are_those_of_git() {
    for (name, services) in [
        ("code", 1),
        ("rollback", 1),
        ("diverged", 1),
        ("added", 2),
        ("removed", 1),
        ("renamed-by-name", 1),
        ("pointer-only", 1),
        ("merge", 1),
        ("plain", 3),
        ("sha256", 1),
        ("unlisted", 1),
    ] {
        let sandbox = Sandbox::scripted(name);
        let (ran, told) = log(&sandbox, "fleet", &[]);
        assert_eq!(ran.status, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(told["schema"], "flota.log/v1");
        let found = told["services"].as_array().unwrap();
        assert_eq!(found.len(), services, "{name}: {found:#?}");
        for service in found {
            let at = |key: &str| service[key].as_str();
            let none = json!({"count": 0, "commits": []});
            let (gained, lost) = match (at("from"), at("to")) {
                (from, Some(to)) => {
                    let dir = format!("fleet/{}", at("path").unwrap());
                    let lost = from.map(|from| by_git(&sandbox, &dir, Some(to), from));
                    (by_git(&sandbox, &dir, from, to), lost.unwrap_or(none))
                }
                (_, None) => (none.clone(), none),
            };
            assert_eq!(service["gained"], gained, "{name}: {service:#}");
            assert_eq!(service["lost"], lost, "{name}: {service:#}");
        }
        // Where nothing is checked out it is the same, and nothing is afterwards.
        if name != "unlisted" {
            sandbox.git("", &["clone", "--quiet", "fleet", "alone"]);
            let (ran, there) = log(&sandbox, "alone", &[]);
            assert_eq!(ran.status, Some(0), "{name}: {}", ran.stderr);
            assert_eq!(undirected(&there), undirected(&told), "{name}");
            assert!(!sandbox.path("alone/.git/modules").exists());
        }
    }
}

/// The services without the directions of their pins, which take the submodule's own repository.
fn undirected(told: &Value) -> Vec<Value> {
    let mut services = told["services"].as_array().unwrap().clone();
    for service in &mut services {
        service.as_object_mut().unwrap().remove("direction");
    }
    services
}

#[test]
fn a_nested_submodule_is_looked_into_wherever_it_is() {
    let sandbox = Sandbox::scripted("nested");
    sandbox.git("fleet", &["switch", "--quiet", "--detach", "HEAD~1"]);
    let (ran, told) = log(&sandbox, "fleet", &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let services = told["services"].as_array().unwrap();
    let nested = services
        .iter()
        .find(|one| one["path"] == "code-repos/platform/libs/core");
    let subject = &nested.unwrap()["gained"]["commits"][0]["subject"];
    assert_eq!(subject, "Second version");
    sandbox.git("", &["clone", "--quiet", "fleet", "alone"]);
    let (ran, there) = log(&sandbox, "alone", &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(there["services"], told["services"]);
}

/// History that a shallow clone lacks is fetched, and not taken for nothing; the clone stays shallow.
#[test]
fn history_comes_from_a_server_and_the_services_stay_as_they_are() {
    let sandbox = Sandbox::scripted("served");
    sandbox.git("", &["clone", "--quiet", "api", "work"]);
    for subject in ["One", "Two", "Three"] {
        let message = format!("--message={subject}");
        sandbox.git("work", &["commit", "--quiet", "--allow-empty", &message]);
    }
    sandbox.git("work", &["push", "--quiet"]);
    let server = serve(sandbox.root(), Manners::default());
    let url = format!("{}/fleet", server.url);
    let ran = sandbox.flota("", &["clone", &url, "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let ran = sandbox.flota("ours", &["update", "--remote", "--commit"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("", &["clone", "--quiet", "ours", "alone"]);
    let dir = "ours/code-repos/api";
    sandbox.git(dir, &["fetch", "--quiet", "--depth=1"]);
    let before = sandbox.git(dir, &["rev-list", "--all"]);
    assert_eq!(before.lines().count(), 1, "{before}");
    sandbox.git("alone", &["remote", "set-url", "origin", &url]);
    for fleet in ["ours", "alone"] {
        let ran = sandbox.flota(fleet, &["log", RANGE, "--offline"]);
        assert_eq!(ran.status, Some(4), "{fleet}: {}", ran.text());
        let (ran, told) = log(&sandbox, fleet, &[]);
        assert_eq!(ran.status, Some(0), "{fleet}: {}", ran.stderr);
        let gained = &told["services"][0]["gained"];
        assert_eq!(gained["count"], 3, "{fleet}: {told:#}");
        assert_eq!(gained["commits"][2]["subject"], "One");
    }
    assert_eq!(sandbox.git(dir, &["rev-list", "--all"]), before);
}

#[test]
fn who_cannot_be_read_is_named() {
    let sandbox = Sandbox::scripted("base-unavailable");
    let (ran, told) = log(&sandbox, "fleet", &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.text());
    assert_eq!(told["services"], json!([]));
    assert_eq!(told["errors"][0]["path"], "code-repos/api");
}

#[test]
fn people_read_a_table_and_release_notes() {
    let sandbox = Sandbox::scripted("diverged");
    for format in ["human", "markdown"] {
        let ran = sandbox.flota("fleet", &["log", RANGE, "--format", format]);
        insta::assert_snapshot!(format!("services_{format}"), ran.transcript());
    }
}

#[test]
fn what_commits_say_does_nothing_in_release_notes() {
    let sandbox = Sandbox::scripted("code");
    let hostile = "--message=# Fixes #7 by @you <img src=x> [a](b)";
    sandbox.git("api", &["commit", "--quiet", "--allow-empty", hostile]);
    sandbox.git("fleet/code-repos/api", &["fetch", "--quiet"]);
    sandbox.git(
        "fleet/code-repos/api",
        &["checkout", "--quiet", "origin/main"],
    );
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Move"]);
    let ran = sandbox.flota("fleet", &["log", RANGE, "--format", "markdown"]);
    let line = "- \\# Fixes \\#<!-- -->7 by \\@<!-- -->you \\<img src=x\\> \\[a\\]\\(b\\) (`";
    assert!(ran.text().contains(line), "{}", ran.text());
}

#[test]
fn as_many_as_are_asked_for_and_the_rest_is_counted() {
    let sandbox = Sandbox::scripted("diverged");
    let (_, told) = log(&sandbox, "fleet", &["--max-count", "0"]);
    let service = &told["services"][0];
    assert_eq!(service["gained"]["commits"], json!([]));
    assert_eq!(service["gained"]["count"], 1);
    let ran = sandbox.flota("fleet", &["log", RANGE, "-n", "0"]);
    assert!(ran.text().contains("> … and 1 more"), "{}", ran.text());
}

#[test]
fn only_the_services_that_are_named() {
    let sandbox = Sandbox::scripted("plain");
    let ran = sandbox.flota("fleet", &["log", RANGE, "--service", "no-such"]);
    assert_eq!(ran.status, Some(2), "{}", ran.text());
    let (_, all) = log(&sandbox, "fleet", &[]);
    let all = all["services"].as_array().unwrap();
    assert!(all.len() > 1);
    let path = all[0]["path"].as_str().unwrap();
    let (_, one) = log(&sandbox, "fleet", &["--service", path]);
    assert_eq!(one["services"], json!([all[0]]));
}

/// Each service is what `flota changed` says of it, key by key: what `log` and `diff` have found comes on top.
#[test]
fn a_service_has_what_changed_says_of_it() {
    for name in [
        "code",
        "config",
        "rollback",
        "diverged",
        "added",
        "removed",
        "renamed-by-name",
        "renamed-by-url",
        "swap",
        "pointer-only",
        "url-and-pin",
        "depends-on",
        "names",
    ] {
        let sandbox = Sandbox::scripted(name);
        let services = |command: &str| -> Vec<Value> {
            let ran = sandbox.flota("fleet", &[command, RANGE, "--format", "json"]);
            assert_eq!(ran.status, Some(0), "{name} {command}: {}", ran.stderr);
            let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
            told["services"].as_array().unwrap().clone()
        };
        let mut changed = services("changed");
        changed.retain(|service| service["from"] != service["to"]);
        for command in ["log", "diff"] {
            let found = services(command);
            assert_eq!(found.len(), changed.len(), "{name} {command}");
            for (found, wanted) in found.iter().zip(&changed) {
                for (key, value) in wanted.as_object().unwrap() {
                    assert_eq!(&found[key], value, "{name} {command} {key}");
                }
            }
        }
    }
}
