//! Programs that a repository, or what lies beside one, would have run: none is.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    process::Command,
};

use super::{assert_harmless, assert_inert};
use crate::sandbox::{Ran, Sandbox};

const CANARY: &str = "touch \"$HOME/canary\"";

fn program(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{CANARY}\nexit 1\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[track_caller]
fn assert_nothing_ran(sandbox: &Sandbox, case: &str) {
    assert!(!sandbox.path("home/canary").exists(), "{case}");
}

/// The commands that read a fleet, in `dir`.
fn every_command(sandbox: &Sandbox, dir: &str, case: &str) -> Vec<Ran> {
    let commands: [&[&str]; 5] = [
        &["update"],
        &["status", "--all"],
        &["changed", "HEAD~1..HEAD", "--files"],
        &["plan", "--all"],
        &["foreach", "--", "true"],
    ];
    let meet = |args: &&[&str]| {
        let ran = sandbox.flota(dir, args);
        assert_inert(case, &ran);
        assert_nothing_ran(sandbox, &format!("{case}, {args:?}: {}", ran.stderr));
        ran
    };
    commands.iter().map(meet).collect()
}

fn cloned() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox
}

/// A new commit of `api`, which the fleet in `ours` pins.
fn move_api(sandbox: &Sandbox) {
    fs::write(sandbox.path("api/code/app"), "second").unwrap();
    sandbox.git("api", &["commit", "--quiet", "--all", "--message=Second"]);
    let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
    let link = format!("160000,{},code-repos/api", pin.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &link]);
}

const HOOKS: [&str; 6] = [
    "post-checkout",
    "post-merge",
    "post-index-change",
    "reference-transaction",
    "pre-auto-gc",
    "fsmonitor-watchman",
];

#[test]
fn the_users_own_hooks_are_not_run_by_flotas_checkouts() {
    let sandbox = Sandbox::scripted("to-clone");
    for hook in HOOKS {
        program(&sandbox.path("hooks").join(hook));
        program(&sandbox.path("template/hooks").join(hook));
    }
    let settings = |command: &mut Command| {
        command
            .env("GIT_CONFIG_COUNT", "4")
            .env("GIT_CONFIG_KEY_2", "core.hooksPath")
            .env("GIT_CONFIG_VALUE_2", sandbox.path("hooks"))
            .env("GIT_CONFIG_KEY_3", "init.templateDir")
            .env("GIT_CONFIG_VALUE_3", sandbox.path("template"));
    };
    let ran = sandbox.flota_with("", &["clone", "fleet", "ours"], settings);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_harmless("clone", &sandbox.path("ours"));
    move_api(&sandbox);
    let ran = sandbox.flota_with("ours", &["update"], settings);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_nothing_ran(&sandbox, &ran.stderr);
}

#[test]
fn hooks_of_an_old_clone_are_not_run() {
    let sandbox = cloned();
    move_api(&sandbox);
    for git_dir in ["", "modules/api", "modules/web"] {
        let git_dir = sandbox.path("ours/.git").join(git_dir);
        assert!(git_dir.join("HEAD").is_file());
        HOOKS
            .iter()
            .for_each(|hook| program(&git_dir.join("hooks").join(hook)));
    }
    for ran in every_command(&sandbox, "ours", "hooks") {
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    }
}

