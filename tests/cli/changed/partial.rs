//! Partial clones (git-clone(1), `--filter`): what lacks is fetched, all at once, and the answer is that of a full clone.

use std::{fs, path::Path};

use crate::sandbox::{Ran, Sandbox};

/// A commit whose `.gitmodules` is another than its parent's, so that no worktree has both.
fn fleet() -> Sandbox {
    let sandbox = Sandbox::scripted("url-and-pin");
    served(&sandbox, "fleet");
    sandbox
}

fn served(sandbox: &Sandbox, repository: &str) {
    for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
        sandbox.git(repository, &["config", key, "true"]);
    }
}

fn clone(sandbox: &Sandbox, repository: &str, args: &[&str], into: &str) {
    let url = format!("file://{}", sandbox.path(repository).display());
    let args = [&["clone", "--quiet", "--no-local"], args, &[&url, into]].concat();
    sandbox.git("", &args);
    let place = format!("url.{}.insteadOf", sandbox.path("api").display());
    sandbox.git(into, &["config", &place, "https://git.example/api.git"]);
}

/// flota, and how often it asked the fleet's remote for objects that lack.
fn counted(sandbox: &Sandbox, dir: &str, args: &[&str]) -> (Ran, usize) {
    let trace = sandbox.path("trace");
    let _ = fs::remove_file(&trace);
    let ran = sandbox.flota_with(dir, args, |command| {
        command.env("GIT_TRACE", &trace);
    });
    let said = fs::read_to_string(&trace).unwrap_or_default();
    (ran, requests(&said))
}

/// How often a server was asked for objects by their ids.
fn requests(trace: &str) -> usize {
    let lines = trace.lines().filter(|line| {
        line.contains("built-in: git fetch") && line.contains("--filter=blob:none --stdin")
    });
    lines.count()
}

/// Filter, and whether the clone is bare: what flota has to ask for, and in how many requests. Trees are known before the files in
/// them, so that two are the fewest where trees lack.
#[test]
fn what_lacks_is_fetched_at_once() {
    for (filter, bare, requests) in [
        ("blob:none", false, 1),
        ("tree:0", false, 2),
        ("blob:none", true, 1),
        ("tree:0", true, 2),
    ] {
        for command in ["changed", "plan", "explain", "check"] {
            let sandbox = fleet();
            let filter = format!("--filter={filter}");
            let bare = bare.then_some("--bare");
            clone(&sandbox, "fleet", bare.as_slice(), "full");
            clone(
                &sandbox,
                "fleet",
                &[&[filter.as_str()][..], bare.as_slice()].concat(),
                "ours",
            );
            let case = format!("{filter} {bare:?} {command}");
            let args = match command {
                "explain" => &["explain", "api", "HEAD~1..HEAD"][..],
                command => &[command, "HEAD~1..HEAD"],
            };
            let args = [args, &["--format", "json"]].concat();
            let full = sandbox.flota("full", &args);
            // To check, another URL is a warning.
            let want = if command == "check" { 4 } else { 0 };
            assert_eq!(full.status, Some(want), "{case}: {}", full.stderr);
            let (partial, asked) = counted(&sandbox, "ours", &args);
            assert_eq!(partial.text(), full.text(), "{case}: {}", partial.stderr);
            assert_eq!(partial.status, full.status, "{case}");
            // A bare clone's configuration is in its trees, too.
            let most = requests + usize::from(bare.is_some());
            assert!((1..=most).contains(&asked), "{case}: {asked} requests");
            let (again, asked) = counted(&sandbox, "ours", &args);
            assert_eq!((again.text(), asked), (full.text(), 0), "{case}");
            sandbox.git("ours", &["fsck"]);
        }
    }
}

#[test]
fn offline_it_is_said_what_kind_of_clone_it_is() {
    for filter in ["blob:none", "tree:0"] {
        let sandbox = fleet();
        clone(&sandbox, "fleet", &[&format!("--filter={filter}")], "ours");
        let args = ["changed", "HEAD~1..HEAD", "--offline"];
        let (ran, asked) = counted(&sandbox, "ours", &args);
        assert_eq!((ran.status, asked), (Some(4), 0), "{}", ran.stderr);
        for words in [
            "this partial clone lacks",
            "hint: get all of it: git fetch --refetch --no-filter",
        ] {
            assert!(ran.stderr.contains(words), "{filter}: {}", ran.stderr);
        }
        // As the hint says.
        sandbox.git("ours", &["fetch", "--quiet", "--refetch", "--no-filter"]);
        let ran = sandbox.flota("ours", &args);
        assert_eq!(ran.status, Some(0), "{filter}: {}", ran.stderr);
    }
}

