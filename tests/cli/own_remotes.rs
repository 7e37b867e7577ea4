//! What is pushed is what the URL in `.gitmodules` has: whoever clones the fleet knows no other. What the user's own remotes have
//! counts for nobody else.

use std::fs;

use serde_json::Value;

use crate::sandbox::Sandbox;

const API: &str = "ours/code-repos/api";

/// A clone, and beside it `fork`, another repository of `api`.
fn cloned() -> Sandbox {
    let sandbox = Sandbox::cloned();
    sandbox.git("", &["clone", "--quiet", "--bare", "api", "fork"]);
    sandbox
}

/// A commit in the clone's `api`, on the new branch `feature`.
fn commit(sandbox: &Sandbox) {
    sandbox.git(API, &["switch", "--quiet", "--create", "feature"]);
    let mine = ["commit", "--quiet", "--allow-empty", "--message", "Mine"];
    sandbox.git(API, &mine);
}

fn unpushed(sandbox: &Sandbox) -> Value {
    let ran = sandbox.flota("ours", &["status", "--format", "json", "api"]);
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    told["services"][0]["unpushed"].clone()
}

#[test]
fn a_branch_of_a_fork_vouches_for_nothing() {
    let sandbox = cloned();
    let fork = sandbox.path("fork").display().to_string();
    sandbox.git(API, &["remote", "add", "mine", &fork]);
    commit(&sandbox);
    sandbox.git(API, &["push", "--quiet", "mine", "feature"]);
    assert_eq!(unpushed(&sandbox), 1);
    let ran = sandbox.flota("ours", &["bump", "api"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let hint = "hint: push them: git -C code-repos/api push origin HEAD\n";
    assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);

    // Pinned by git, it is no better.
    sandbox.git("ours", &["add", "code-repos/api"]);
    sandbox.git("ours", &["commit", "--quiet", "--message", "Move api"]);
    for arguments in [
        &["check", "HEAD~1..HEAD"][..],
        &["check", "HEAD~1..HEAD", "--offline"],
    ] {
        let ran = sandbox.flota("ours", arguments);
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    }
    sandbox.git(API, &["push", "--quiet", "origin", "feature"]);
    assert_eq!(unpushed(&sandbox), 0);
    let ran = sandbox.flota("ours", &["check", "HEAD~1..HEAD", "--offline"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn a_remote_of_any_name_counts_that_is_where_the_fleet_says() {
    let sandbox = cloned();
    let fork = sandbox.path("fork").display().to_string();
    let listed = sandbox.path("api").display().to_string();
    sandbox.git(API, &["remote", "set-url", "origin", &fork]);
    sandbox.git(API, &["remote", "add", "upstream", &listed]);
    commit(&sandbox);
    sandbox.git(API, &["push", "--quiet", "origin", "feature"]);
    let ran = sandbox.flota("ours", &["bump", "api"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("push upstream HEAD"), "{}", ran.stderr);
    sandbox.git(API, &["push", "--quiet", "upstream", "feature"]);
    assert_eq!(unpushed(&sandbox), 0);
    let ran = sandbox.flota("ours", &["bump", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

/// What was pushed by its URL alone has no remote-tracking branch: `status` asks no server, and `bump` does.
#[test]
fn the_listed_url_is_asked_where_no_branch_settles_it() {
    let sandbox = cloned();
    let fork = sandbox.path("fork").display().to_string();
    let listed = sandbox.path("api").display().to_string();
    sandbox.git(API, &["remote", "set-url", "origin", &fork]);
    commit(&sandbox);
    let refused = sandbox.flota("ours", &["bump", "api"]);
    assert_eq!(refused.status, Some(4), "{}", refused.stderr);
    let hint = format!("push {listed} HEAD");
    assert!(refused.stderr.contains(&hint), "{}", refused.stderr);
    sandbox.git(API, &["push", "--quiet", &listed, "feature"]);
    assert_ne!(unpushed(&sandbox), 0);
    let ran = sandbox.flota("ours", &["bump", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for gone in ["fork", "api", "web", "lib", "fleet"] {
        fs::remove_dir_all(sandbox.path(gone)).unwrap();
    }
    let ran = sandbox.flota("ours", &["status"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

/// Two ways to one repository are told for one by what the service's own configuration says of URLs.
#[test]
fn urls_are_compared_after_they_are_rewritten() {
    let sandbox = cloned();
    let root = sandbox.root().display().to_string();
    let rule = format!("url.{root}/.insteadOf");
    sandbox.git(API, &["config", &rule, "https://git.invalid/"]);
    let other = "https://git.invalid/api";
    sandbox.git(API, &["remote", "set-url", "origin", other]);
    commit(&sandbox);
    sandbox.git(API, &["push", "--quiet", "origin", "feature"]);
    assert_eq!(unpushed(&sandbox), 0);
}

/// A pin is looked for at the service's own remote first, then where the fleet says; and what was asked is named.
#[test]
fn a_missing_pin_is_fetched_from_where_it_is() {
    let sandbox = cloned();
    let fork = sandbox.path("fork").display().to_string();
    sandbox.git(API, &["remote", "set-url", "origin", &fork]);
    sandbox.git(
        "api",
        &["commit", "--quiet", "--allow-empty", "--message", "Theirs"],
    );
    let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
    let entry = format!("160000,{},code-repos/api", pin.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &entry]);
    let ran = sandbox.flota("ours", &["update", "api"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(sandbox.git(API, &["rev-parse", "HEAD"]), pin);
    // Nobody's remote has changed for that.
    let remotes = sandbox.git(API, &["remote", "--verbose"]);
    assert_eq!(remotes.lines().count(), 2, "{remotes}");
    assert!(remotes.contains(&fork), "{remotes}");

    let nowhere = format!("160000,{},code-repos/api", "1".repeat(40));
    sandbox.git("ours", &["update-index", "--cacheinfo", &nowhere]);
    let ran = sandbox.flota("ours", &["update", "api"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let listed = sandbox.path("api").display().to_string();
    let said = format!("is not on {fork}, nor on {listed}");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
}

#[test]
fn new_clones_call_their_remote_as_the_user_says() {
    let sandbox = Sandbox::scripted("to-clone");
    let named = |name: &'static str| {
        move |command: &mut std::process::Command| {
            command
                .env("GIT_CONFIG_COUNT", "3")
                .env("GIT_CONFIG_KEY_2", "clone.defaultRemoteName")
                .env("GIT_CONFIG_VALUE_2", name);
        }
    };
    for more in [&[][..], &["--depth=1"], &["--filter=blob:none"]] {
        let url = format!("file://{}", sandbox.path("fleet").display());
        let arguments = [&["clone", &url, "ours"][..], more].concat();
        let ran = sandbox.flota_with("", &arguments, named("up"));
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        for dir in [
            "ours",
            API,
            "ours/code-repos/web",
            "ours/code-repos/api/code/lib",
        ] {
            assert_eq!(sandbox.git(dir, &["remote"]), "up\n", "{dir} {more:?}");
            let head = sandbox.git(dir, &["symbolic-ref", "refs/remotes/up/HEAD"]);
            assert_eq!(head, "refs/remotes/up/main\n", "{dir} {more:?}");
        }
        let status = sandbox.flota("ours", &["status"]);
        assert!(
            status.text().contains("2 of 2 services in step"),
            "{}",
            status.text()
        );
        // And flota goes on from there.
        let ran = sandbox.flota("ours", &["update", "--remote"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        fs::remove_dir_all(sandbox.path("ours")).unwrap();
    }
    let ran = sandbox.flota_with("", &["clone", "fleet", "ours"], named("a b"));
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(!sandbox.path("ours").exists());
}