/// `git status` in such a folder runs what its configuration says (safe.bareRepository).
#[test]
fn a_bare_repository_among_a_services_files_is_no_fleet() {
    let sandbox = Sandbox::scripted("to-clone");
    let evil = sandbox.path("web/evil");
    sandbox.git("web", &["init", "--quiet", "--bare", "evil"]);
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "alias.status",
    ] {
        sandbox.git(
            "web/evil",
            &["config", key, &format!("!{CANARY}").replace("!t", "t")],
        );
    }
    sandbox.git("web/evil", &["config", "core.bare", "false"]);
    sandbox.git("web/evil", &["config", "core.worktree", ".."]);
    HOOKS
        .iter()
        .for_each(|hook| program(&evil.join("hooks").join(hook)));
    fs::write(evil.join("refs/keep"), "").unwrap();
    fs::write(evil.join("objects/keep"), "").unwrap();
    sandbox.commit_and_pin("web", "Be evil");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    every_command(&sandbox, "ours", "beside it");
    let inside = "ours/code-repos/web/evil";
    assert!(sandbox.path(inside).join("HEAD").is_file());
    for ran in every_command(&sandbox, inside, "inside it") {
        assert_eq!(ran.status, Some(4), "{}{}", ran.text(), ran.stderr);
        assert!(
            ran.stderr.contains("it is inside another repository"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn no_program_is_looked_up_where_a_repository_may_have_put_one() {
    let sandbox = cloned();
    move_api(&sandbox);
    for name in ["git", "git-upload-pack", "ssh", "sh", "true"] {
        program(&sandbox.path("ours").join(name));
        program(&sandbox.path("ours/code-repos/api").join(name));
    }
    let path = std::env::var("PATH").unwrap();
    for args in [
        &["update"][..],
        &["status"],
        &["changed", "HEAD~1..HEAD"],
        &["foreach", "--", "true"],
    ] {
        let ran = sandbox.flota_with("ours", args, |command| {
            command.env("PATH", format!(":.:bin:{path}"));
        });
        assert_nothing_ran(&sandbox, &format!("{args:?}: {}", ran.stderr));
    }
}

/// What the configuration of a repository on this machine says is its owner's wish, and not that of whoever clones it.
#[test]
fn the_configuration_of_the_source_runs_nothing() {
    let sandbox = Sandbox::scripted("to-clone");
    for repository in ["fleet", "api", "web", "lib"] {
        for key in [
            "uploadpack.packObjectsHook",
            "core.fsmonitor",
            "core.alternateRefsCommand",
            "core.sshCommand",
            "core.gitProxy",
            "core.pager",
            "core.editor",
            "remote.origin.uploadpack",
            "credential.helper",
            "filter.x.smudge",
            "filter.x.process",
            "diff.external",
        ] {
            sandbox.git(repository, &["config", key, CANARY]);
        }
        HOOKS
            .iter()
            .for_each(|hook| program(&sandbox.path(repository).join(".git/hooks").join(hook)));
    }
    fs::write(sandbox.path("web/.gitattributes"), "* filter=x diff=x\n").unwrap();
    sandbox.git(
        "web",
        &[
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "filter.x.process=",
            "add",
            ".gitattributes",
        ],
    );
    let _ = fs::remove_file(sandbox.path("home/canary"));
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_nothing_ran(&sandbox, &ran.stderr);
    assert_harmless("clone", &sandbox.path("ours"));
    every_command(&sandbox, "ours", "after");
}

/// A source that lacks an object would have it fetched, by whatever transport its configuration names (CVE-2024-32004).
#[test]
fn nothing_is_fetched_lazily_for_a_source() {
    let sandbox = Sandbox::scripted("to-clone");
    let blob = sandbox.git("web", &["rev-parse", "HEAD:code/app"]);
    let (folder, file) = blob.trim().split_at(2);
    fs::remove_file(sandbox.path("web/.git/objects").join(folder).join(file)).unwrap();
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "ext::sh -c touch% \"$HOME/canary\""),
        ("protocol.ext.allow", "always"),
    ] {
        sandbox.git("web", &["config", key, value]);
    }
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("── code-repos/web"), "{}", ran.stderr);
    assert_nothing_ran(&sandbox, &ran.stderr);
}

/// Objects come through the transport: nothing is shared with the source, and no link of it is followed into the clone
/// (CVE-2022-39253, CVE-2024-32020, CVE-2024-32021).
#[test]
fn a_local_source_is_not_linked_to() {
    let sandbox = Sandbox::scripted("to-clone");
    fs::write(sandbox.path("secret"), "not for you").unwrap();
    let objects = sandbox.path("web/.git/objects");
    fs::rename(&objects, sandbox.path("objects")).unwrap();
    symlink(sandbox.path("objects"), &objects).unwrap();
    symlink(sandbox.path("secret"), sandbox.path("objects/secret")).unwrap();
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert!(ran.status.is_some(), "{}", ran.stderr);
    assert_harmless("links", &sandbox.path("ours"));
    for entry in walkdir::WalkDir::new(sandbox.path("ours")) {
        let path = entry.unwrap().into_path();
        assert_ne!(path.file_name().unwrap(), "secret");
        let found = path.symlink_metadata().unwrap();
        assert!(!found.is_file() || fs::read(&path).unwrap() != b"not for you");
    }
}

