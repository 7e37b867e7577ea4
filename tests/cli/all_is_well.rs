//! That all is well is said where all is well: never beside a service that could not be looked at.

use std::fs;

use crate::sandbox::Sandbox;

/// What commands say when there is nothing more to do.
const SENTENCES: [&str; 9] = [
    "The pins are at the tips of their branches",
    "The pins are up to date with HEAD",
    "Nothing is new",
    "Nothing to push",
    "Nothing to do",
    "Nothing to build",
    "No service changed",
    "No service moved",
    "2 of 2 services in step",
];

const WEB: &str = "ours/code-repos/web";

#[test]
fn nothing_is_well_beside_a_service_that_failed() {
    let no_server = |sandbox: &Sandbox| {
        fs::rename(sandbox.path("web"), sandbox.path("gone")).unwrap();
    };
    let no_index = |sandbox: &Sandbox| {
        fs::write(sandbox.path("ours/.git/modules/web/index"), "").unwrap();
    };
    let no_head = |sandbox: &Sandbox| {
        fs::write(sandbox.path("ours/.git/modules/web/HEAD"), "odd\n").unwrap();
    };
    let no_pin = |sandbox: &Sandbox| {
        let nowhere = format!("160000,{},code-repos/web", "1".repeat(40));
        sandbox.git("ours", &["update-index", "--cacheinfo", &nowhere]);
        let message = ["commit", "--quiet", "--message=Nowhere"];
        sandbox.git("ours", &message);
    };
    let unpushed = |sandbox: &Sandbox| {
        sandbox.git(WEB, &["switch", "--quiet", "--force-create", "main"]);
        let message = ["commit", "--quiet", "--allow-empty", "--message=Mine"];
        sandbox.git(WEB, &message);
        no_server(sandbox);
    };
    type Break<'a> = &'a dyn Fn(&Sandbox);
    for (fault, breaks, arguments) in [
        (
            "server",
            &no_server as Break<'_>,
            &["update", "--remote"][..],
        ),
        ("server", &no_server, &["update", "--remote", "--dry-run"]),
        ("server", &no_server, &["fetch"]),
        ("server", &no_server, &["fetch", "--dry-run"]),
        ("unpushed", &unpushed, &["push"]),
        ("index", &no_index, &["status"]),
        ("index", &no_index, &["update"]),
        ("HEAD", &no_head, &["status"]),
        ("HEAD", &no_head, &["update"]),
        ("HEAD", &no_head, &["update", "--remote"]),
        ("HEAD", &no_head, &["bump", "web"]),
        ("HEAD", &no_head, &["fetch"]),
        ("HEAD", &no_head, &["push"]),
        ("HEAD", &no_head, &["switch", "main"]),
        ("HEAD", &no_head, &["commit", "--message=Mine"]),
        ("pin", &no_pin, &["update"]),
        ("pin", &no_pin, &["check"]),
        ("pin", &no_pin, &["changed", "HEAD~1..HEAD"]),
        ("pin", &no_pin, &["plan", "HEAD~1..HEAD"]),
        ("pin", &no_pin, &["diff", "HEAD~1..HEAD"]),
        ("pin", &no_pin, &["log", "HEAD~1..HEAD"]),
    ] {
        let sandbox = Sandbox::cloned();
        breaks(&sandbox);
        let ran = sandbox.flota("ours", arguments);
        let said = format!("{}{}", ran.text(), ran.stderr);
        for sentence in SENTENCES {
            assert!(!said.contains(sentence), "{fault} {arguments:?}: {said}");
        }
        // What `status` finds is its result.
        let is_shown = arguments == ["status"];
        assert!(
            is_shown || ran.status != Some(0),
            "{fault} {arguments:?}: {said}"
        );
        assert!(said.contains("web"), "{fault} {arguments:?}: {said}");
    }
}
