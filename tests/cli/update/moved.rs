//! Services that have moved in the fleet.

use std::fs;

use super::{outcomes, update};
use crate::sandbox::Sandbox;

const OLD: &str = "ours/code-repos/api";
const NEW: &str = "ours/platform/shop/api";

/// A clone with work in `api`, whose path is a level deeper by now.
fn moved() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    move_to(&sandbox, "code-repos/api", "platform/shop/api");
    fs::write(sandbox.path(OLD).join("code/app"), "mine").unwrap();
    fs::write(sandbox.path(OLD).join("code/lib/notes"), "mine").unwrap();
    sandbox.git("ours", &["pull", "--quiet"]);
    sandbox
}

fn move_to(sandbox: &Sandbox, from: &str, to: &str) {
    let parent = sandbox.path("fleet").join(to);
    fs::create_dir_all(parent.parent().unwrap()).unwrap();
    sandbox.git("fleet", &["mv", from, to]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Move"]);
}

#[test]
fn the_worktree_moves_along_with_what_is_in_it() {
    let sandbox = moved();
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let outcomes_now = outcomes(&ran);
    assert_eq!(outcomes_now["platform/shop/api"], "relocated");
    assert_eq!(outcomes_now["platform/shop/api/code/lib"], "current");
    assert!(!sandbox.path(OLD).exists());
    // Both levels know of each other, and of the work.
    assert_eq!(
        sandbox.git(NEW, &["status", "--porcelain"]),
        " M code/app\n M code/lib\n"
    );
    let lib = format!("{NEW}/code/lib");
    assert_eq!(sandbox.git(&lib, &["status", "--porcelain"]), "?? notes\n");
    for dir in [NEW, &lib] {
        let gitfile = fs::read_to_string(sandbox.path(dir).join(".git")).unwrap();
        assert!(gitfile.starts_with("gitdir: ../"), "{gitfile}");
        let root = sandbox.git(dir, &["rev-parse", "--show-toplevel"]);
        assert_eq!(root.trim(), sandbox.path(dir).display().to_string());
    }
    let again = update(&sandbox, &[]);
    assert_eq!(outcomes(&again)["platform/shop/api"], "current");
}

#[test]
fn with_a_new_pin_and_work_it_moves_and_stays_at_its_commit() {
    let sandbox = moved();
    fs::write(sandbox.path("api/code/app"), "theirs").unwrap();
    sandbox.git(
        "api",
        &["commit", "--quiet", "--all", "--message", "Theirs"],
    );
    let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
    let link = format!("160000,{},platform/shop/api", pin.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("uncommitted"), "{}", ran.stderr);
    assert_eq!(
        fs::read(sandbox.path(NEW).join("code/app")).unwrap(),
        b"mine"
    );
    sandbox.git(NEW, &["checkout", "--quiet", "code/app"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(outcomes(&ran)["platform/shop/api"], "moved");
}

/// Where `core.worktree` is after `git sparse-checkout` and others.
#[test]
fn a_configuration_of_the_worktrees_own_is_followed() {
    let sandbox = moved();
    sandbox.git(OLD, &["config", "extensions.worktreeConfig", "true"]);
    let git_dir = sandbox.path("ours/.git/modules/api");
    let way = sandbox.git(OLD, &["config", "--local", "core.worktree"]);
    let own = git_dir.join("config.worktree").display().to_string();
    sandbox.git("", &["config", "--file", &own, "core.worktree", way.trim()]);
    sandbox.git(OLD, &["config", "--local", "--unset", "core.worktree"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(
        sandbox.git(NEW, &["diff", "--name-only", "--ignore-submodules"]),
        "code/app\n"
    );
}

#[test]
fn what_is_not_to_be_moved_is_left_and_named() {
    let sandbox = moved();
    sandbox.git(OLD, &["bisect", "start"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("bisect is in progress"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        fs::read(sandbox.path(OLD).join("code/app")).unwrap(),
        b"mine"
    );
    assert!(!sandbox.path(NEW).join(".git").exists());
    sandbox.git(OLD, &["bisect", "reset"]);
    // Something is there already.
    fs::create_dir_all(sandbox.path(NEW)).unwrap();
    fs::write(sandbox.path(NEW).join("other"), "mine").unwrap();
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert_eq!(
        fs::read(sandbox.path(OLD).join("code/app")).unwrap(),
        b"mine"
    );
    // Outside of the fleet it is somebody else's to move.
    fs::remove_file(sandbox.path(NEW).join("other")).unwrap();
    let elsewhere = sandbox.path("elsewhere");
    fs::rename(sandbox.path(OLD), &elsewhere).unwrap();
    let git_dir = sandbox.path("ours/.git/modules/api");
    fs::write(
        elsewhere.join(".git"),
        format!("gitdir: {}\n", git_dir.display()),
    )
    .unwrap();
    let config = git_dir.join("config").display().to_string();
    let place = elsewhere.display().to_string();
    sandbox.git("", &["config", "--file", &config, "core.worktree", &place]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("outside of the fleet"),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read(elsewhere.join("code/app")).unwrap(), b"mine");
}

/// Killed in the midst, flota leaves absolute gitfiles, and a git directory that knows of the old place alone.
#[test]
fn a_move_that_was_killed_halfway_is_finished() {
    let sandbox = moved();
    fs::create_dir_all(sandbox.path(NEW).parent().unwrap()).unwrap();
    fs::rename(sandbox.path(OLD), sandbox.path(NEW)).unwrap();
    let git_dir = sandbox
        .path("ours/.git/modules/api")
        .canonicalize()
        .unwrap();
    for (dir, git_dir) in [
        ("", git_dir.clone()),
        ("code/lib", git_dir.join("modules/code/lib")),
    ] {
        let gitfile = sandbox.path(NEW).join(dir).join(".git");
        fs::write(gitfile, format!("gitdir: {}\n", git_dir.display())).unwrap();
    }
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(
        sandbox.git(NEW, &["status", "--porcelain"]),
        " M code/app\n M code/lib\n"
    );
}

/// Two that changed places: neither is brought into the other's repository.
#[test]
fn services_that_changed_places_are_left_and_named() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    move_to(&sandbox, "code-repos/api", "code-repos/third");
    move_to(&sandbox, "code-repos/web", "code-repos/api");
    move_to(&sandbox, "code-repos/third", "code-repos/web");
    sandbox.git_output("ours", &["pull", "--quiet"]);
    let before = sandbox.git(OLD, &["rev-parse", "HEAD"]);
    let ran = update(&sandbox, &[]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("and its own is"), "{}", ran.stderr);
    assert_eq!(sandbox.git(OLD, &["rev-parse", "HEAD"]), before);
}
