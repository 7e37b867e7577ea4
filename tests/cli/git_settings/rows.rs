//! The rows of `flota help git-settings`: each setting that concerns what flota does, and what comes of it.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

use super::clone;
use crate::sandbox::{Ran, Sandbox};

const WEB: &str = "ours/code-repos/web";

fn cloned() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = clone(&sandbox, "", &["fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox
}

/// Without what the sandbox itself says, which would go before what files say.
fn by_files(sandbox: &Sandbox, dir: &str, arguments: &[&str]) -> Ran {
    sandbox.flota_with(dir, arguments, |command| {
        command
            .env_remove("GIT_CONFIG_GLOBAL")
            .env("GIT_CONFIG_COUNT", "0");
    })
}

/// Every setting of these sections that this git knows has a row.
#[test]
fn every_setting_has_a_row() {
    let sandbox = Sandbox::new();
    let page = sandbox.flota("", &["help", "git-settings"]).text();
    let sections = [
        "transfer.",
        "fetch.",
        "receive.",
        "core.",
        "clone.",
        "submodule.",
        "checkout.",
        "index.",
        "protocol.",
    ];
    let all = sandbox.git("", &["help", "--config"]);
    let known = all
        .lines()
        .filter(|key| sections.iter().any(|section| key.starts_with(section)));
    let missing: Vec<_> = known
        .filter(|key| {
            let group = match key.starts_with("receive.") {
                true => "receive.*",
                false if key.starts_with("fetch.fsck.") => "fetch.fsck.*",
                false => key,
            };
            !page.contains(&format!("`{group}`"))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What the user's own file says of submodules counts in a clone, too, beside what the clone itself notes.
#[test]
fn a_clone_brings_the_services_that_are_active() {
    let sandbox = Sandbox::scripted("to-clone");
    for (config, wanted) in [
        ("", "api web"),
        ("[submodule \"api\"]\n\tactive = false\n", "web"),
        ("[submodule \"api\"]\n\tactive = true\n", "api web"),
        ("[submodule \"api\"]\n\tupdate = none\n", "web"),
        ("[submodule]\n\tactive = code-repos/api\n", "api web"),
        ("[submodule]\n\tfetchJobs = 1\n", "api web"),
    ] {
        let ran = clone(&sandbox, config, &["fleet", "ours"]);
        assert_eq!(ran.status, Some(0), "{config}: {}", ran.stderr);
        let is_here = |name: &&str| {
            let place = sandbox.path(format!("ours/code-repos/{name}"));
            place.join(".git").exists()
        };
        let here: Vec<_> = ["api", "web"].into_iter().filter(is_here).collect();
        assert_eq!(here.join(" "), wanted, "{config}");
        fs::remove_dir_all(sandbox.path("ours")).unwrap();
    }
    // The user's own place for a service.
    sandbox.git("", &["clone", "--quiet", "--bare", "api", "mirror"]);
    let mirror = sandbox.path("mirror");
    let config = format!("[submodule \"api\"]\n\turl = {}\n", mirror.display());
    let ran = clone(&sandbox, &config, &["fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let url = sandbox.git("ours/code-repos/api", &["remote", "get-url", "origin"]);
    assert_eq!(Path::new(url.trim()), mirror);
    assert!(sandbox.path(WEB).join(".git").exists());
}

/// The fleet's own URL, which the user gives: git looks at it, and so does flota.
#[test]
fn a_transport_that_the_user_switched_off_is_not_used_for_the_fleet_either() {
    let sandbox = Sandbox::scripted("to-clone");
    sandbox.git("", &["init", "--quiet", "empty"]);
    let message = ["commit", "--quiet", "--allow-empty", "--message=First"];
    sandbox.git("empty", &message);
    for (config, variable, is_allowed) in [
        ("", None, true),
        ("[protocol \"file\"]\n\tallow = always\n", None, true),
        ("[protocol \"file\"]\n\tallow = user\n", None, true),
        ("[protocol \"file\"]\n\tallow = never\n", None, false),
        ("[protocol]\n\tallow = never\n", None, false),
        (
            "[protocol]\n\tallow = never\n[protocol \"file\"]\n\tallow = always\n",
            None,
            true,
        ),
        ("", Some("https:ssh"), false),
        ("", Some("https:file"), true),
        ("[protocol \"file\"]\n\tallow = never\n", Some("file"), true),
    ] {
        fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
        let ran = sandbox.flota_with("", &["clone", "empty", "ours"], |command| {
            command
                .env_remove("GIT_CONFIG_GLOBAL")
                .env("GIT_CONFIG_COUNT", "0")
                .envs(variable.map(|listed| ("GIT_ALLOW_PROTOCOL", listed)));
        });
        let gits = sandbox.git_with("", &["clone", "--quiet", "empty", "gits"], |command| {
            command
                .env_remove("GIT_CONFIG_GLOBAL")
                .env("GIT_CONFIG_COUNT", "0")
                .envs(variable.map(|listed| ("GIT_ALLOW_PROTOCOL", listed)));
        });
        assert_eq!(gits.status.success(), is_allowed, "{config}{variable:?}");
        match is_allowed {
            true => {
                assert_eq!(ran.status, Some(0), "{config}{variable:?}: {}", ran.stderr);
                fs::remove_dir_all(sandbox.path("ours")).unwrap();
                fs::remove_dir_all(sandbox.path("gits")).unwrap();
            }
            false => {
                assert_eq!(ran.status, Some(4), "{config}{variable:?}: {}", ran.stderr);
                let said = "the transport `file` is not allowed here";
                assert!(ran.stderr.contains(said), "{config}: {}", ran.stderr);
                assert!(!sandbox.path("ours").exists());
            }
        }
    }
}

/// git warns of it and goes on; the password itself is not said.
#[test]
fn a_password_in_a_url_is_warned_of_once() {
    let sandbox = cloned();
    let url = "http://me:s3cret@127.0.0.1:9/web";
    sandbox.git("ours", &["config", "submodule.web.url", url]);
    sandbox.git(WEB, &["remote", "set-url", "origin", url]);
    sandbox.git("ours", &["remote", "set-url", "origin", url]);
    let message = ["commit", "--quiet", "--allow-empty", "--message=Mine"];
    sandbox.git("ours", &message);
    let warning = "warning: the URL http://127.0.0.1:9/web has a password in it";
    for arguments in [
        &["clone", url, "new"][..],
        &["fetch", "web"],
        &["fetch"],
        &["update", "--remote", "web"],
        &["pull"],
        &["push"],
    ] {
        for (value, count) in [("warn", 1), ("allow", 0), ("Warn", 0)] {
            let config = format!("[transfer]\n\tcredentialsInUrl = {value}\n");
            fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
            let dir = if arguments[0] == "clone" { "" } else { "ours" };
            let ran = by_files(&sandbox, dir, arguments);
            let found = ran.stderr.matches(warning).count();
            assert_eq!(found, count, "{arguments:?} {value}: {}", ran.stderr);
            assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
        }
    }
}

#[test]
fn as_many_fetches_run_at_a_time_as_are_set() {
    let sandbox = cloned();
    for (settings, arguments, named) in [
        (
            &[("fetch.parallel", "many")][..],
            &[][..],
            Some("fetch.parallel"),
        ),
        (
            &[("submodule.fetchJobs", "many")],
            &[],
            Some("submodule.fetchJobs"),
        ),
        (&[("fetch.parallel", "0")], &["--jobs=2"], None),
        (&[("fetch.parallel", "0")], &[], None),
        (&[("fetch.parallel", "3")], &[], None),
    ] {
        for (key, value) in settings {
            sandbox.git("ours", &["config", key, value]);
        }
        let ran = sandbox.flota("ours", &[&["fetch"], arguments].concat());
        match named {
            Some(key) => {
                assert_eq!(ran.status, Some(2), "{settings:?}: {}", ran.stderr);
                assert!(ran.stderr.contains(key), "{settings:?}: {}", ran.stderr);
            }
            None => assert_eq!(ran.status, Some(0), "{settings:?}: {}", ran.stderr),
        }
        for (key, _) in settings {
            sandbox.git("ours", &["config", "--unset", key]);
        }
    }
}

/// A dry run says what goes, as the fetch does.
#[test]
fn what_a_fetch_prunes_its_dry_run_names() {
    let sandbox = cloned();
    sandbox.git("web", &["branch", "old"]);
    sandbox.git(WEB, &["fetch", "--quiet"]);
    sandbox.git("web", &["branch", "--quiet", "--delete", "old"]);
    for (key, value, is_gone) in [
        ("fetch.prune", "false", false),
        ("fetch.prune", "true", true),
        ("remote.origin.prune", "false", false),
    ] {
        sandbox.git(WEB, &["config", key, value]);
        let dry = ["fetch", "--dry-run", "--format=json", "web"];
        let told = sandbox.flota("ours", &dry).json();
        let branches = told["services"][0]["branches"].as_array().unwrap();
        assert_eq!(
            branches.len(),
            usize::from(is_gone),
            "{key} {value}: {told}"
        );
        if let Some(branch) = branches.first() {
            assert_eq!(branch["name"], "old");
            assert_eq!(branch["to"], serde_json::Value::Null);
        }
    }
    sandbox.git(WEB, &["config", "remote.origin.prune", "true"]);
    let dry = sandbox.flota("ours", &["fetch", "--dry-run", "--format=json", "web"]);
    let done = sandbox.flota("ours", &["fetch", "--format=json", "web"]);
    let branches = |ran: &Ran| ran.json()["services"][0]["branches"].clone();
    assert_eq!(branches(&dry), branches(&done));
}

/// What every name for a commit is warned of, unless the user does not want to hear it.
#[test]
fn ambiguous_names_are_said_where_the_user_wants_it() {
    let sandbox = cloned();
    sandbox.git("ours", &["tag", "x", "HEAD~1"]);
    sandbox.git("ours", &["branch", "x", "HEAD"]);
    for (value, is_said) in [("true", true), ("false", false)] {
        sandbox.git("ours", &["config", "core.warnAmbiguousRefs", value]);
        let ran = sandbox.flota("ours", &["changed", "x..HEAD"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let found = ran.stderr.contains("`x` is ambiguous");
        assert_eq!(found, is_said, "{value}: {}", ran.stderr);
    }
}

/// The modes of all files and directories below a path.
fn modes(root: &Path, below: &Path, found: &mut BTreeSet<(String, u32)>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        // flota's own is its own affair, and git's examples are not copied.
        if name.contains("/flota") || name.contains("/hooks") {
            continue;
        }
        let kind = match name.rsplit_once('.') {
            Some((before, "pack" | "idx" | "rev")) => before.to_owned(),
            _ => name.to_owned(),
        };
        // Whether new files get the directory's group is of no concern where git does not share.
        let mask = if name.starts_with(".git") {
            0o7777
        } else {
            0o5777
        };
        found.insert((kind, data.permissions().mode() & mask));
        if data.is_dir() {
            modes(root, &path, found);
        }
    }
}

/// Who may read and write what is there: by the umask, as `core.sharedRepository` says where nobody sets it.
#[test]
fn files_have_the_modes_that_git_gives_them() {
    let sandbox = Sandbox::scripted("to-clone");
    let url = format!("file://{}", sandbox.path("fleet").display());
    for (config, umask) in [
        ("", "022"),
        ("", "027"),
        ("", "077"),
        ("[core]\n\tsharedRepository = umask\n", "022"),
        ("[core]\n\tsharedRepository = group\n", "027"),
    ] {
        fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
        let run = |words: &str| {
            let mut shell = sandbox.program("sh", "");
            shell
                .env_remove("GIT_CONFIG_GLOBAL")
                .args(["-c", &format!("umask {umask} && exec {words}")]);
            let done = shell.output().unwrap();
            assert!(done.status.success(), "{words}: {done:?}");
        };
        run(&format!(
            "{} clone --quiet --no-cache {url} ours",
            env!("CARGO_BIN_EXE_flota")
        ));
        run(&format!(
            "git clone --quiet --recurse-submodules {url} gits"
        ));
        let of = |root: &str| {
            let root = sandbox.path(root);
            let mut found = BTreeSet::new();
            modes(&root, &root, &mut found);
            found
        };
        let (ours, gits) = (of("ours"), of("gits"));
        let paths = |all: &BTreeSet<(String, u32)>| -> BTreeSet<String> {
            all.iter().map(|(path, _)| path.clone()).collect()
        };
        let both: BTreeSet<_> = paths(&ours).intersection(&paths(&gits)).cloned().collect();
        assert!(both.len() > 30, "{both:?}");
        let packs = both.iter().filter(|path| path.contains("/pack/pack-"));
        assert!(packs.count() > 2, "{both:?}");
        let different = ours.symmetric_difference(&gits);
        let different: Vec<_> = different.filter(|(path, _)| both.contains(path)).collect();
        assert!(different.is_empty(), "{config}{umask}: {different:#?}");
        for clone in ["ours", "gits"] {
            fs::remove_dir_all(sandbox.path(clone)).unwrap();
        }
    }
}

/// A service as git sees it is a service as flota sees it: in step where git says that nothing changed.
#[test]
fn a_service_has_changed_where_git_says_so() {
    let file = |sandbox: &Sandbox| sandbox.path("ours/code-repos/api/code/run");
    let mode = |sandbox: &Sandbox| {
        fs::set_permissions(file(sandbox), fs::Permissions::from_mode(0o644)).unwrap();
    };
    let link = |sandbox: &Sandbox| {
        let link = sandbox.path("ours/code-repos/api/code/link");
        fs::remove_file(&link).unwrap();
        fs::write(&link, "app").unwrap();
    };
    let untracked = |sandbox: &Sandbox| {
        fs::write(sandbox.path("ours/code-repos/api/x.log"), "").unwrap();
        fs::write(sandbox.path("home/ignored"), "*.log\n").unwrap();
    };
    let touched = |sandbox: &Sandbox| {
        let text = fs::read(file(sandbox)).unwrap();
        fs::write(file(sandbox), text).unwrap();
    };
    let ignored = |sandbox: &Sandbox| {
        fs::write(file(sandbox), "changed").unwrap();
    };
    type Change<'a> = &'a dyn Fn(&Sandbox);
    for (key, value, change) in [
        ("core.fileMode", "true", &mode as Change<'_>),
        ("core.fileMode", "false", &mode),
        ("core.symlinks", "true", &link),
        ("core.symlinks", "false", &link),
        ("core.excludesFile", "/nowhere", &untracked),
        ("core.excludesFile", "~/ignored", &untracked),
        ("core.checkStat", "minimal", &touched),
        ("core.trustctime", "false", &touched),
        ("core.ignoreStat", "true", &ignored),
        ("core.untrackedCache", "true", &untracked),
        ("core.splitIndex", "true", &ignored),
        ("core.preloadIndex", "false", &ignored),
        ("submodule.recurse", "true", &ignored),
        ("core.quotePath", "false", &ignored),
    ] {
        let sandbox = cloned();
        let api = "ours/code-repos/api";
        sandbox.git(api, &["config", key, value]);
        change(&sandbox);
        let gits = sandbox.git(api, &["status", "--porcelain", "--untracked-files=all"]);
        let told = sandbox.flota("ours", &["status"]);
        let is_in_step = told.text().contains("2 of 2 services in step");
        assert_eq!(
            is_in_step,
            gits.is_empty(),
            "{key}={value}: {}",
            told.text()
        );
    }
}

/// Where HEAD was, git's way of taking back: kept as the service's own configuration says.
#[test]
fn an_update_notes_where_head_was_as_git_does() {
    for (value, is_kept) in [(None, true), (Some("true"), true), (Some("false"), false)] {
        let sandbox = cloned();
        fs::write(sandbox.path("web/config/Chart.yaml"), "second").unwrap();
        sandbox.commit_and_pin("web", "Second");
        sandbox.git("ours", &["pull", "--quiet", "--no-recurse-submodules"]);
        if let Some(value) = value {
            sandbox.git(WEB, &["config", "core.logAllRefUpdates", value]);
        }
        let log = sandbox.path("ours/.git/modules/web/logs/HEAD");
        let _ = fs::remove_file(&log);
        let ran = sandbox.flota("ours", &["update"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(log.exists(), is_kept, "{value:?}");
    }
}

/// A branch of a remote is followed as `git switch` would follow it.
#[test]
fn a_switch_guesses_the_remote_as_git_does() {
    for (key, value, wanted) in [
        ("checkout.defaultRemote", "fork", Some("fork/feature")),
        ("checkout.defaultRemote", "origin", Some("origin/feature")),
        ("checkout.guess", "false", None),
    ] {
        let sandbox = cloned();
        sandbox.git("web", &["branch", "feature"]);
        sandbox.git("", &["clone", "--quiet", "--bare", "web", "fork"]);
        let fork = sandbox.path("fork");
        sandbox.git(WEB, &["remote", "add", "fork", fork.to_str().unwrap()]);
        sandbox.git(WEB, &["fetch", "--quiet", "--all"]);
        sandbox.git(WEB, &["config", key, value]);
        let gits = sandbox.git_output(WEB, &["switch", "feature"]);
        assert_eq!(gits.status.success(), wanted.is_some(), "{gits:?}");
        sandbox.git(WEB, &["switch", "--quiet", "--detach"]);
        sandbox.git_output(WEB, &["branch", "--delete", "--force", "feature"]);
        let ran = sandbox.flota("ours", &["switch", "feature", "web"]);
        let followed =
            sandbox.git_output(WEB, &["rev-parse", "--abbrev-ref", "feature@{upstream}"]);
        let followed = String::from_utf8(followed.stdout).unwrap();
        assert_eq!(
            Some(followed.trim()).filter(|name| name.ends_with("/feature")),
            wanted,
            "{key}={value}: {}",
            ran.stderr
        );
    }
}

/// Hooks of the user's, wherever they are, may say no.
#[test]
fn a_commit_and_a_push_run_the_hooks_of_the_users_directory() {
    for (hook, arguments) in [
        ("pre-commit", &["commit", "--message=Mine"][..]),
        ("pre-push", &["push"]),
    ] {
        let sandbox = cloned();
        sandbox.flota("ours", &["switch", "main"]);
        sandbox.hook("", hook, "echo no from the hook >&2; exit 1");
        let hooks = sandbox.path("hooks");
        sandbox.git(WEB, &["config", "core.hooksPath", hooks.to_str().unwrap()]);
        fs::write(sandbox.path(WEB).join("config/Chart.yaml"), "changed").unwrap();
        sandbox.git(WEB, &["add", "--all"]);
        if hook == "pre-push" {
            sandbox.git(WEB, &["commit", "--quiet", "--no-verify", "--message=Mine"]);
        }
        let ran = sandbox.flota("ours", arguments);
        assert_eq!(ran.status, Some(1), "{hook}: {}", ran.stderr);
        assert!(ran.stderr.contains("no from the hook"), "{}", ran.stderr);
    }
}

/// What the server does not take is said, whatever of its settings is the reason.
#[test]
fn what_a_server_does_not_take_is_said() {
    for (key, value) in [
        ("receive.denyCurrentBranch", "refuse"),
        ("receive.hideRefs", "refs/heads"),
        ("receive.maxInputSize", "1"),
        ("receive.fsckObjects", "true"),
    ] {
        let sandbox = cloned();
        sandbox.flota("ours", &["switch", "main"]);
        if key != "receive.denyCurrentBranch" {
            sandbox.git("web", &["config", "receive.denyCurrentBranch", "ignore"]);
        }
        sandbox.git("web", &["config", key, value]);
        let before = sandbox.tip("web", "main");
        match key {
            "receive.fsckObjects" => {
                let tree = sandbox.tip(WEB, "HEAD^{tree}");
                let bad = format!(
                    "tree {tree}\nparent {before}\nauthor A <a> 01 +0000\ncommitter A <a> 01 +0000\n\nBad\n"
                );
                fs::write(sandbox.path("bad"), bad).unwrap();
                let hash = [
                    "hash-object",
                    "-t",
                    "commit",
                    "-w",
                    "--literally",
                    "../../../bad",
                ];
                let commit = sandbox.git(WEB, &hash);
                sandbox.git(WEB, &["update-ref", "HEAD", commit.trim()]);
            }
            _ => {
                let message = ["commit", "--quiet", "--allow-empty", "--message=Mine"];
                sandbox.git(WEB, &message);
            }
        }
        let ran = sandbox.flota("ours", &["push", "web"]);
        assert_eq!(ran.status, Some(1), "{key}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("code-repos/web"),
            "{key}: {}",
            ran.stderr
        );
        assert_eq!(sandbox.tip("web", "main"), before, "{key}");
    }
}

/// The branch that `update --remote` follows: the user's own configuration goes before `.gitmodules`.
#[test]
fn the_branch_of_a_service_is_the_users_choice() {
    let sandbox = cloned();
    sandbox.git("web", &["branch", "stable"]);
    let stable = sandbox.tip("web", "stable");
    let message = ["commit", "--quiet", "--allow-empty", "--message=Newer"];
    sandbox.git("web", &message);
    let newer = sandbox.tip("web", "main");
    for (branch, wanted) in [("main", &newer), ("stable", &stable)] {
        sandbox.git("ours", &["config", "submodule.web.branch", branch]);
        let ran = sandbox.flota("ours", &["update", "--remote", "web"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(&sandbox.tip(WEB, "HEAD"), wanted, "{branch}");
    }
}

/// `ignore` must not hide a change, and settings for git's own way through submodules change nothing in flota's.
#[test]
fn nothing_hides_a_change_of_a_service() {
    for (key, value) in [
        ("submodule.web.ignore", "all"),
        ("submodule.web.fetchRecurseSubmodules", "false"),
        ("submodule.recurse", "true"),
        ("fetch.recurseSubmodules", "false"),
        ("diff.ignoreSubmodules", "all"),
    ] {
        let sandbox = cloned();
        sandbox.git("ours", &["config", key, value]);
        fs::write(sandbox.path(WEB).join("config/Chart.yaml"), "changed").unwrap();
        let told = sandbox.flota("ours", &["status"]).text();
        assert!(told.contains("1 of 2 services in step"), "{key}: {told}");
        sandbox.git(WEB, &["checkout", "--quiet", "."]);
        fs::write(sandbox.path("web/config/Chart.yaml"), "second").unwrap();
        sandbox.commit_and_pin("web", "Second");
        let told = sandbox.flota("ours", &["fetch", "--format=json"]).json();
        let web = told["services"].as_array().unwrap().iter();
        let web = web.filter(|one| one["path"] == "code-repos/web");
        assert_eq!(
            web.map(|one| &one["outcome"]).next().unwrap(),
            "fetched",
            "{key}"
        );
        sandbox.git("ours", &["merge", "--quiet", "origin/main"]);
        let told = sandbox.flota("ours", &["changed", "HEAD~1..HEAD"]).text();
        assert!(told.contains("web"), "{key}: {told}");
    }
}
