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
    let moved = ["config", "--file=.gitmodules", "submodule.web.url", &web];
    sandbox.git("fleet", &moved);
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
    assert!(
        ran.stderr.contains("printed nothing for 3s"),
        "{}",
        ran.stderr
    );
    assert_eq!(silent.requests.load(std::sync::atomic::Ordering::SeqCst), 1);

    let mended = sandbox.flota("ours", &["update"]);
    assert_eq!(mended.status, Some(0), "{}", mended.stderr);
    assert_eq!(sandbox.git("ours", &["status", "--porcelain"]), "");
}

/// Clones once, so that the cache is filled, then again as `ours`; what the second run asked about a repository.
fn again(
    sandbox: &Sandbox,
    server: &Server,
    between: impl FnOnce(),
    repository: &str,
) -> Vec<String> {
    let ran = clone(sandbox, server, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    fs::rename(sandbox.path("ours"), sandbox.path("first")).unwrap();
    between();
    server.asked.lock().unwrap().clear();
    let ran = clone(sandbox, server, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for dir in [
        "ours",
        "ours/code-repos/api",
        "ours/code-repos/api/code/lib",
    ] {
        sandbox.git(dir, &["fsck", "--strict", "--full"]);
        assert_eq!(sandbox.git(dir, &["status", "--porcelain"]), "", "{dir}");
    }
    asked(server, repository)
}

/// What the object cache has, a folder for each repository.
pub fn stores(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(sandbox.path("home/.cache/flota/objects")).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).collect()
}

fn files(folder: &std::path::Path, extension: &str) -> Vec<std::path::PathBuf> {
    let packs = fs::read_dir(folder.join("objects/pack")).unwrap();
    let files = packs.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

/// How many repositories' objects `flota cache` counts.
fn kept_repositories(shown: &serde_json::Value) -> u64 {
    let caches = shown["caches"].as_array().unwrap();
    let objects = caches.iter().find(|cache| cache["kind"] == "objects");
    objects.unwrap()["entries"].as_u64().unwrap()
}

#[test]
fn a_second_clone_asks_for_refs_alone_and_needs_no_cache_afterwards() {
    let (sandbox, server) = fleet(Manners::default());
    let posts = again(&sandbox, &server, || (), "api");
    assert_eq!(posts, ["POST /api/git-upload-pack"]);
    assert_eq!(stores(&sandbox).len(), 3);

    let shown = sandbox.flota("ours", &["cache", "--format", "json"]).json();
    assert_eq!(kept_repositories(&shown), 3);
    let cleared = sandbox.flota("ours", &["cache", "--clear", "--format", "json"]);
    assert_eq!(kept_repositories(&cleared.json()), 0);
    assert!(stores(&sandbox).is_empty());
    for dir in ["ours/code-repos/api", "first/code-repos/api"] {
        sandbox.git(dir, &["fsck", "--full"]);
    }
    let recursive = [
        "clone",
        "--quiet",
        "--recurse-submodules",
        &format!("{}/fleet", server.url),
        "gits",
    ];
    sandbox.git("", &recursive);
    same_as_git(&sandbox);
}

#[test]
fn of_what_is_new_only_that_is_fetched() {
    let (sandbox, server) = fleet(Manners::default());
    let grow = || {
        fs::write(sandbox.path("api/code/app"), "more").unwrap();
        sandbox.git("api", &["commit", "--quiet", "--all", "--message=More"]);
        // An older commit under a new name: nothing needs to come for it.
        sandbox.git("web", &["tag", "same"]);
    };
    let posts = again(&sandbox, &server, grow, "api");
    assert_eq!(posts.len(), 2, "{posts:?}");
    let packs = files(&sandbox.path("ours/.git/modules/api"), "pack");
    assert_eq!(packs.len(), 2, "{packs:?}");
    let smallest = packs
        .iter()
        .map(|pack| fs::metadata(pack).unwrap().len())
        .min();
    assert!(smallest.unwrap() < 700, "{smallest:?}");
    assert_eq!(asked(&server, "web").len(), 1);
}

#[test]
fn who_may_not_see_a_repository_gets_nothing_of_it_from_the_cache() {
    let (sandbox, server) = fleet(Manners::default());
    let ran = clone(&sandbox, &server, &[]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    fs::remove_dir_all(sandbox.path("ours")).unwrap();
    fs::rename(sandbox.path("web"), sandbox.path("web-away")).unwrap();
    let ran = clone(&sandbox, &server, &[]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(!sandbox.path("ours/.git/modules/web").exists());
    assert!(!sandbox.path("ours/code-repos/web/code").exists());
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let (sandbox, server) = fleet(Manners::default());
    let damage = || {
        for store in stores(&sandbox) {
            for pack in files(&store, "pack") {
                // A new file: the clones keep their own.
                let mut bytes = fs::read(&pack).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::remove_file(&pack).unwrap();
                fs::write(&pack, bytes).unwrap();
            }
        }
    };
    let posts = again(&sandbox, &server, damage, "api");
    assert_eq!(posts.len(), 2, "{posts:?}");
}

#[test]
fn a_cache_that_others_may_write_to_is_not_used_and_none_is_made_unasked() {
    let (sandbox, server) = fleet(Manners::default());
    let url = format!("{}/fleet", server.url);
    let ran = sandbox.flota("", &["clone", "--no-cache", &url, "uncached"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!sandbox.path("home/.cache").exists());

    let open = || {
        let folder = sandbox.path("home/.cache/flota/objects");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    };
    let posts = again(&sandbox, &server, open, "api");
    assert_eq!(posts.len(), 2, "{posts:?}");
}
