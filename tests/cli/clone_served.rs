//! `flota clone` from servers: what is asked of them, what they are told, and what they may do.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    clone::same_as_git,
    http::{Manners, Server, serve},
    sandbox::{Ran, Sandbox},
};

fn fleet(manners: Manners) -> (Sandbox, Server) {
    let sandbox = Sandbox::scripted("to-clone");
    let server = serve(sandbox.root(), manners);
    (sandbox, server)
}

fn clone(sandbox: &Sandbox, server: &Server, settings: &[(&str, &str)]) -> Ran {
    let url = format!("{}/fleet", server.url);
    let args = ["clone", &url, "ours", "--patience", "3"];
    sandbox.flota_with("", &args, |command| {
        with_settings(command, settings);
    })
}

/// Settings of the user's, after the sandbox's own two.
fn with_settings(command: &mut std::process::Command, settings: &[(&str, &str)]) {
    command.env("GIT_CONFIG_COUNT", (2 + settings.len()).to_string());
    for (number, (key, value)) in settings.iter().enumerate() {
        command
            .env(format!("GIT_CONFIG_KEY_{}", number + 2), key)
            .env(format!("GIT_CONFIG_VALUE_{}", number + 2), value);
    }
}

/// What was asked of a server about one of its repositories.
fn asked(server: &Server, repository: &str) -> Vec<String> {
    let asked = server.asked.lock().unwrap();
    let of = |request: &&String| request.split('/').nth(1) == Some(repository);
    asked.iter().filter(of).cloned().collect()
}

