//! Two services that exchange their paths in one commit: each is in the way of the other. Nothing is lost, and what to do is said.

use std::fs;

use crate::sandbox::Sandbox;

const API: &str = "ours/code-repos/api";
const WEB: &str = "ours/code-repos/web";

/// A clone whose fleet has moved on to a commit where `api` and `web` have each other's path.
fn swapped() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let fleet = |arguments: &[&str]| sandbox.git("fleet", arguments);
    fleet(&["submodule", "--quiet", "deinit", "--all", "--force"]);
    for (from, to) in [("api", "x"), ("web", "api"), ("x", "web")] {
        fleet(&[
            "mv",
            &format!("code-repos/{from}"),
            &format!("code-repos/{to}"),
        ]);
    }
    fleet(&["commit", "--quiet", "--all", "--message=Swap"]);
    sandbox.git("ours", &["pull", "--quiet", "--no-recurse-submodules"]);
    sandbox
}

#[test]
fn services_that_exchange_their_paths_are_left_and_the_command_that_is_named_mends_it() {
    for has_work in [false, true] {
        let sandbox = swapped();
        if has_work {
            fs::write(sandbox.path(API).join("mine"), "of api").unwrap();
            fs::write(sandbox.path(WEB).join("mine"), "of web").unwrap();
        }
        let ran = sandbox.flota("ours", &["update"]);
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
        assert!(ran.text().contains("2 left"), "{}", ran.text());
        let hint = "mv code-repos/api code-repos/api.old && flota update";
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
        assert!(!ran.stderr.contains("/../"), "{}", ran.stderr);
        if has_work {
            for dir in [API, WEB] {
                assert_eq!(sandbox.git(dir, &["status", "--porcelain"]), "?? mine\n");
            }
        }

        // As it is said; what is in the way is named as long as something is.
        fs::rename(sandbox.path(API), sandbox.path("ours/code-repos/api.old")).unwrap();
        let ran = sandbox.flota("ours", &["update"]);
        let last = match ran.status {
            Some(4) => sandbox.flota("ours", &["update"]),
            _ => ran,
        };
        assert_eq!(last.status, Some(0), "{}", last.stderr);
        for (dir, url) in [(API, "web"), (WEB, "api")] {
            let remote = sandbox.git(dir, &["remote", "get-url", "origin"]);
            assert!(remote.trim().ends_with(url), "{dir}: {remote}");
        }
        if has_work {
            let read = |path: &str| fs::read_to_string(sandbox.path(path)).unwrap();
            assert_eq!(read("ours/code-repos/api.old/mine"), "of api");
            // That of the other has gone along.
            assert_eq!(read("ours/code-repos/api/mine"), "of web");
        }
    }
}
