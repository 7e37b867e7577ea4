//! A workspace that is used again: its configuration names the URL that `.gitmodules` listed when a submodule was initialised.

use super::LAST;
use crate::sandbox::{Ran, Sandbox};

/// A fleet whose last commit lists another repository for api, in a clone that an earlier run initialised.
fn used_again() -> Sandbox {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "--bare", "api", "elsewhere"]);
    let first = ["clone", "--quiet", "--recurse-submodules", "fleet", "ours"];
    sandbox.git("", &first);

    sandbox.git("", &["clone", "--quiet", "elsewhere", "work"]);
    std::fs::write(sandbox.path("work/code/app"), "moved").unwrap();
    let commit = ["commit", "--quiet", "--all", "--message=Move"];
    sandbox.git("work", &commit);
    sandbox.git("work", &["push", "--quiet", "origin", "HEAD:main"]);
    let pin = sandbox.git("work", &["rev-parse", "HEAD"]);
    let list = [
        "config",
        "-f",
        ".gitmodules",
        "submodule.api.url",
        "../elsewhere",
    ];
    sandbox.git("fleet", &list);
    sandbox.git("fleet", &["add", ".gitmodules"]);
    let entry = format!("160000,{},code-repos/api", pin.trim());
    sandbox.git("fleet", &["update-index", "--cacheinfo", &entry]);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Move api"]);
    let pull = ["pull", "--quiet", "--no-recurse-submodules"];
    sandbox.git("ours", &pull);
    sandbox
}

fn changed(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let args = [&["changed", LAST, "--format", "names"], more].concat();
    sandbox.flota("ours", &args)
}

#[test]
fn the_listed_url_is_tried_where_the_configured_one_does_not_help() {
    let configure = |sandbox: &Sandbox, url: &str| {
        sandbox.git("ours", &["config", "submodule.api.url", url]);
    };
    for configured in [
        None,
        Some("gone"),
        Some("https://127.0.0.1:1/api"),
        Some("ext::sh -c 'touch bad'"),
    ] {
        let sandbox = used_again();
        if let Some(url) = configured {
            configure(&sandbox, url);
        }
        for more in [&[][..], &["--offline"]] {
            let ran = changed(&sandbox, more);
            assert_eq!(ran.status, Some(0), "{configured:?}: {}", ran.stderr);
            assert_eq!(ran.text(), "api\n", "{configured:?}");
        }
    }
}

#[test]
fn each_url_gives_what_the_other_lacks() {
    let sandbox = used_again();
    // The new place begins a history of its own, and nothing is initialised: the old pin is at the old place alone.
    std::fs::remove_dir_all(sandbox.path("elsewhere")).unwrap();
    sandbox.git("", &["init", "--quiet", "--bare", "elsewhere"]);
    let fresh = ["checkout", "--quiet", "--orphan", "fresh"];
    sandbox.git("work", &fresh);
    sandbox.git("work", &["commit", "--quiet", "--message=Begin again"]);
    sandbox.git("work", &["push", "--quiet", "origin", "HEAD:main"]);
    let pin = sandbox.git("work", &["rev-parse", "HEAD"]);
    let entry = format!("160000,{},code-repos/api", pin.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &entry]);
    let amend = ["commit", "--quiet", "--amend", "--no-edit"];
    sandbox.git("ours", &amend);
    std::fs::remove_dir_all(sandbox.path("ours/.git/modules")).unwrap();
    std::fs::remove_dir_all(sandbox.path("ours/code-repos/api")).unwrap();
    let ran = sandbox.flota("ours", &["changed", LAST, "--format", "json"]);
    let service = &ran.json()["services"][0];
    assert_eq!(service["reason"], "code-changed", "{}", ran.stderr);
}

#[test]
fn an_error_names_both_urls_and_the_way_out() {
    let sandbox = used_again();
    std::fs::rename(sandbox.path("elsewhere"), sandbox.path("gone")).unwrap();
    insta::assert_snapshot!(changed(&sandbox, &[]).transcript());
}

#[test]
fn a_check_asks_at_the_listed_url_too() {
    let sandbox = used_again();
    let ran = sandbox.flota("ours", &["check", LAST, "--format", "json"]);
    let warnings = serde_json::from_slice::<serde_json::Value>(&ran.stdout).expect(&ran.stderr);
    let kinds = warnings["warnings"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|warning| &warning["kind"]).collect();
    assert_eq!(kinds, ["url-changed"], "{}", ran.stderr);
}
