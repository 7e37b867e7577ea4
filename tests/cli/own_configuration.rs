//! A service's repository has a configuration of its own, and requests for it go by that: its key, its token, its rules for URLs.
//! Questions leave the repository as it was.

use std::{collections::BTreeMap, fs, path::Path};

use walkdir::WalkDir;

use crate::{
    http::{Manners, Server, serve},
    sandbox::{Ran, Sandbox},
};

const API: &str = "ours/code-repos/api";

/// `me:s3cret-word`.
const BASIC: &str = "Basic bWU6czNjcmV0LXdvcmQ=";

/// A clone by git of a fleet whose `api` is listed where `listed` says, and whose last commit moves it by a commit.
fn cloned(listed: impl FnOnce(&Sandbox) -> String) -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let clone = ["clone", "--quiet", "--recurse-submodules", "fleet", "ours"];
    sandbox.git("", &clone);
    let listed = listed(&sandbox);
    let key = "submodule.api.url";
    sandbox.git("ours", &["config", "--file", ".gitmodules", key, &listed]);
    sandbox.git("ours", &["config", key, &listed]);
    sandbox.git(API, &["remote", "set-url", "origin", &listed]);
    let list = [
        "commit",
        "--quiet",
        "--all",
        "--message",
        "List api elsewhere",
    ];
    sandbox.git("ours", &list);
    fs::write(sandbox.path("api/code/app"), "new").unwrap();
    sandbox.git("api", &["commit", "--quiet", "--all", "--message", "New"]);
    let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
    let entry = format!("160000,{},code-repos/api", pin.trim());
    sandbox.git("ours", &["update-index", "--cacheinfo", &entry]);
    sandbox.git("ours", &["commit", "--quiet", "--message", "Move api"]);
    sandbox
}

/// Asks and does everything that needs the server of `api`.
fn all(sandbox: &Sandbox) -> Vec<(String, Ran)> {
    let runs: [&[&str]; 5] = [
        &["changed", "HEAD~1..HEAD"],
        &["plan", "HEAD~1..HEAD"],
        &["check", "HEAD~1..HEAD"],
        &["update", "api"],
        &["update", "--remote", "api"],
    ];
    let run = |arguments: &&[&str]| (arguments.join(" "), sandbox.flota("ours", arguments));
    runs.iter().map(run).collect()
}

fn assert_all(sandbox: &Sandbox, what: &str) {
    for (arguments, ran) in all(sandbox) {
        assert_eq!(ran.status, Some(0), "{what}: {arguments}: {}", ran.stderr);
    }
}

/// Each way in which a repository may say where its server is, or how to reach it; a URL that leads nowhere without it.
#[test]
fn rules_for_urls_count_wherever_they_are_said() {
    for (what, condition) in [
        ("its own file", None),
        ("an included file", Some("include.path")),
        ("gitdir", Some("includeIf.gitdir:**/modules/api.path")),
        (
            "hasconfig",
            Some("includeIf.hasconfig:remote.*.url:https://git.invalid/**.path"),
        ),
    ] {
        let sandbox = cloned(|_| "https://git.invalid/api".to_owned());
        let root = sandbox.root().display().to_string();
        let rule = format!("[url \"{root}/\"]\n\tinsteadOf = https://git.invalid/\n");
        let file = sandbox.path("rule");
        fs::write(&file, &rule).unwrap();
        match condition {
            Some(key) => {
                sandbox.git(API, &["config", key, file.to_str().unwrap()]);
            }
            None => {
                let own = sandbox.path("ours/.git/modules/api/config");
                let text = fs::read_to_string(&own).unwrap() + &rule;
                fs::write(&own, text).unwrap();
            }
        }
        assert_all(&sandbox, what);
    }
}

