//! Settings of git's that concern what flota does itself (git-config(1)): a clone is what git makes of them, or git makes it, or
//! flota refuses by name. Which of them lead to git is in `git/network/clone/settings.rs`.

use std::fs;

mod rows;

use crate::{
    clone::same_as_git,
    sandbox::{Ran, Sandbox},
};

fn clone(sandbox: &Sandbox, config: &str, arguments: &[&str]) -> Ran {
    fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
    let arguments = [&["clone"], arguments].concat();
    sandbox.flota_with("", &arguments, |command| {
        command.env_remove("GIT_CONFIG_GLOBAL");
    })
}

/// One after the other, each in a clone by flota and one by git.
#[test]
fn a_clone_is_as_git_makes_it_whatever_is_set() {
    let sandbox = Sandbox::scripted("to-clone");
    let url = format!("file://{}", sandbox.path("fleet").display());
    for config in [
        "[transfer]\n\tfsckObjects = true\n",
        "[fetch]\n\tfsckObjects = true\n",
        "[transfer]\n\tunpackLimit = 1\n[fetch]\n\tprune = true\n\tparallel = 2\n",
        "[receive]\n\tfsckObjects = true\n",
        "[core]\n\tsharedRepository = group\n",
        "[core]\n\tlogAllRefUpdates = always\n",
        "[core]\n\tlogAllRefUpdates = false\n",
        "[branch]\n\tautoSetupRebase = always\n",
        "[protocol]\n\tversion = 0\n",
        "[protocol]\n\tversion = 1\n",
        "[checkout]\n\tworkers = 4\n\tthresholdForParallelism = 1\n",
        "[index]\n\tthreads = 1\n",
        "[submodule]\n\tfetchJobs = 2\n",
    ] {
        let ran = clone(&sandbox, config, &[&url, "ours"]);
        assert_eq!(ran.status, Some(0), "{config}: {}", ran.stderr);
        let arguments = ["clone", "--quiet", "--recurse-submodules", &url, "gits"];
        let gits = sandbox.git_with("", &arguments, |command| {
            command.env_remove("GIT_CONFIG_GLOBAL");
        });
        assert!(gits.status.success(), "{config}: {gits:?}");
        same_as_git(&sandbox);
        for clone in ["ours", "gits"] {
            fs::remove_dir_all(sandbox.path(clone)).unwrap();
        }
    }
}

#[test]
fn submodules_are_fetched_by_as_many_jobs_as_are_set() {
    let sandbox = Sandbox::scripted("to-clone");
    let config = "[submodule]\n\tfetchJobs = many\n";
    let ran = clone(&sandbox, config, &["fleet", "ours"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("submodule.fetchJobs"), "{}", ran.stderr);
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    // What the command says counts more.
    let ran = clone(&sandbox, config, &["fleet", "ours", "--jobs=2"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

#[test]
fn refs_that_a_repository_hides_stay_hidden() {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git("api", &["branch", "secret"]);
    sandbox.git("api", &["config", "transfer.hideRefs", "refs/heads/secret"]);
    let ran = clone(&sandbox, "", &["fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let refs = sandbox.git("ours/code-repos/api", &["for-each-ref"]);
    assert!(!refs.contains("secret"), "{refs}");
}

#[test]
fn an_index_has_the_version_that_is_set() {
    let sandbox = Sandbox::scripted("to-clone");
    for config in [
        "[index]\n\tversion = 4\n",
        "[feature]\n\tmanyFiles = true\n",
    ] {
        let ran = clone(&sandbox, config, &["fleet", "ours"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let index = fs::read(sandbox.path("ours/.git/modules/api/index")).unwrap();
        assert_eq!(index[..8], *b"DIRC\0\0\0\x04", "{config}");
        let status = sandbox.flota("ours", &["status"]);
        assert!(
            status.text().contains("2 of 2 services in step"),
            "{}",
            status.text()
        );
        fs::remove_dir_all(sandbox.path("ours")).unwrap();
    }
}

#[test]
fn a_shallow_repository_is_refused_where_the_user_wants_none() {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git(
        "api",
        &["commit", "--quiet", "--allow-empty", "--message", "Second"],
    );
    let url = format!("file://{}", sandbox.path("api").display());
    sandbox.git("", &["clone", "--quiet", "--depth=1", &url, "cut"]);
    fs::remove_dir_all(sandbox.path("api")).unwrap();
    fs::rename(sandbox.path("cut"), sandbox.path("api")).unwrap();
    let config = "[clone]\n\trejectShallow = true\n";
    let ran = clone(&sandbox, config, &["fleet", "ours"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("shallow"), "{}", ran.stderr);
}

#[test]
fn a_password_in_a_url_is_refused_where_it_may_not_be() {
    let sandbox = Sandbox::scripted("to-clone");
    let config = "[transfer]\n\tcredentialsInUrl = die\n";
    let ran = clone(
        &sandbox,
        config,
        &["https://me:s3cret@git.invalid/fleet", "ours"],
    );
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("transfer.credentialsInUrl"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[test]
fn a_transport_that_is_not_allowed_is_refused() {
    let sandbox = Sandbox::scripted("to-clone");
    let ours = clone(&sandbox, "", &["fleet", "ours"]);
    assert_eq!(ours.status, Some(0), "{}", ours.stderr);
    sandbox.git(
        "ours/code-repos/api",
        &["config", "protocol.file.allow", "never"],
    );
    let nowhere = format!("160000,{},code-repos/api", "1".repeat(40));
    sandbox.git("ours", &["update-index", "--cacheinfo", &nowhere]);
    let ran = sandbox.flota_with("ours", &["update", "api"], |command| {
        // What the sandbox says would go before what a repository says.
        command.env("GIT_CONFIG_COUNT", "0");
    });
    assert_ne!(ran.status, Some(0));
    assert!(
        ran.stderr.contains("`file` is not allowed"),
        "{}",
        ran.stderr
    );
}

/// What a user left out of the worktree stays out when its files are written again.
#[test]
fn a_sparse_worktree_stays_sparse() {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = clone(&sandbox, "", &["fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let web = "ours/code-repos/web";
    sandbox.git(web, &["sparse-checkout", "set", "--no-cone", "/config/"]);
    assert!(!sandbox.path(web).join("code").exists());
    fs::remove_dir_all(sandbox.path(web)).unwrap();
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(sandbox.path(web).join("config/Chart.yaml").exists());
    assert!(!sandbox.path(web).join("code").exists());
    assert_eq!(sandbox.git(web, &["status", "--porcelain"]), "");
}
