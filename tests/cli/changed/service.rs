//! Inside one service's own repository.

use super::{LAST, actions, json, rule};
use crate::sandbox::Sandbox;

#[test]
fn its_folders_are_what_a_submodules_are() {
    let sandbox = Sandbox::scripted("service");
    let transcripts = [
        LAST,
        "HEAD~2..HEAD~1",
        "HEAD~3..HEAD~2",
        "HEAD~3..HEAD",
        "HEAD..HEAD~3",
    ]
    .map(|range| {
        let run = |more: &[&str]| {
            let args = [&["changed", range], more].concat();
            let transcript = sandbox.flota("api", &args).transcript();
            format!("$ flota {}\n{transcript}", args.join(" "))
        };
        [run(&[]), run(&["--format", "json", "--files"])].join("\n")
    });
    insta::with_settings!({ description => rule("service"), omit_expression => true }, {
        insta::assert_snapshot!("service", transcripts.join("\n"));
    });
}

#[test]
fn git_gives_the_same_identities() {
    let sandbox = Sandbox::scripted("service");
    let changed = json(&sandbox, "api", &["HEAD~3..HEAD"]);
    let service = &changed["services"][0];
    for part in ["code", "config"] {
        for (end, rev) in [("from", "HEAD~3"), ("to", "HEAD")] {
            let id = sandbox.git("api", &["rev-parse", &format!("{rev}:{part}")]);
            assert_eq!(service[part][end], id.trim(), "{part} {end}");
        }
    }
}

#[test]
fn it_is_called_by_its_remote_else_by_its_folder() {
    let sandbox = Sandbox::scripted("service");
    assert_eq!(actions(&json(&sandbox, "api", &[LAST])), ["api image"]);
    assert_eq!(actions(&json(&sandbox, "checkout", &[LAST])), ["api image"]);
    sandbox.git("checkout", &["remote", "remove", "origin"]);
    assert_eq!(
        actions(&json(&sandbox, "checkout", &[LAST])),
        ["checkout image"]
    );
}

#[test]
fn a_submodule_in_its_code_leaves_it_a_service() {
    let sandbox = Sandbox::scripted("service-with-submodule");
    let changed = json(&sandbox, "api", &[LAST]);
    assert_eq!(changed["services"][0]["path"], ".");
    assert_eq!(actions(&changed), ["api image"]);
}
