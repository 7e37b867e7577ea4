//! `flota template`: what a template has become is merged by git into what it made, and nothing of the user's is lost.

use std::fs;

use crate::sandbox::{Ran, Sandbox};

const WEB: &str = "fleet/code-repos/web";

/// A fleet with a template of its own, and the service `web` made from it.
fn made() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "fleet"]);
    fs::create_dir_all(sandbox.path("fleet/ours/code")).unwrap();
    template(&sandbox, "8080", "one\ntwo\nthree\nfour\nfive\n");
    let ran = sandbox.flota("fleet", &["new", "web", "--template", "ours", "--commit"]);
    done(&ran);
    sandbox
}

fn template(sandbox: &Sandbox, port: &str, text: &str) {
    let manifest =
        format!("description = \"Ours\"\n[question.port]\nask = \"Port\"\ndefault = \"{port}\"\n");
    fs::write(sandbox.path("fleet/ours/template.toml"), manifest).unwrap();
    let text = format!("{text}port [[ port ]]\n");
    fs::write(sandbox.path("fleet/ours/code/app.jinja"), text).unwrap();
}

fn done(ran: &Ran) {
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

fn app(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path(WEB).join("code/app")).unwrap()
}

/// Puts `text` into the service's file and commits it.
fn edit(sandbox: &Sandbox, text: &str) {
    fs::write(sandbox.path(WEB).join("code/app"), text).unwrap();
    sandbox.git(WEB, &["commit", "--quiet", "--all", "--message", "Mine"]);
}

fn update(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.flota("fleet", &[&["template", "update"][..], more].concat())
}

fn outcome(sandbox: &Sandbox) -> serde_json::Value {
    update(sandbox, &["--format", "json"]).json()["services"][0]["outcome"].clone()
}

fn state(sandbox: &Sandbox) -> serde_json::Value {
    let ran = sandbox.flota("fleet", &["template", "drift", "--format", "json"]);
    ran.json()["services"][0]["state"].clone()
}

#[test]
fn both_sides_of_a_change_come_together_time_and_again() {
    let sandbox = made();
    assert_eq!(state(&sandbox), "current");
    assert_eq!(outcome(&sandbox), "current");

    edit(&sandbox, "one\ntwo\nmine\nfour\nfive\nport 8080\n");
    template(&sandbox, "8080", "theirs\ntwo\nthree\nfour\nfive\n");
    assert_eq!(state(&sandbox), "behind");
    assert_eq!(outcome(&sandbox), "merged");
    assert_eq!(app(&sandbox), "theirs\ntwo\nmine\nfour\nfive\nport 8080\n");
    assert_eq!(outcome(&sandbox), "current");

    template(&sandbox, "9090", "theirs\ntwo\nthree\nfour\ntheirs\n");
    assert_eq!(outcome(&sandbox), "merged");
    // An answer stays what it was when a default changes.
    assert_eq!(
        app(&sandbox),
        "theirs\ntwo\nmine\nfour\ntheirs\nport 8080\n"
    );
    let ran = update(&sandbox, &["web", "--answer", "port=7070"]);
    done(&ran);
    assert_eq!(
        app(&sandbox),
        "theirs\ntwo\nmine\nfour\ntheirs\nport 7070\n"
    );

    // The pin is what drift looks at.
    assert_eq!(state(&sandbox), "behind");
    sandbox.git("fleet", &["add", "code-repos/web"]);
    assert_eq!(state(&sandbox), "current");
    sandbox.git(WEB, &["fsck", "--strict"]);
    assert_eq!(sandbox.git(WEB, &["status", "--porcelain"]), "");
}

#[test]
fn a_service_that_nobody_edited_is_moved_forward() {
    let sandbox = made();
    template(&sandbox, "8080", "theirs\n");
    assert_eq!(outcome(&sandbox), "merged");
    assert_eq!(app(&sandbox), "theirs\nport 8080\n");
    let merges = sandbox.git(WEB, &["rev-list", "--merges", "HEAD"]);
    assert_eq!(merges, "");
}

#[test]
fn a_conflict_is_left_as_git_leaves_it() {
    let sandbox = made();
    edit(&sandbox, "mine\ntwo\nthree\nfour\nfive\nport 8080\n");
    template(&sandbox, "8080", "theirs\ntwo\nthree\nfour\nfive\n");
    insta::assert_snapshot!(update(&sandbox, &["web"]).transcript());
    assert!(
        app(&sandbox).starts_with("<<<<<<< HEAD\nmine\n"),
        "{}",
        app(&sandbox)
    );
    assert_eq!(
        sandbox.git(WEB, &["status", "--porcelain", "code"]),
        "UU code/app\n"
    );
    // Not over a merge that is under way.
    assert_eq!(update(&sandbox, &["web"]).status, Some(4));
    fs::write(sandbox.path(WEB).join("code/app"), "settled\nport 8080\n").unwrap();
    sandbox.git(WEB, &["add", "code/app"]);
    sandbox.git(WEB, &["commit", "--quiet", "--no-edit"]);
    assert_eq!(outcome(&sandbox), "current");
}

