//! Filters that `.gitattributes` names (gitattributes(5), `filter`): those that the user's configuration has run as git runs
//! them, and nothing that a repository brings does.

use std::{fs, process::Command};

use crate::{
    clone::same_as_git,
    sandbox::{Ran, Sandbox},
    support::need,
};

/// The fleet to clone, with `attributes` in `web`, and the user's own configuration.
fn fleet(attributes: &str, config: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    fs::write(sandbox.path("web/.gitattributes"), attributes).unwrap();
    sandbox.commit_and_pin("web", "Name a filter");
    fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
    sandbox
}

fn as_user(command: &mut Command) {
    command.env_remove("GIT_CONFIG_GLOBAL");
}

fn clone(sandbox: &Sandbox) -> Ran {
    let url = format!("file://{}", sandbox.path("fleet").display());
    sandbox.flota_with("", &["clone", &url, "ours"], as_user)
}

fn clone_by_git(sandbox: &Sandbox) {
    let url = format!("file://{}", sandbox.path("fleet").display());
    let args = ["clone", "--quiet", "--recurse-submodules", &url, "gits"];
    let ran = sandbox.git_with("", &args, as_user);
    assert!(ran.status.success(), "{ran:?}");
}

fn content(sandbox: &Sandbox, clone: &str, file: &str) -> Vec<u8> {
    fs::read(sandbox.path(format!("{clone}/code-repos/web/{file}"))).unwrap()
}

#[test]
fn a_filter_of_the_user_writes_what_git_would_write() {
    let config = "[filter \"loud\"]\n\tsmudge = tr a-z A-Z\n\tclean = tr A-Z a-z\n";
    let sandbox = fleet("code/app filter=loud\n", config);
    let ran = clone(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(
        content(&sandbox, "ours", "code/app"),
        b"WEB, FIRST VERSION\n"
    );
    clone_by_git(&sandbox);
    assert_eq!(
        content(&sandbox, "gits", "code/app"),
        b"WEB, FIRST VERSION\n"
    );
    let web = "ours/code-repos/web";
    let status = sandbox.git_with(web, &["status", "--porcelain"], as_user);
    assert_eq!(status.stdout, b"");
    let status = sandbox.flota_with("ours", &["status"], as_user);
    assert_eq!(
        status.stdout, b"2 of 2 services in step\n",
        "{}",
        status.stderr
    );
}

/// git says so, and writes the file as it is; unless the filter is required.
#[test]
fn a_filter_that_fails_costs_nothing_unless_it_is_required() {
    let config = "[filter \"broken\"]\n\tsmudge = false\n\tclean = cat\n";
    let sandbox = fleet("code/app filter=broken\n", config);
    let ran = clone(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(
        content(&sandbox, "ours", "code/app"),
        b"web, first version\n"
    );

    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    let required = format!("{config}\trequired = true\n");
    fs::write(sandbox.path("home/.gitconfig"), required).unwrap();
    let ran = clone(&sandbox);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    for word in [
        "── code-repos/web",
        "\"false\" failed",
        "hint: if a filter failed: git config --get-regexp '^filter\\.'",
    ] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    assert!(!sandbox.path("ours/.git/modules/web").exists());
    assert!(
        sandbox
            .path("ours/code-repos/api/code/lib/code/app")
            .is_file()
    );

    fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
    let ran = sandbox.flota_with("ours", &["update"], as_user);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

/// What a server's repository has in its own configuration is not cloned; without a definition the name says nothing.
#[test]
fn a_filter_that_a_repository_brings_does_not_run() {
    let sandbox = fleet("code/app filter=theirs\n", "");
    let canary = sandbox.path("home/canary");
    let smudge = format!("touch {}; cat", canary.display());
    for repository in ["fleet", "web"] {
        sandbox.git(repository, &["config", "filter.theirs.smudge", &smudge]);
        sandbox.git(repository, &["config", "filter.theirs.required", "true"]);
    }
    let ran = clone(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(
        content(&sandbox, "ours", "code/app"),
        b"web, first version\n"
    );
    assert!(!canary.exists());
    clone_by_git(&sandbox);
    same_as_git(&sandbox);
}

const LFS: &str = "[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\
                   \tprocess = git-lfs filter-process\n\trequired = true\n";

#[test]
fn git_lfs_brings_what_its_pointers_stand_for() {
    if !need("git-lfs") {
        return;
    }
    let sandbox = fleet("*.bin filter=lfs diff=lfs merge=lfs -text\n", LFS);
    let bytes: Vec<u8> = (0..5000_u32).map(|number| (number % 251) as u8).collect();
    fs::write(sandbox.path("web/code/large.bin"), &bytes).unwrap();
    for args in [
        &["add", "--all"][..],
        &["commit", "--quiet", "--message=Large"],
    ] {
        assert!(sandbox.git_with("web", args, as_user).status.success());
    }
    let pointer = sandbox.git("web", &["show", "HEAD:code/large.bin"]);
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");
    let pin = sandbox.git("web", &["rev-parse", "HEAD"]);
    let link = format!("160000,{},code-repos/web", pin.trim());
    sandbox.git("fleet", &["update-index", "--cacheinfo", &link]);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Move web"]);

    let ran = clone(&sandbox);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    clone_by_git(&sandbox);
    for clone in ["ours", "gits"] {
        assert!(
            content(&sandbox, clone, "code/large.bin") == bytes,
            "{clone}"
        );
        let kept = sandbox.path(clone).join(".git/modules/web/lfs/objects");
        assert!(kept.is_dir(), "{clone}");
    }
    let web = "ours/code-repos/web";
    let status = sandbox.git_with(web, &["status", "--porcelain"], as_user);
    assert_eq!(status.stdout, b"");
    assert!(!sandbox.path("ours/.git/lfs").exists());

    // As its user wants it: the pointers alone.
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    let url = format!("file://{}", sandbox.path("fleet").display());
    let ran = sandbox.flota_with("", &["clone", &url, "ours"], |command| {
        as_user(command);
        command.env("GIT_LFS_SKIP_SMUDGE", "1");
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(
        content(&sandbox, "ours", "code/large.bin"),
        pointer.as_bytes()
    );

    // The content is gone: the service is named, and so is the file.
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    fs::remove_dir_all(sandbox.path("web/.git/lfs")).unwrap();
    let ran = clone(&sandbox);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    for word in ["── code-repos/web", "code/large.bin", "lfs"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    assert!(!sandbox.path("ours/.git/modules/web").exists());
}
