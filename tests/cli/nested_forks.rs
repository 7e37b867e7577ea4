//! Nested pins that a fork alone has: whoever clones the fleet asks the URL in the service's `.gitmodules`, and no other.

use crate::sandbox::Sandbox;

const API: &str = "ours/code-repos/api";
const LIB: &str = "ours/code-repos/api/code/lib";

/// A clone whose `api` is pushed with a pin of `lib` that a branch of `lib`'s fork has, and of no other remote.
fn at_a_fork() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox.git("", &["clone", "--quiet", "--bare", "lib", "fork"]);
    sandbox.git("fleet", &["config", "receive.denyCurrentBranch", "ignore"]);
    let fork = sandbox.path("fork").display().to_string();
    sandbox.git(LIB, &["remote", "add", "mine", &fork]);
    sandbox.git(LIB, &["switch", "--quiet", "--create", "feature"]);
    let message = ["commit", "--quiet", "--allow-empty", "--message=Mine"];
    sandbox.git(LIB, &message);
    sandbox.git(LIB, &["push", "--quiet", "mine", "feature"]);
    sandbox.git(API, &["switch", "--quiet", "--force-create", "feature"]);
    let message = ["commit", "--quiet", "--message=Move lib", "--", "code/lib"];
    sandbox.git(API, &message);
    sandbox
}

#[test]
fn a_nested_pin_at_a_fork_is_no_pin_that_anybody_can_clone() {
    let to_pin = &["bump", "api"][..];
    let to_stage = &["bump", "api", "--dry-run"][..];
    for (arguments, is_pushed, is_pinned) in [
        (to_pin, true, false),
        (to_stage, true, false),
        (&["check", "HEAD~1..HEAD"], true, true),
        (&["check", "HEAD~1..HEAD", "--offline"], true, true),
        (&["push", "api"], false, false),
        (&["push"], false, false),
        (&["push", "--dry-run"], false, false),
        (&["push"], false, true),
        (&["push", "--dry-run"], false, true),
        // git took the fork's word, and the fleet is left to push.
        (&["push"], true, true),
        (&["push", "--dry-run"], true, true),
    ] {
        let sandbox = at_a_fork();
        if is_pushed {
            sandbox.git(API, &["push", "--quiet", "origin", "feature"]);
        }
        if is_pinned {
            let message = [
                "commit",
                "--quiet",
                "--message=Move api",
                "--",
                "code-repos/api",
            ];
            sandbox.git("ours", &message);
        }
        let published = sandbox.tip("fleet", "main");
        let pins = sandbox.git("ours", &["ls-files", "--stage"]);
        let ran = sandbox.flota("ours", arguments);
        assert!(
            matches!(ran.status, Some(1 | 4)),
            "{arguments:?} {:?}: {}{}",
            ran.status,
            ran.text(),
            ran.stderr
        );
        let said = format!("{}{}", ran.text(), ran.stderr);
        assert!(said.contains("lib"), "{arguments:?}: {said}");
        assert_eq!(sandbox.git("ours", &["ls-files", "--stage"]), pins);
        assert_eq!(sandbox.tip("fleet", "main"), published, "{arguments:?}");
        if !is_pushed {
            let there = sandbox.git("api", &["for-each-ref", "refs/heads/feature"]);
            assert_eq!(there, "", "{arguments:?}: {said}");
        }

        // Where the listed URL has it, nothing is in the way.
        sandbox.git(LIB, &["push", "--quiet", "origin", "feature"]);
        let ran = sandbox.flota("ours", arguments);
        assert_eq!(ran.status, Some(0), "{arguments:?}: {}", ran.stderr);
    }
}