#[test]
fn work_in_no_commit_and_a_detached_head_are_left_alone() {
    let sandbox = made();
    template(&sandbox, "8080", "theirs\n");
    let head = sandbox.git(WEB, &["rev-parse", "HEAD"]);
    fs::write(sandbox.path(WEB).join("mine"), "").unwrap();
    let mut said = update(&sandbox, &["web"]).transcript();
    fs::remove_file(sandbox.path(WEB).join("mine")).unwrap();
    sandbox.git(WEB, &["checkout", "--quiet", "--detach"]);
    said += &update(&sandbox, &["web"]).transcript();
    said += &update(&sandbox, &["wbe"]).transcript();
    insta::assert_snapshot!(said);
    assert_eq!(sandbox.git(WEB, &["rev-parse", "HEAD"]), head);
}

#[test]
fn where_history_lost_the_rendering_it_is_made_again_if_it_can_be() {
    let sandbox = made();
    sandbox.git("fleet/ours", &["init", "--quiet"]);
    let commit = |message: &str| {
        sandbox.git("fleet/ours", &["add", "--all"]);
        sandbox.git("fleet/ours", &["commit", "--quiet", "--message", message]);
    };
    commit("First");
    let url = format!("file://{}", sandbox.path("fleet/ours").display());
    done(&sandbox.flota("fleet", &["new", "api", "--template", &url]));
    let api = "fleet/code-repos/api";
    let text = "one\ntwo\nthree\nfour\nmine\nport 8080\n";
    for (service, place) in [("web", WEB), ("api", api)] {
        fs::write(sandbox.path(place).join("code/app"), text).unwrap();
        sandbox.git(place, &["commit", "--quiet", "--all", "--message", service]);
        // As after a squash: one commit, with the messages of all.
        let tree = sandbox.git(place, &["rev-parse", "HEAD^{tree}"]);
        let message = sandbox.git(place, &["log", "--format=%B", "HEAD"]);
        let squashed = sandbox.git(place, &["commit-tree", "-m", &message, tree.trim()]);
        sandbox.git(place, &["reset", "--quiet", "--hard", squashed.trim()]);
    }
    template(&sandbox, "8080", "theirs\ntwo\nthree\nfour\nfive\n");
    commit("Second");
    // A folder does not have its past; a repository does.
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("its history does not contain"),
        "{}",
        ran.stderr
    );
    let ran = update(&sandbox, &["api"]);
    done(&ran);
    let merged = fs::read_to_string(sandbox.path(api).join("code/app")).unwrap();
    assert_eq!(merged, "theirs\ntwo\nthree\nfour\nmine\nport 8080\n");
    // From now on it is in the history.
    template(&sandbox, "8080", "theirs\ntwo\ntheirs\nfour\nfive\n");
    commit("Third");
    done(&update(&sandbox, &["api"]));
    let record = fs::read_to_string(sandbox.path(api).join(".flota-template.toml")).unwrap();
    let third = sandbox.git("fleet/ours", &["rev-parse", "HEAD"]);
    assert!(record.contains(third.trim()), "{record}");
}