#[test]
fn a_remote_that_does_not_answer_is_named() {
    let sandbox = fleet();
    clone(&sandbox, "fleet", &["--filter=blob:none"], "ours");
    fs::rename(sandbox.path("fleet"), sandbox.path("gone")).unwrap();
    let ran = sandbox.flota("ours", &["changed", "HEAD~1..HEAD"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`origin` does not give it"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_clone_of_flotas_own_is_read_too() {
    let sandbox = fleet();
    served(&sandbox, "api");
    // The first commit's URL leads somewhere.
    let url = format!("file://{}", sandbox.path("fleet").display());
    sandbox.git(
        "fleet",
        &[
            "config",
            "--file",
            ".gitmodules",
            "submodule.api.url",
            "../api",
        ],
    );
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Back"]);
    let ran = sandbox.flota("", &["clone", "--filter", "blob:none", &url, "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let args = ["changed", "HEAD~2..HEAD~1", "--format", "json"];
    let (ran, asked) = counted(&sandbox, "ours", &args);
    assert_eq!(
        ran.text(),
        sandbox.flota("fleet", &args).text(),
        "{}",
        ran.stderr
    );
    assert_eq!(asked, 1);
}

#[test]
fn a_service_of_its_own_is_read_too() {
    for filter in ["blob:none", "tree:0"] {
        let sandbox = Sandbox::scripted("service");
        served(&sandbox, "api");
        clone(&sandbox, "api", &[], "full");
        clone(&sandbox, "api", &[&format!("--filter={filter}")], "ours");
        for range in ["HEAD~1..HEAD", "HEAD~2..HEAD~1", "HEAD~3..HEAD"] {
            let args = ["changed", range, "--files", "--format", "json"];
            let (ran, asked) = counted(&sandbox, "ours", &args);
            let full = sandbox.flota("full", &args);
            assert_eq!(ran.text(), full.text(), "{filter} {range}: {}", ran.stderr);
            assert!(asked <= 1, "{filter} {range}: {asked}");
        }
    }
}

/// The submodules of a partial clone are partial clones, too, and so are theirs.
#[test]
fn submodules_are_completed_where_they_lack_something() {
    for filter in ["blob:none", "tree:0"] {
        let sandbox = Sandbox::scripted("nested");
        fs::write(sandbox.path("core/code/app"), "core, third version").unwrap();
        sandbox.git("core", &["commit", "--quiet", "--all", "--message=Third"]);
        sandbox.git("platform/libs/core", &["pull", "--quiet", "origin", "main"]);
        // Another list of its submodules, so that no worktree has both.
        let branch = [
            "config",
            "--file",
            ".gitmodules",
            "submodule.core.branch",
            "main",
        ];
        sandbox.git("platform", &branch);
        sandbox.commit_and_pin("platform", "Move core again");
        for repository in ["fleet", "platform", "core", "vendored"] {
            served(&sandbox, repository);
        }
        clone(&sandbox, "fleet", &["--recurse-submodules"], "full");
        let filtered = format!("--filter={filter}");
        let args = [
            "--recurse-submodules",
            &filtered,
            "--also-filter-submodules",
        ];
        clone(&sandbox, "fleet", &args, "ours");
        let offline = sandbox.flota("ours", &["changed", "HEAD~1..HEAD", "--offline"]);
        assert_eq!(offline.status, Some(4), "{filter}: {}", offline.text());
        for range in ["HEAD~1..HEAD", "HEAD~3..HEAD~1"] {
            let args = ["changed", range, "--files", "--format", "json"];
            let ran = sandbox.flota("ours", &args);
            let full = sandbox.flota("full", &args);
            assert_eq!(full.status, Some(0), "{}", full.stderr);
            assert_eq!(ran.text(), full.text(), "{filter} {range}: {}", ran.stderr);
        }
    }
}

/// What is built is what an older commit holds: no worktree of a partial clone has it, and all of it comes at once.
#[test]
fn older_content_is_fetched_to_be_built() {
    let sandbox = Sandbox::scripted("code");
    for version in ["third", "fourth"] {
        for file in ["app", "one", "two", "three"] {
            let text = format!("{file}, {version} version");
            fs::write(sandbox.path("api/code").join(file), text).unwrap();
        }
        sandbox.commit_and_pin("api", version);
    }
    for repository in ["fleet", "api", "web"] {
        served(&sandbox, repository);
    }
    let url = format!("file://{}", sandbox.path("fleet").display());
    let ran = sandbox.flota("", &["clone", "--filter=blob:none", &url, "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", tools.display());
    fs::create_dir(sandbox.path("engine")).unwrap();
    let trace = sandbox.path("trace");
    let args = ["build", "--builder=docker", "--range=HEAD~2..HEAD~1"];
    let ran = sandbox.flota_with("ours", &args, |command| {
        command
            .env("PATH", path)
            .env("FAKE_ENGINE", sandbox.path("engine"))
            .env("GIT_TRACE", &trace);
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let said = fs::read_to_string(&trace).unwrap_or_default();
    assert_eq!(requests(&said), 1, "{said}");
}