#[test]
fn a_clone_over_http_is_what_git_leaves() {
    let (sandbox, server) = fleet(Manners::default());
    for repository in ["fleet", "api", "lib", "web"] {
        sandbox.git(repository, &["tag", "--annotate", "v1", "--message=first"]);
        sandbox.git(repository, &["branch", "feature/deep/er"]);
    }
    let ran = clone(&sandbox, &server, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for repository in ["api", "lib", "web"] {
        let post = format!("POST /{repository}/git-upload-pack");
        assert_eq!(asked(&server, repository), [post.clone(), post]);
    }
    let url = format!("{}/fleet", server.url);
    let recursive = ["clone", "--quiet", "--recurse-submodules", &url, "gits"];
    sandbox.git("", &recursive);
    same_as_git(&sandbox);
    for again in [
        &["submodule", "update", "--init", "--recursive"][..],
        &["fetch", "--recurse-submodules", "--prune"],
    ] {
        sandbox.git("ours", again);
    }
}

/// A credential helper that knows one host's password, and notes what it is asked.
fn helper(sandbox: &Sandbox, server: &Server) -> String {
    let path = sandbox.path("helper");
    let host = server.url.strip_prefix("http://").unwrap();
    let script = format!(
        "#!/bin/sh\ninput=$(cat)\necho \"$1\" >>\"$HOME/asked\"\n\
         case $1$input in get*host={host}*) printf 'username=me\\npassword=s3cret-word\\n' ;; esac\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

const BASIC: &str = "Basic bWU6czNjcmV0LXdvcmQ=";

#[test]
fn helpers_are_asked_once_for_a_server_and_their_password_goes_there_alone() {
    let manners = Manners {
        authorization: Some(BASIC),
        ..Manners::default()
    };
    let (sandbox, server) = fleet(manners);
    let other = serve(sandbox.root(), Manners::default());
    // One service is elsewhere, where nobody has to log in.
    let web = format!("{}/web", other.url);
    sandbox.git(
        "fleet",
        &[
            "config",
            "set",
            "--file=.gitmodules",
            "submodule.web.url",
            &web,
        ],
    );
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move web"],
    );
    let helper = helper(&sandbox, &server);
    let ran = clone(&sandbox, &server, &[("credential.helper", &helper)]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    let said = fs::read_to_string(sandbox.path("home/asked")).unwrap();
    // The fleet is git's own to clone, the services are flota's: once each.
    assert_eq!(
        said.lines().filter(|word| *word == "get").count(),
        2,
        "{said}"
    );
    assert_eq!(
        said.lines().filter(|word| *word == "store").count(),
        2,
        "{said}"
    );
    assert!(
        asked(&server, "api")
            .iter()
            .all(|request| request.starts_with("POST"))
    );
    assert!(!asked(&other, "web").is_empty());
    assert!(other.seen.lock().unwrap().iter().all(String::is_empty));
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
}

#[test]
fn a_password_that_is_refused_is_forgotten_and_nobody_is_asked_again() {
    let manners = Manners {
        authorization: Some(BASIC),
        ..Manners::default()
    };
    let (sandbox, server) = fleet(manners);
    let scoped = format!("http.{}/fleet.extraHeader", server.url);
    let path = sandbox.path("helper");
    let script = "#!/bin/sh\necho \"$1\" >>\"$HOME/asked\"\n[ \"$1\" != get ] || printf 'username=me\\npassword=wrong-word\\n'\n";
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = [
        (scoped.as_str(), "Authorization: Basic bWU6czNjcmV0LXdvcmQ="),
        ("credential.helper", path.to_str().unwrap()),
    ];
    let ran = clone(&sandbox, &server, &settings);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("code-repos/api") && ran.stderr.contains("code-repos/web"));
    assert!(!ran.stderr.contains("wrong-word"), "{}", ran.stderr);
    let said = fs::read_to_string(sandbox.path("home/asked")).unwrap();
    assert!(said.contains("erase"), "{said}");
}

#[test]
fn headers_for_one_server_go_to_that_server() {
    let manners = Manners {
        authorization: Some(BASIC),
        ..Manners::default()
    };
    let (sandbox, server) = fleet(manners);
    let scoped = format!("http.{}/.extraHeader", server.url);
    let header = format!("AUTHORIZATION: {BASIC}");
    let ran = clone(&sandbox, &server, &[(&scoped, &header)]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let post = "POST /api/git-upload-pack";
    assert_eq!(asked(&server, "api"), [post, post]);
}

#[test]
fn what_is_not_understood_here_is_done_by_git() {
    let old = Manners {
        only_v0: true,
        ..Manners::default()
    };
    let target = Sandbox::scripted("to-clone");
    let elsewhere = serve(target.root(), Manners::default());
    let moved = Manners {
        moved: Some(("/web", elsewhere.url.clone())),
        ..Manners::default()
    };
    for (what, manners, settings) in [
        ("protocol 0", old, vec![]),
        ("a redirect", moved, vec![]),
        (
            "a setting",
            Manners::default(),
            vec![("http.userAgent", "corporate")],
        ),
    ] {
        let (sandbox, server) = fleet(manners);
        let ran = clone(&sandbox, &server, &settings);
        assert_eq!(ran.status, Some(0), "{what}: {}", ran.stderr);
        let of_web = asked(&server, "web");
        assert!(
            of_web.iter().any(|request| request.starts_with("GET")),
            "{what}: {of_web:?}"
        );
        assert_eq!(
            sandbox.git("ours", &["status", "--porcelain"]),
            "",
            "{what}"
        );
    }
}

#[test]
fn a_server_that_cuts_off_or_hangs_costs_its_own_services_only() {
    let cut = Manners {
        cut_off: Some(("/web", 200)),
        ..Manners::default()
    };
    let (sandbox, server) = fleet(cut);
    let ran = clone(&sandbox, &server, &[]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("code-repos/web"), "{}", ran.stderr);
    assert!(!sandbox.path("ours/.git/modules/web").exists());
    assert!(
        sandbox
            .path("ours/code-repos/api/code/lib/code/app")
            .is_file()
    );

    let silent = serve(
        sandbox.root(),
        Manners {
            silent: true,
            ..Manners::default()
        },
    );
    let well = serve(sandbox.root(), Manners::default());
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    let instead = format!("url.{}/web.insteadOf", silent.url);
    let ran = clone(&sandbox, &well, &[(&instead, &format!("{}/web", well.url))]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("said nothing for 3s"), "{}", ran.stderr);
    assert_eq!(silent.requests.load(std::sync::atomic::Ordering::SeqCst), 1);

    let mended = sandbox.flota("ours", &["update"]);
    assert_eq!(mended.status, Some(0), "{}", mended.stderr);
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
}