/// Conditions of the user's own files are decided in the service's repository, too.
#[test]
fn conditions_of_the_user_are_decided_where_they_are_about() {
    let sandbox = cloned(|_| "https://git.invalid/api".to_owned());
    let root = sandbox.root().display().to_string();
    let rule = format!("[url \"{root}/\"]\n\tinsteadOf = https://git.invalid/\n");
    fs::write(sandbox.path("rule"), rule).unwrap();
    let rule = sandbox.path("rule").display().to_string();
    for (condition, holds) in [
        ("gitdir:**/modules/api", true),
        ("hasconfig:remote.*.url:https://git.invalid/**", true),
        ("gitdir:**/modules/web", false),
        // In a store of flota's own it would hold.
        ("onbranch:main", false),
    ] {
        let config = format!("[includeIf \"{condition}\"]\n\tpath = {rule}\n");
        fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
        let ran = sandbox.flota_with("ours", &["check", "HEAD~1..HEAD"], |command| {
            command.env_remove("GIT_CONFIG_GLOBAL");
        });
        assert_eq!(ran.status == Some(0), holds, "{condition}: {}", ran.stderr);
    }
}

/// The `Authorization` that a server was sent.
fn sent(server: &Server) -> Vec<String> {
    let mut seen = server.seen.lock().unwrap().clone();
    seen.retain(|header| !header.is_empty());
    seen
}

#[test]
fn a_header_for_no_server_goes_to_that_of_the_service_alone() {
    let mut server = None;
    let sandbox = cloned(|sandbox| {
        let manners = Manners {
            authorization: Some(BASIC),
            ..Manners::default()
        };
        let own = server.insert(serve(sandbox.root(), manners));
        format!("{}/api", own.url)
    });
    let own = server.unwrap();
    let other = serve(sandbox.root(), Manners::default());
    let header = format!("Authorization: {BASIC}");
    sandbox.git(API, &["config", "http.extraHeader", &header]);
    assert_all(&sandbox, "its own server");
    assert!(!sent(&own).is_empty());

    // The fleet says that it is elsewhere now: that server gets none of it, whoever asks it.
    let url = format!("{}/api", other.url);
    let listed = ["config", "--file", ".gitmodules", "submodule.api.url", &url];
    sandbox.git("ours", &listed);
    sandbox.git(
        "ours",
        &["commit", "--quiet", "--all", "--amend", "--no-edit"],
    );
    sandbox.git(API, &["reset", "--quiet", "--hard", "HEAD~1"]);
    for gone in ["refs/remotes", "packed-refs"] {
        let gone = sandbox.path("ours/.git/modules/api").join(gone);
        let _ = fs::remove_dir_all(&gone).or_else(|_| fs::remove_file(&gone));
    }
    let nowhere = format!("160000,{},code-repos/api", "1".repeat(40));
    all(&sandbox);
    sandbox.git("ours", &["update-index", "--cacheinfo", &nowhere]);
    all(&sandbox);
    assert_ne!(*other.asked.lock().unwrap(), [""; 0]);
    assert_eq!(sent(&other), [""; 0]);
}

/// Every file of a git directory, with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = all.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap();
            (path.display().to_string(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Whatever is asked about a service, its repository is byte for byte the same after that: its refs, its configuration, and where
/// its history ends, which a fetch by git would move.
#[test]
fn questions_leave_the_repository_as_it_was() {
    for depth in [None, Some("--depth=1")] {
        let sandbox = cloned(|sandbox| format!("file://{}", sandbox.path("api").display()));
        let api = sandbox.path("ours/.git/modules/api");
        if let Some(depth) = depth {
            sandbox.git(API, &["fetch", "--quiet", depth, "origin", "main"]);
        }
        let before = files(&api);
        for arguments in [
            &["changed", "HEAD~1..HEAD"][..],
            &["changed", "--files", "HEAD~1..HEAD"],
            &["plan", "HEAD~1..HEAD"],
            &["explain", "api", "HEAD~1..HEAD"],
            &["check", "HEAD~1..HEAD"],
            &["update", "--remote", "--dry-run"],
            &["status"],
            &["resolve"],
            &["bump", "--dry-run", "api"],
        ] {
            sandbox.flota("ours", arguments);
            let after = files(&api);
            let changed: Vec<_> = before
                .iter()
                .filter(|(path, content)| after.get(*path) != Some(content))
                .map(|(path, _)| path)
                .collect();
            assert_eq!(changed, [""; 0], "{arguments:?} {depth:?}");
            assert_eq!(after.len(), before.len(), "{arguments:?} {depth:?}");
        }
    }
}