#[test]
fn a_hook_that_refuses_leaves_the_service_as_it_was() {
    let sandbox = made();
    edit(&sandbox, "one\ntwo\nthree\nfour\nmine\nport 8080\n");
    template(&sandbox, "8080", "theirs\ntwo\nthree\nfour\nfive\n");
    let head = sandbox.git(WEB, &["rev-parse", "HEAD"]);
    let hook = sandbox.path("fleet/.git/modules/web/hooks/pre-merge-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(sandbox.git(WEB, &["rev-parse", "HEAD"]), head);
    assert_eq!(sandbox.git(WEB, &["status", "--porcelain"]), "");
}

#[test]
fn drift_is_read_fleet_wide_from_the_pins() {
    let sandbox = made();
    let new = |name: &str, template: &str| {
        done(&sandbox.flota(
            "fleet",
            &["new", name, "--template", template, "--defaults"],
        ));
    };
    new("docs", "static");
    new("shop", "go");
    sandbox.git("fleet/ours", &["init", "--quiet"]);
    sandbox.git("fleet/ours", &["add", "--all"]);
    sandbox.git("fleet/ours", &["commit", "--quiet", "--message", "Ours"]);
    new(
        "api",
        &format!("file://{}", sandbox.path("fleet/ours").display()),
    );
    // What earlier versions of flota and of the template left, and what nobody made.
    let record = |name: &str, from: &str, to: &str| {
        let place = format!("fleet/code-repos/{name}");
        let file = sandbox.path(&place).join(".flota-template.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(file, text.replace(from, to)).unwrap();
        sandbox.git(&place, &["commit", "--quiet", "--all", "--message", "Edit"]);
        sandbox.git("fleet", &["add", &format!("code-repos/{name}")]);
    };
    record("shop", "template = \"go\"", "template = \"cobol\"");
    template(&sandbox, "8080", "theirs\n");
    fs::remove_dir_all(sandbox.path("fleet/ours/.git")).unwrap();
    let ran = sandbox.flota("fleet", &["template", "drift"]);
    let lines: Vec<Vec<_>> = ran
        .text()
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    let states: Vec<_> = lines[1..]
        .iter()
        .map(|words| {
            (
                words[0].as_str(),
                words[1].as_str(),
                words.last().unwrap().as_str(),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("api", "ours", "elsewhere"),
            ("docs", "static", "current"),
            ("shop", "cobol", "gone"),
            ("web", "ours", "behind"),
        ]
    );
    // A record that cannot be meant is that service's matter alone.
    record("docs", "template = ", "tenplate = ");
    let ran = sandbox.flota("fleet", &["template", "drift", "--format", "json"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("did you mean `template`?"),
        "{}",
        ran.stderr
    );
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["services"][1]["state"], "unread");
    assert_eq!(json["services"][3]["state"], "behind");
}

#[test]
fn what_is_not_here_is_named_only_when_it_is_asked_for() {
    let sandbox = made();
    fs::remove_dir_all(sandbox.path(WEB)).unwrap();
    let ran = update(&sandbox, &[]);
    done(&ran);
    assert_eq!(ran.text(), "No service was created from a template.\n");
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(4));
    assert!(
        ran.stderr.contains("code-repos/web: it is not initialised"),
        "{}",
        ran.stderr
    );
    // The pin is read from the git directory.
    assert_eq!(state(&sandbox), "current");
}

#[test]
fn a_record_cannot_reach_out_of_the_fleet() {
    let sandbox = made();
    fs::create_dir_all(sandbox.path("outside")).unwrap();
    fs::write(
        sandbox.path("outside/template.toml"),
        "description = \"x\"\n",
    )
    .unwrap();
    std::os::unix::fs::symlink("../outside", sandbox.path("fleet/link")).unwrap();
    let file = sandbox.path(WEB).join(".flota-template.toml");
    let text = fs::read_to_string(&file).unwrap();
    for (hostile, why) in [
        ("folder = \"../outside\"", "leads out of its directory"),
        ("folder = \"/etc\"", "leads out of its directory"),
        ("folder = \"link\"", "outside of the fleet"),
        (
            "url = \"ext::sh -c x\"\ncommit = \"e76acff4d8acacdcde22a8b5ca510680d7cb849c\"",
            "remote helper",
        ),
        (
            "url = \"-u./x\"\ncommit = \"e76acff4d8acacdcde22a8b5ca510680d7cb849c\"",
            "option",
        ),
    ] {
        fs::write(&file, text.replace("folder = \"ours\"", hostile)).unwrap();
        sandbox.git(WEB, &["commit", "--quiet", "--all", "--message", "Edit"]);
        let ran = update(&sandbox, &["web"]);
        assert!(
            matches!(ran.status, Some(2 | 4)),
            "{hostile}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains(why), "{hostile}: {}", ran.stderr);
    }
}

/// A template's new file where the user has one that git ignores.
#[test]
fn ignored_files_are_not_overwritten() {
    let sandbox = made();
    fs::write(sandbox.path(WEB).join(".gitignore"), "*.env\n").unwrap();
    sandbox.git(WEB, &["add", ".gitignore"]);
    sandbox.git(WEB, &["commit", "--quiet", "--message", "Ignore"]);
    let env = sandbox.path(WEB).join("code/local.env");
    fs::write(&env, "mine").unwrap();
    fs::write(sandbox.path("fleet/ours/code/local.env"), "theirs").unwrap();
    let head = sandbox.git(WEB, &["rev-parse", "HEAD"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("overwritten: `code/local.env`"),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read(&env).unwrap(), b"mine");
    assert_eq!(sandbox.git(WEB, &["rev-parse", "HEAD"]), head);
    done(&update(&sandbox, &["--overwrite-ignore"]));
    assert_eq!(fs::read(&env).unwrap(), b"theirs");
}

/// With nothing uncommitted, too, a service has to end what it has begun.
#[test]
fn an_operation_under_way_is_finished_first() {
    let sandbox = made();
    template(&sandbox, "8080", "theirs\n");
    sandbox.git(WEB, &["bisect", "start"]);
    let ran = update(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("git bisect is in progress"),
        "{}",
        ran.stderr
    );
}
