//! Who may read and write what flota keeps in a git directory: as `core.sharedRepository` says (git-config(1)), else as the umask does.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::{
    http::{Manners, serve},
    sandbox::{Ran, Sandbox},
};

/// Each file and folder below `folder`, by its path there, with its mode.
fn modes(folder: &Path) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let mode = fs::symlink_metadata(&next).unwrap().permissions().mode();
        let name = next.strip_prefix(folder).unwrap().display().to_string();
        found.insert(name, mode & 0o7777);
        if next.is_dir() {
            open.extend(fs::read_dir(&next).unwrap().map(|it| it.unwrap().path()));
        }
    }
    found
}

/// flota for a user with this umask.
fn flota(sandbox: &Sandbox, umask: &str, arguments: &[&str]) -> Ran {
    let mut command = sandbox.program("bash", "ours");
    command.args(["-c", "umask \"$1\" && shift && exec \"$@\"", "bash", umask]);
    command.arg(env!("CARGO_BIN_EXE_flota")).args(arguments);
    sandbox.ran(command.output().unwrap())
}

/// A fleet with this setting, in which commands have run that keep something.
fn used(setting: Option<&str>, umask: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("served");
    let server = serve(sandbox.root(), Manners::default());
    let url = format!("{}/fleet", server.url);
    let ran = sandbox.flota("", &["clone", &url, "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    fs::remove_dir_all(sandbox.path("ours/.git/flota")).unwrap();
    if let Some(value) = setting {
        sandbox.git("ours", &["config", "core.sharedRepository", value]);
    }
    let web = "ours/code-repos/web";
    let message = ["commit", "--quiet", "--allow-empty", "--message=Mine"];
    sandbox.git(web, &["switch", "--quiet", "--create", "mine"]);
    sandbox.git(web, &message);
    let there = sandbox.path("web").display().to_string();
    sandbox.git(web, &["push", "--quiet", &there, "mine"]);
    sandbox.git("ours", &["commit", "--quiet", "--all", "--message=Move"]);
    let run = |arguments: &[&str]| {
        let ran = flota(&sandbox, umask, arguments);
        assert_eq!(ran.status, Some(0), "{arguments:?}: {}", ran.stderr);
    };
    run(&["update"]);
    run(&["status"]);
    run(&["check", "HEAD~1..HEAD"]);
    run(&["changed", "HEAD~1..HEAD"]);
    // One that is not here is fetched into a store.
    fs::remove_dir_all(sandbox.path(web)).unwrap();
    fs::remove_dir_all(sandbox.path("ours/.git/modules/web")).unwrap();
    fs::remove_file(sandbox.path("ours/.git/flota/identities")).unwrap();
    run(&["changed", "HEAD~1..HEAD"]);
    sandbox
}

#[test]
fn what_flota_keeps_has_the_modes_that_the_repository_asks_for() {
    for (setting, umask, least, most) in [
        (None, "022", 0o600, 0o755),
        (None, "077", 0o600, 0o700),
        (Some("umask"), "022", 0o600, 0o755),
        (Some("group"), "022", 0o660, 0o2775),
        (Some("group"), "077", 0o660, 0o2770),
        (Some("true"), "022", 0o660, 0o2775),
        (Some("all"), "077", 0o664, 0o2775),
        (Some("0640"), "022", 0o640, 0o2750),
        (Some("0600"), "022", 0o600, 0o700),
    ] {
        let sandbox = used(setting, umask);
        let found = modes(&sandbox.path("ours/.git/flota"));
        for wanted in ["update.lock", "status", "identities", "branches", "scratch"] {
            assert!(found.contains_key(wanted), "{wanted}: {found:?}");
        }
        for (path, mode) in &found {
            // Nobody writes a pack.
            let least = match mode & 0o200 {
                0 => least & !0o222,
                _ => least,
            };
            let shown = format!("{setting:?} {umask} {path}: {mode:o}");
            assert_eq!(mode & least, least, "{shown}");
            assert_eq!(mode & !most, 0, "{shown}");
        }
    }
}
