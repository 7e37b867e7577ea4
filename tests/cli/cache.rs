//! `flota cache`, and what it shows: that a second run needs neither the submodules nor their servers.

use std::fs::{self, File};

use crate::{
    http::{Manners, serve},
    sandbox::Sandbox,
};

const RANGE: &str = "HEAD~1..HEAD";

/// A clone from a server, whose submodules are not initialised, as CI systems make it.
fn uninitialised() -> Sandbox {
    let sandbox = Sandbox::scripted("code-and-config");
    let server = serve(sandbox.root(), Manners::default());
    let url = format!("{}/fleet", server.url);
    sandbox.git("", &["clone", "--quiet", &url, "clone"]);
    sandbox
}

#[test]
fn an_empty_cache_is_shown_as_empty() {
    let sandbox = uninitialised();
    insta::assert_snapshot!(sandbox.flota("clone", &["cache"]).transcript());
}

#[test]
fn a_second_run_needs_neither_submodules_nor_servers() {
    let sandbox = uninitialised();
    let first = sandbox.flota("clone", &["changed", RANGE, "--format", "json"]);
    let changed = first.json();
    assert_eq!(changed["services"][0]["action"], "image", "{changed}");

    for service in ["api", "web"] {
        if sandbox.path(service).exists() {
            fs::rename(
                sandbox.path(service),
                sandbox.path(format!("{service}-away")),
            )
            .unwrap();
        }
    }
    fs::remove_dir_all(sandbox.path("clone/.git/flota/scratch")).unwrap();
    let second = sandbox.flota(
        "clone",
        &["changed", RANGE, "--offline", "--format", "json"],
    );
    assert_eq!(second.json(), changed);
}

#[test]
fn what_is_kept_is_counted_and_cleared() {
    let sandbox = uninitialised();
    assert_eq!(sandbox.flota("clone", &["changed", RANGE]).status, Some(0));
    assert_eq!(sandbox.flota("clone", &["check", RANGE]).status, Some(0));
    let full = sandbox
        .flota("clone", &["cache", "--format", "json"])
        .json();
    assert_eq!(full["schema"], "flota.cache/v1");
    // The others are filled by `flota status`, and by clones.
    for cache in &full["caches"].as_array().unwrap()[..3] {
        assert!(cache["entries"].as_u64().unwrap() > 0, "{cache}");
        assert!(cache["bytes"].as_u64().unwrap() > 0, "{cache}");
    }

    let cleared = sandbox
        .flota("clone", &["cache", "--clear", "--format", "json"])
        .json();
    for cache in cleared["caches"].as_array().unwrap() {
        assert_eq!(cache["entries"], 0, "{cache}");
    }
    // And it is all fetched again.
    let again = sandbox.flota("clone", &["changed", RANGE]);
    assert_eq!(again.status, Some(0), "{}", again.stderr);
}

#[test]
fn what_another_run_is_writing_to_stays() {
    let sandbox = uninitialised();
    assert_eq!(sandbox.flota("clone", &["changed", RANGE]).status, Some(0));
    let folder = sandbox.path("clone/.git/flota/scratch");
    let stores: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    let lock = File::create(stores[0].with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let refused = sandbox.flota("clone", &["cache", "--clear"]);
    assert_eq!(refused.status, Some(3));
    assert!(
        refused.stderr.contains("flota cache --clear"),
        "{}",
        refused.stderr
    );
    assert!(stores[0].is_dir());
    drop(lock);
    assert_eq!(
        sandbox.flota("clone", &["cache", "--clear"]).status,
        Some(0)
    );
    assert!(!stores[0].exists());
}