#[test]
fn a_huge_gitattributes_costs_no_huge_memory() {
    let sandbox = Sandbox::scripted("to-clone");
    let mut text = "x".repeat(8 << 20) + " text\n";
    for number in 0..200_000 {
        text += &format!("*.{number} text eol=lf\n");
    }
    fs::write(sandbox.path("web/.gitattributes"), text).unwrap();
    sandbox.git("web", &["add", ".gitattributes"]);
    sandbox.git("web", &["commit", "--quiet", "--message=Attribute"]);
    sandbox.git(
        "fleet/code-repos/web",
        &[
            "-c",
            "core.attributesFile=/dev/null",
            "pull",
            "--quiet",
            "origin",
            "main",
        ],
    );
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move web"],
    );
    let mut limited = Command::new("bash");
    limited.args([
        "-c",
        "ulimit -v 4000000; exec \"$@\"",
        "bash",
        env!("CARGO_BIN_EXE_flota"),
        "clone",
        "fleet",
        "ours",
    ]);
    let output = sandbox.prepare(limited, sandbox.root()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_password_in_a_url_is_shown_nowhere() {
    let sandbox = Sandbox::scripted("to-clone");
    for name in ["api", "web"] {
        let url = format!("http://user:hunter2-word@127.0.0.1:1/{name}");
        let key = format!("submodule.{name}.url");
        sandbox.git("fleet", &["config", "--file=.gitmodules", &key, &url]);
    }
    let root = "submodule.api.url";
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move them"],
    );
    let mut said = Vec::new();
    for format in ["human", "json"] {
        let dir = format!("ours-{format}");
        said.push(sandbox.flota(
            "",
            &["clone", "--verbose", "fleet", &dir, "--format", format],
        ));
        said.push(sandbox.flota(&dir, &["update", "--verbose", "--format", format]));
        said.push(sandbox.flota(&dir, &["status", "--format", format]));
        said.push(sandbox.flota(&dir, &["changed", "HEAD~2..HEAD", "--format", format]));
        said.push(sandbox.flota(&dir, &["plan", "--all", "--format", format]));
        said.push(sandbox.flota(&dir, &["explain", "api", "HEAD~2..HEAD"]));
    }
    // One that is refused, in its several forms.
    for url in [
        "http://user:hunter2-word@/x",
        "http://user:hunter2-word@127.0.0.1:x/x",
        "ext::hunter2-word",
    ] {
        sandbox.git("fleet", &["config", "--file=.gitmodules", root, url]);
        sandbox.git(
            "fleet",
            &["commit", "--quiet", "--all", "--message=Mean harm"],
        );
        if !url.starts_with("ext") {
            said.push(sandbox.flota("", &["clone", "--verbose", "fleet", "refused"]));
        }
        said.push(sandbox.flota("", &["clone", url, "refused"]));
    }
    for ran in said
        .iter()
        .filter(|ran| !ran.stderr.contains("remote helper"))
    {
        for text in [&ran.stderr, &ran.text()] {
            assert!(!text.contains("hunter2-word"), "{text}");
        }
    }
}

#[test]
fn somebody_elses_clone_is_not_worked_in() {
    let sandbox = cloned();
    for path in ["ours", "ours/.git"] {
        if chown(sandbox.path(path), Some(65534), Some(65534)).is_err() {
            crate::support::skipped("root");
            return;
        }
    }
    for ran in every_command(&sandbox, "ours", "foreign") {
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
        assert!(ran.stderr.contains("safe.directory"), "{}", ran.stderr);
    }
}

/// Its objects are read where they are, and by the rule that `git upload-pack` has.
#[test]
fn somebody_elses_source_is_not_read() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    if chown(sandbox.path("api/.git"), Some(65534), Some(65534)).is_err() {
        crate::support::skipped("root");
        return;
    }
    let changed = ["changed", "HEAD~1..HEAD"];
    let ran = sandbox.flota("ours", &changed);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("safe.directory"), "{}", ran.stderr);

    let ran = sandbox.flota_with("ours", &changed, |command| {
        let folder = sandbox.path("api/.git");
        command
            .env("GIT_CONFIG_COUNT", "3")
            .env("GIT_CONFIG_KEY_2", "safe.directory")
            .env("GIT_CONFIG_VALUE_2", folder);
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.text().contains("api"), "{}", ran.text());
}

/// Programs of git's that had holes of their own, and that nothing here needs (CVE-2018-11233, CVE-2023-25652, CVE-2025-27613
/// and their kin).
#[test]
fn gits_other_programs_are_not_called() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in walkdir::WalkDir::new(sources) {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for name in [
            "fast-import",
            "apply",
            "am",
            "gitk",
            "gui",
            "bundle",
            "daemon",
        ] {
            let called = format!("\"{name}\"");
            // The word for an operation under way is no call.
            let text = text.replace("Self::Am => \"am\"", "");
            assert!(!text.contains(&called), "{} calls {name}", path.display());
        }
    }
}
