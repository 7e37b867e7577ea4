//! `flota new`: a service in one command, what git would have made of it, and nothing at all when something fails.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    faults::assert_nobody_left,
    sandbox::{Ran, Sandbox},
};

const NEW: [&str; 4] = ["new", "web", "--template", "static"];

/// A fleet without services or remote, with one commit.
fn fleet() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "fleet"]);
    fs::write(sandbox.path("fleet/README.md"), "# Shop\n").unwrap();
    sandbox.git("fleet", &["add", "README.md"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Begin"]);
    sandbox
}

fn done(ran: &Ran) {
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

/// Every file under the sandbox but git's objects and flota's own notes, with what it holds.
fn files(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![sandbox.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(sandbox.root()).unwrap();
            let name = name.to_str().unwrap().to_owned();
            if ["fleet/.git/objects", "fleet/.git/flota"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                found.insert(name + "/", Vec::new());
                folders.push(path);
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What differs, by name: whole files would fill the screen.
fn difference(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let names = before.keys().chain(after.keys());
    let mut differing: Vec<_> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect();
    differing.sort();
    differing.dedup();
    // git rewrites its index where a file's time changed.
    differing.retain(|name| name != "fleet/.git/index");
    differing
}

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The sandbox's configuration, and more: as the user's own would be.
fn configured(command: &mut Command, more: &[(&str, &str)]) {
    for (at, (key, value)) in more.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{}", at + 2), key);
        command.env(format!("GIT_CONFIG_VALUE_{}", at + 2), value);
    }
    command.env("GIT_CONFIG_COUNT", (more.len() + 2).to_string());
}

#[test]
fn a_fleet_without_a_remote_gets_a_repository_beside_it() {
    let sandbox = fleet();
    let said = sandbox.flota("fleet", &NEW).transcript();
    let head = sandbox.git("fleet/code-repos/web", &["rev-parse", "--short=7", "HEAD"]);
    insta::assert_snapshot!(said.replace(head.trim(), "[HEAD]"));
    assert_eq!(
        sandbox.git("fleet", &["status", "--porcelain"]),
        "A  .gitmodules\nA  code-repos/web\n"
    );
    let heads = sandbox.git("web.git", &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(heads, "refs/heads/development\nrefs/heads/main\n");
    let status = sandbox.git("fleet/code-repos/web", &["status", "--short", "--branch"]);
    assert_eq!(status, "## development...origin/development\n");
    for repository in ["fleet", "fleet/code-repos/web", "web.git"] {
        sandbox.git(repository, &["fsck", "--strict"]);
    }
}

#[test]
fn what_is_there_is_what_git_submodule_add_leaves() {
    let sandbox = fleet();
    done(&sandbox.flota("fleet", &NEW));
    sandbox.git("", &["clone", "--quiet", "fleet", "other"]);
    sandbox.git(
        "other",
        &[
            "remote",
            "set-url",
            "origin",
            sandbox.path("fleet").to_str().unwrap(),
        ],
    );
    let add = [
        "submodule",
        "--quiet",
        "add",
        "-b",
        "development",
        "--name",
        "web",
        "--",
        "../web.git",
        "code-repos/web",
    ];
    sandbox.git("other", &add);
    for command in [
        &["ls-files", "--stage", "--", "code-repos", ".gitmodules"][..],
        &["config", "--local", "--get-regexp", "^submodule\\."],
        &["config", "--file", ".gitmodules", "--list"],
        &["submodule", "status"],
        &["status", "--porcelain"],
        &[
            "-C",
            "code-repos/web",
            "config",
            "--local",
            "--get-regexp",
            "^(remote|branch\\.development|core.worktree)",
        ],
        &["-C", "code-repos/web", "for-each-ref"],
        &["-C", "code-repos/web", "ls-files", "--stage"],
        &[
            "-C",
            "code-repos/web",
            "rev-parse",
            "--symbolic-full-name",
            "HEAD",
            "@{upstream}",
        ],
    ] {
        assert_eq!(
            sandbox.git("fleet", command),
            sandbox.git("other", command),
            "{command:?}"
        );
    }
    let gitfile = |fleet: &str| fs::read(sandbox.path(fleet).join("code-repos/web/.git")).unwrap();
    assert_eq!(gitfile("fleet"), gitfile("other"));
}

#[test]
fn changes_of_it_are_seen_for_what_they_are() {
    let sandbox = fleet();
    done(&sandbox.flota("fleet", &[&NEW[..], &["--commit"]].concat()));
    let changed = || {
        let ran = sandbox.flota("fleet", &["changed", "HEAD~1..HEAD", "--format", "json"]);
        let service = ran.json()["services"][0].clone();
        (service["change"].clone(), service["action"].clone())
    };
    assert_eq!(changed(), ("added".into(), "image".into()));
    for (file, change, action) in [
        ("code/more", "code", "image"),
        ("config/values.yaml", "config", "chart"),
    ] {
        let path = sandbox.path("fleet/code-repos/web").join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, before + "# more\n").unwrap();
        sandbox.git("fleet/code-repos/web", &["add", "--all"]);
        sandbox.git(
            "fleet/code-repos/web",
            &["commit", "--quiet", "--message", "More"],
        );
        sandbox.git(
            "fleet",
            &["commit", "--quiet", "--all", "--message", "More"],
        );
        assert_eq!(changed(), (change.into(), action.into()));
    }
}

#[test]
fn the_remote_lies_beside_the_fleets_or_where_it_is_said() {
    let sandbox = fleet();
    sandbox.git("", &["init", "--quiet", "--bare", "server/fleet.git"]);
    let url = sandbox.path("server/fleet.git");
    sandbox.git("fleet", &["remote", "add", "origin", url.to_str().unwrap()]);
    let made = sandbox
        .flota("fleet", &[&NEW[..], &["--format", "json"]].concat())
        .json();
    assert_eq!(made["url"], "../web.git");
    assert_eq!(
        made["remote"],
        sandbox.path("server/web.git").to_str().unwrap()
    );
    assert_eq!(
        (&made["made_remote"], &made["committed"]),
        (&true.into(), &false.into())
    );

    // An empty repository that is there, and a folder elsewhere.
    sandbox.git("", &["init", "--quiet", "--bare", "server/api.git"]);
    let mut arguments = vec!["new", "api", "--template", "static", "--format", "json"];
    let made = sandbox.flota("fleet", &arguments).json();
    assert_eq!(made["made_remote"], false);
    arguments[1] = "docs";
    arguments.extend(["--remote", "../elsewhere/deep/docs.git"]);
    let made = sandbox.flota("fleet", &arguments).json();
    let elsewhere = sandbox.path("elsewhere/deep/docs.git");
    assert_eq!(made["url"], elsewhere.to_str().unwrap());
    sandbox.git(&elsewhere, &["rev-parse", "refs/heads/development"]);
}

#[test]
fn a_fleet_keeps_its_services_where_it_has_them() {
    let sandbox = fleet();
    sandbox.git("", &["init", "--quiet", "--bare", "old.git"]);
    sandbox.git("", &["clone", "--quiet", "old.git", "work"]);
    sandbox.git(
        "work",
        &["commit", "--quiet", "--allow-empty", "--message", "Old"],
    );
    sandbox.git("work", &["push", "--quiet", "origin", "HEAD:main"]);
    sandbox.git(
        "fleet",
        &["submodule", "--quiet", "add", "../old.git", "services/old"],
    );
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Old"]);
    let made = sandbox
        .flota("fleet", &[&NEW[..], &["--format", "json"]].concat())
        .json();
    assert_eq!(made["path"], "services/web");
}

#[test]
fn names_and_answers_are_held_against_their_rules_before_anything_is_done() {
    let sandbox = fleet();
    let before = files(&sandbox);
    let mut said = String::new();
    for arguments in [
        &["new", "Shop_Web", "--template", "static"][..],
        &["new", "web"],
        &["new", "--template", "static"],
        &["new", "web", "--template", "sttic"],
        &[
            "new",
            "web",
            "--template",
            "static",
            "--answer",
            "nothing=1",
        ],
        &["new", "web", "--template", "static", "--answer", "nothing"],
        &["new", "web", "--template", "static", "--branch", "a..b"],
        &[
            "new",
            "web",
            "--template",
            "static",
            "--remote",
            "ext::sh -c x",
        ],
    ] {
        said += &sandbox.flota("fleet", arguments).transcript();
    }
    insta::assert_snapshot!(said);
    assert_eq!(difference(&before, &files(&sandbox)), [""; 0]);
}

#[test]
fn what_the_name_would_collide_with_is_refused() {
    let sandbox = fleet();
    done(&sandbox.flota("fleet", &[&NEW[..], &["--commit"]].concat()));
    let refused = |name: &str| {
        let ran = sandbox.flota("fleet", &["new", name, "--template", "static"]);
        assert_eq!(ran.status, Some(2), "{}", ran.stderr);
        ran.stderr
    };
    assert!(refused("web").contains("already has a service `web`"));
    fs::create_dir_all(sandbox.path("fleet/code-repos/api")).unwrap();
    fs::write(sandbox.path("fleet/code-repos/api/mine"), "").unwrap();
    assert!(refused("api").contains("already exists"));
    fs::create_dir_all(sandbox.path("fleet/.git/modules/docs")).unwrap();
    assert!(refused("docs").contains("had a submodule"));
    // A service is no fleet.
    let ran = sandbox.flota(
        "fleet/code-repos/web",
        &["new", "x", "--template", "static", "--service-only"],
    );
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("itself a submodule"), "{}", ran.stderr);
    // Somebody's edit of .gitmodules is not swept up.
    fs::write(sandbox.path("fleet/.gitmodules"), "# mine\n").unwrap();
    let ran = sandbox.flota("fleet", &["new", "x", "--template", "static"]);
    assert_eq!(ran.status, Some(4));
    assert!(ran.stderr.contains("not staged"), "{}", ran.stderr);
}

/// One thing of the outside world after the other fails, in the order in which they are met.
#[test]
fn whatever_fails_leaves_fleet_and_disk_as_they_were() {
    type Fault = (&'static str, fn(&Sandbox));
    const NO_NAME: &str = "no name to commit with";
    let faults: [Fault; 12] = [
        (NO_NAME, |_| {}),
        ("a hook at the commit", |sandbox| {
            script(&sandbox.path("hooks/pre-commit"), "exit 1");
        }),
        ("a hook at the push", |sandbox| {
            script(&sandbox.path("hooks/pre-push"), "exit 1");
        }),
        ("a server that refuses", |sandbox| {
            sandbox.git("", &["init", "--quiet", "--bare", "web.git"]);
            script(&sandbox.path("web.git/hooks/pre-receive"), "exit 1");
        }),
        ("a remote with commits", |sandbox| {
            sandbox.git("", &["clone", "--quiet", "--bare", "fleet", "web.git"]);
        }),
        ("a remote of another hash", |sandbox| {
            sandbox.git("", &["init", "--quiet", "--object-format=sha256", "other"]);
            sandbox.git(
                "other",
                &["commit", "--quiet", "--allow-empty", "--message", "Other"],
            );
            sandbox.git("", &["clone", "--quiet", "--bare", "other", "web.git"]);
        }),
        ("no folder for the remote", |sandbox| {
            fs::write(sandbox.path("web.git"), "mine").unwrap();
        }),
        ("no folder for git directories", |sandbox| {
            fs::write(sandbox.path("fleet/.git/modules"), "mine").unwrap();
        }),
        ("somebody writes .gitmodules", |sandbox| {
            fs::write(sandbox.path("fleet/.gitmodules.lock"), "").unwrap();
        }),
        ("somebody writes the index", |sandbox| {
            fs::write(sandbox.path("fleet/.git/index.lock"), "").unwrap();
        }),
        ("somebody writes the configuration", |sandbox| {
            fs::write(sandbox.path("fleet/.git/config.lock"), "").unwrap();
        }),
        ("a hook of the fleet's", |sandbox| {
            script(&sandbox.path("fleet/.git/hooks/pre-commit"), "exit 1");
        }),
    ];
    for (fault, prepare) in faults {
        let sandbox = fleet();
        prepare(&sandbox);
        let before = files(&sandbox);
        let hooks = sandbox.path("hooks");
        let ran = sandbox.flota_with("fleet", &[&NEW[..], &["--commit"]].concat(), |command| {
            if hooks.exists() {
                configured(command, &[("core.hooksPath", hooks.to_str().unwrap())]);
            }
            if fault == NO_NAME {
                configured(command, &[("user.useConfigOnly", "true")]);
                command
                    .env_remove("GIT_COMMITTER_NAME")
                    .env_remove("GIT_COMMITTER_EMAIL");
            }
        });
        assert!(matches!(ran.status, Some(1..=4)), "{fault}: {}", ran.stderr);
        assert!(ran.stderr.contains("error: "), "{fault}: {}", ran.stderr);
        assert_eq!(
            difference(&before, &files(&sandbox)),
            [""; 0],
            "{fault}: {}",
            ran.stderr
        );
        assert_eq!(
            sandbox.git("fleet", &["status", "--porcelain", "--untracked-files=no"]),
            "",
            "{fault}"
        );
    }
}

#[test]
fn a_failure_after_the_push_is_gone_on_from_by_the_same_command() {
    let sandbox = fleet();
    sandbox.git("", &["init", "--quiet", "--bare", "web.git"]);
    fs::write(sandbox.path("fleet/.git/index.lock"), "").unwrap();
    assert_eq!(sandbox.flota("fleet", &NEW).status, Some(4));
    let pushed = sandbox.git("web.git", &["rev-parse", "development"]);
    fs::remove_file(sandbox.path("fleet/.git/index.lock")).unwrap();
    // The commit that is there becomes the service's, whenever it was made.
    let ran = sandbox.flota_with("fleet", &NEW, |command| {
        command.env("GIT_COMMITTER_DATE", "1800000000 +0000");
    });
    done(&ran);
    assert_eq!(
        sandbox.git("fleet/code-repos/web", &["rev-parse", "HEAD"]),
        pushed
    );
    assert_eq!(
        sandbox.git("fleet/code-repos/web", &["status", "--porcelain"]),
        ""
    );
}

/// How long it takes here to make a service, undisturbed.
fn whole() -> Duration {
    let run = || {
        let sandbox = fleet();
        let started = Instant::now();
        done(&sandbox.flota("fleet", &NEW));
        started.elapsed()
    };
    run().min(run())
}

#[test]
fn killed_at_any_moment_it_is_done_by_the_next_run() {
    let whole = whole();
    let mut interrupted = 0;
    for moment in 0..24 {
        let sandbox = fleet();
        let before = sandbox.git("fleet", &["ls-files", "--stage"]);
        let mut child = sandbox
            .command("fleet", &NEW)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(whole * moment / 24);
        let _ = child.kill();
        interrupted += usize::from(!child.wait().unwrap().success());
        // The index has the service, or nothing of it.
        let after = sandbox.git("fleet", &["ls-files", "--stage"]);
        let has_service = after.contains("code-repos/web");
        assert!(has_service || after == before, "{moment}: {after}");
        // A git that outlived flota may hold a lock for a moment.
        assert_nobody_left(&sandbox, &format!("{moment}"));
        let again = sandbox.flota("fleet", &NEW);
        match has_service {
            true => assert!(
                again.stderr.contains("already"),
                "{moment}: {}",
                again.stderr
            ),
            false => assert_eq!(again.status, Some(0), "{moment}: {}", again.stderr),
        }
        assert_eq!(
            sandbox.git("fleet", &["status", "--porcelain"]),
            "A  .gitmodules\nA  code-repos/web\n",
            "{moment}"
        );
        let listed = sandbox.git("fleet", &["submodule", "status"]);
        assert!(
            listed.starts_with(' ') && listed.contains("development"),
            "{moment}: {listed}"
        );
        assert!(!sandbox.path("fleet/.git/flota/linking").exists() || has_service);
    }
    assert!(interrupted > 5, "only {interrupted} runs were interrupted");
}

#[test]
fn stopped_by_a_signal_it_takes_back_what_it_did() {
    let whole = whole();
    let mut stopped = 0;
    for moment in 0..16 {
        let sandbox = fleet();
        let before = files(&sandbox);
        let mut child = sandbox
            .command("fleet", &NEW)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(whole * moment / 16);
        let pid = child.id().to_string();
        // It may have ended by then.
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let ended = child.wait().unwrap();
        if ended.success() {
            continue;
        }
        stopped += 1;
        let after = files(&sandbox);
        assert_eq!(difference(&before, &after), [""; 0], "{moment}: {ended}");
        assert!(!sandbox.path("fleet/.git/flota/linking").exists());
    }
    assert!(stopped > 2, "only {stopped} runs were stopped");
}

/// Programs that note what they are called with, and make a repository as the forge would.
fn forges(sandbox: &Sandbox, answer: &str) {
    for name in ["gh", "glab", "az"] {
        let root = sandbox.root().display();
        script(
            &sandbox.path("bin").join(name),
            &format!(
                "printf '%s\\n' \"{name}\" \"$@\" >>{root}/called\n[ -z \"$GITLAB_HOST\" ] || echo \"host $GITLAB_HOST\" >>{root}/called\n\
                 git init --quiet --bare --template= {root}/server/web.git\nprintf '%s' '{answer}'"
            ),
        );
    }
}

fn with_forges(sandbox: &Sandbox, forge: &str, configuration: &[(&str, &str)]) -> Ran {
    let arguments = [&NEW[..], &["--create", forge, "--format", "json"]].concat();
    let path = format!(
        "{}:{}",
        sandbox.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    sandbox.flota_with("fleet", &arguments, |command| {
        command.env("PATH", path);
        configured(command, configuration);
    })
}

#[test]
fn a_forges_own_program_makes_the_repository() {
    for (forge, fleets, called) in [
        (
            "github",
            "git@github.com:shop/fleet.git",
            "gh\nrepo\ncreate\n--private\n--\ngithub.com/shop/web\n",
        ),
        (
            "gitlab",
            "https://git.example.com/a/b/fleet.git",
            "glab\nrepo\ncreate\n--private\n--defaultBranch=main\n--\na/b/web\nhost git.example.com\n",
        ),
        (
            "azure",
            "https://dev.azure.com/org/shop/_git/fleet",
            "az\nrepos\ncreate\n--output=json\n--name=web\n--organization=https://dev.azure.com/org\n--project=shop\n",
        ),
    ] {
        let sandbox = fleet();
        forges(&sandbox, "");
        sandbox.git("fleet", &["remote", "add", "origin", fleets]);
        let server = format!("url.{}/server/.insteadOf", sandbox.root().display());
        let beside = &fleets[..fleets.rfind('/').unwrap() + 1];
        let suffix = if forge == "azure" { "" } else { ".git" };
        if forge == "azure" {
            fs::create_dir(sandbox.path("server")).unwrap();
            std::os::unix::fs::symlink("web.git", sandbox.path("server/web")).unwrap();
        }
        let ran = with_forges(&sandbox, forge, &[(&server, beside)]);
        assert_eq!(fs::read_to_string(sandbox.path("called")).unwrap(), called);
        let made = ran.json();
        assert_eq!(made["url"], format!("../web{suffix}"));
        assert_eq!(made["remote"], format!("{beside}web{suffix}"));
        assert_eq!(made["made_remote"], true);
        sandbox.git("server/web.git", &["rev-parse", "development"]);
    }
}

#[test]
fn a_fleet_without_a_remote_takes_the_url_that_the_program_names() {
    for (forge, answer) in [
        ("github", "https://forge.example/me/web\n"),
        (
            "gitlab",
            "✓ Created on GitLab: Me / web - https://forge.example/me/web\n",
        ),
        (
            "azure",
            r#"{"remoteUrl": "https://forge.example/me/web.git"}"#,
        ),
    ] {
        let sandbox = fleet();
        forges(&sandbox, answer);
        let server = format!("url.{}/server/.insteadOf", sandbox.root().display());
        let ran = with_forges(&sandbox, forge, &[(&server, "https://forge.example/me/")]);
        assert_eq!(ran.json()["url"], "https://forge.example/me/web.git");
    }
}

#[test]
fn what_a_forge_made_is_gone_on_with() {
    let sandbox = fleet();
    forges(&sandbox, "https://forge.example/me/web\n");
    let server = format!("url.{}/server/.insteadOf", sandbox.root().display());
    let configuration = [(server.as_str(), "https://forge.example/me/")];
    fs::write(sandbox.path("fleet/.git/index.lock"), "").unwrap();
    let ran = with_forges(&sandbox, "github", &configuration);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    let hint = "flota new web --template static --remote https://forge.example/me/web.git";
    assert!(ran.stderr.contains(hint), "{}", ran.stderr);
    fs::remove_file(sandbox.path("fleet/.git/index.lock")).unwrap();
    let words: Vec<_> = hint.split(' ').skip(1).collect();
    done(&sandbox.flota_with("fleet", &words, |command| {
        configured(command, &configuration)
    }));
    // Without the program nothing is begun.
    let sandbox = fleet();
    let before = files(&sandbox);
    let ran = sandbox.flota("fleet", &[&NEW[..], &["--create", "gitlab"]].concat());
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(difference(&before, &files(&sandbox)), [""; 0]);
}

#[test]
fn a_users_own_template_is_a_folder_or_a_commit_of_a_repository() {
    let sandbox = fleet();
    let template = sandbox.path("ours");
    fs::create_dir_all(template.join("code/[[ module ]]")).unwrap();
    let manifest = "description = \"Ours\"\n[question.port]\nask = \"Port\"\ndefault = \"80\"\npattern = \"[0-9]+\"\n";
    fs::write(template.join("template.toml"), manifest).unwrap();
    fs::write(
        template.join("code/[[ module ]]/port.jinja"),
        "[[ name ]] [[ port ]]\n",
    )
    .unwrap();
    script(&template.join("code/run"), "true");
    let new = |name: &str, more: &[&str]| {
        let arguments = [&["new", name, "--defaults"][..], more].concat();
        sandbox.flota("fleet", &arguments)
    };
    done(&new(
        "shop-a",
        &["--template", "../ours", "--answer", "port=8080"],
    ));
    let read =
        |path: &str| fs::read_to_string(sandbox.path("fleet/code-repos").join(path)).unwrap();
    assert_eq!(read("shop-a/code/shop_a/port"), "shop-a 8080\n");
    let listed = sandbox.git(
        "fleet/code-repos/shop-a",
        &["ls-files", "--stage", "code/run"],
    );
    assert!(listed.starts_with("100755"), "{listed}");
    assert!(
        new("x", &["--template", "../ours", "--answer", "port=x"])
            .stderr
            .contains("does not match")
    );

    sandbox.git("ours", &["init", "--quiet"]);
    sandbox.git("ours", &["add", "--all"]);
    sandbox.git("ours", &["commit", "--quiet", "--message", "Ours"]);
    sandbox.git("ours", &["tag", "v1"]);
    fs::write(template.join("code/[[ module ]]/port.jinja"), "second\n").unwrap();
    sandbox.git(
        "ours",
        &["commit", "--quiet", "--all", "--message", "Second"],
    );
    let url = format!("file://{}", template.display());
    done(&new("shop-b", &["--template", &format!("{url}@v1")]));
    assert_eq!(read("shop-b/code/shop_b/port"), "shop-b 80\n");
    let record = read("shop-b/.flota-template.toml");
    let commit = sandbox.git("ours", &["rev-parse", "v1"]);
    for line in [
        format!("url = \"{url}\""),
        "rev = \"v1\"".into(),
        format!("commit = \"{}\"", commit.trim()),
    ] {
        assert!(record.contains(&line), "{line}\n{record}");
    }
    done(&new("shop-c", &["--template", &url]));
    assert_eq!(read("shop-c/code/shop_c/port"), "second\n");
    assert_eq!(
        new("shop-d", &["--template", &format!("{url}@v2")]).status,
        Some(4)
    );
}

#[test]
fn a_template_cannot_reach_out() {
    let sandbox = fleet();
    let template = sandbox.path("theirs");
    fs::create_dir_all(template.join("code")).unwrap();
    fs::write(template.join("template.toml"), "description = \"Theirs\"\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", template.join("code/passwd")).unwrap();
    let refused = |template: &str, why: &str| {
        let before = files(&sandbox);
        let ran = sandbox.flota("fleet", &["new", "web", "--template", template]);
        assert!(matches!(ran.status, Some(1 | 2)), "{}", ran.stderr);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert_eq!(difference(&before, &files(&sandbox)), [""; 0]);
    };
    refused("../theirs", "symbolic link");
    sandbox.git("theirs", &["init", "--quiet"]);
    sandbox.git("theirs", &["add", "--all"]);
    sandbox.git("theirs", &["commit", "--quiet", "--message", "Theirs"]);
    refused(&format!("file://{}", template.display()), "symbolic link");
    fs::remove_file(template.join("code/passwd")).unwrap();
    fs::write(template.join("code/x.jinja"), "[% include '/etc/passwd' %]").unwrap();
    refused("../theirs", "cannot be rendered");
    fs::write(
        template.join("code/x.jinja"),
        "[% for i in range(100000) %][% for j in range(100000) %]x[% endfor %][% endfor %]",
    )
    .unwrap();
    refused("../theirs", "fuel");
    fs::remove_file(template.join("code/x.jinja")).unwrap();
    fs::write(template.join("[[ '.git' ]]"), "gitdir: /").unwrap();
    refused("../theirs", "refused the file name");
}
