//! Hooks of a server that decide about a push (githooks(5)): the pushed objects are in a quarantine that only the environment names.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::sandbox::Sandbox;

/// A fleet with a commit that its server does not have yet, and the server, where `hook` says what flota says.
fn server(hook: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "--bare", "fleet", "server"]);
    sandbox.git("server", &["update-ref", "refs/heads/main", "HEAD~1"]);
    let old = match hook {
        "update" => "old=$2 new=$3",
        _ => "read old new name",
    };
    let flota = env!("CARGO_BIN_EXE_flota");
    // On the server, the relative URLs of the services are relative to where it is.
    let script = format!(
        "#!/bin/sh\n{old}\n{more}\n\"{flota}\" changed \"$old..$new\" --format json >\"$OUT\" 2>\"$OUT.err\"\n"
    );
    let file = sandbox.path("server/hooks").join(hook);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox
}

/// What flota says in the hook while the push comes in, and whether the hook was content.
fn push(sandbox: &Sandbox) -> (String, String, bool) {
    let out = sandbox.path("out");
    let url = format!("file://{}", sandbox.path("server").display());
    let pushed = sandbox.git_with("fleet", &["push", "--quiet", &url, "main"], |command| {
        command.env("OUT", &out);
    });
    let said = fs::read_to_string(sandbox.path("out.err")).unwrap_or_default();
    let out = fs::read_to_string(out).unwrap_or_default();
    let remote = String::from_utf8_lossy(&pushed.stderr);
    (out, format!("{said}{remote}"), pushed.status.success())
}

/// Every file below `folder`, but for what the push itself brings.
fn files(folder: &Path) -> Vec<String> {
    let all = walkdir::WalkDir::new(folder).into_iter().flatten();
    let all = all.filter(|entry| entry.file_type().is_file());
    let names = all.map(|entry| entry.path().display().to_string());
    let mut names: Vec<_> = names.filter(|name| !name.contains("/objects/")).collect();
    names.sort();
    names
}

#[test]
fn a_push_is_looked_at_before_it_is_accepted() {
    for hook in ["pre-receive", "update"] {
        let sandbox = server(hook, "");
        let before = files(&sandbox.path("server"));
        let (out, said, is_accepted) = push(&sandbox);
        assert!(is_accepted, "{hook}: {said}");
        let after = sandbox.flota("fleet", &["changed", "HEAD~1..HEAD", "--format", "json"]);
        let services = |text: &str| {
            let all: serde_json::Value = serde_json::from_str(text).unwrap();
            all["services"].clone()
        };
        assert_eq!(services(&out), services(&after.text()), "{hook}: {said}");
        assert_eq!(services(&out)[0]["action"], "image");
        if hook == "pre-receive" {
            assert_eq!(files(&sandbox.path("server")), before, "nothing is kept");
        }
    }
}

/// The variables may be about another repository than the one that flota runs in.
#[test]
fn the_quarantine_of_another_repository_is_nobodys() {
    let sandbox = server("pre-receive", "cd \"$ELSEWHERE\" && old=HEAD~1 new=HEAD");
    sandbox.git("", &["clone", "--quiet", "fleet", "elsewhere"]);
    let out = sandbox.path("out");
    let url = format!("file://{}", sandbox.path("server").display());
    let pushed = sandbox.git_with("fleet", &["push", "--quiet", &url, "main"], |command| {
        command
            .env("OUT", &out)
            .env("ELSEWHERE", sandbox.path("elsewhere"));
    });
    let said = fs::read_to_string(sandbox.path("out.err")).unwrap();
    assert!(pushed.status.success(), "{said}");
    let seen: serde_json::Value = serde_json::from_slice(&fs::read(out).unwrap()).unwrap();
    assert_eq!(seen["services"][0]["action"], "image");
    // It is a repository as any other, where flota keeps what it learned.
    assert!(sandbox.path("elsewhere/.git/flota/identities").exists());
}

/// Neither a ref nor a worktree is written while it is open whether the push is accepted.
#[test]
fn what_would_write_is_refused() {
    let flota = env!("CARGO_BIN_EXE_flota");
    for command in ["record --base= --for=main --offline", "update"] {
        let more =
            format!("\"{flota}\" {command} >\"$OUT\" 2>\"$OUT.err\"; echo $? >\"$OUT\"; exit 0");
        let sandbox = server("pre-receive", &more);
        let refs = || sandbox.git("server", &["for-each-ref", "refs/flota"]);
        let (out, said, _) = push(&sandbox);
        assert_eq!(out, "4\n", "{command}: {said}");
        assert!(
            said.contains("before the push is accepted"),
            "{command}: {said}"
        );
        assert_eq!(refs(), "");
    }
}
