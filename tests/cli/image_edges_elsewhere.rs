//! Services whose Dockerfiles are not in the clone, are damaged, or say what flota does not understand: what builds on a changed image
//! is called for all the same, or it is said that nobody knows it.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    http::{Manners, Server, serve},
    image_edges::{MOVED, actions, build},
    sandbox::{Ran, Sandbox},
};

const SERVICES: [&str; 5] = ["base", "api", "tools", "web", "jobs"];

/// What the move of base calls for.
const ALL: [&str; 4] = [
    "api image builds-on:base",
    "base image code-changed",
    "tools image builds-on:api",
    "web image builds-on:base",
];

/// The fleet whose services build on each other, behind a server with these settings of git, and a clone without any service.
fn cloned(settings: &[(&str, &str)]) -> (Sandbox, Server) {
    let sandbox = Sandbox::scripted("builds-on");
    let server = clone(&sandbox, settings);
    (sandbox, server)
}

fn clone(sandbox: &Sandbox, settings: &[(&str, &str)]) -> Server {
    for name in SERVICES {
        for (key, value) in settings {
            sandbox.git(name, &["config", key, value]);
        }
    }
    let server = serve(sandbox.root(), Manners::default());
    let url = format!("{}/fleet/.git", server.url);
    sandbox.git("", &["clone", "--quiet", &url, "ours"]);
    // `../api` is beside the fleet, not in its folder.
    for name in SERVICES {
        let key = format!("submodule.{name}.url");
        let url = format!("{}/{name}/.git", server.url);
        sandbox.git("ours", &["config", &key, &url]);
    }
    server.asked.lock().unwrap().clear();
    server
}

/// How many packs of the service were asked for since the last time.
fn packs(server: &Server) -> Vec<String> {
    let asked = std::mem::take(&mut *server.asked.lock().unwrap());
    let pack = |line: String| {
        let path = line.strip_prefix("POST /")?.to_owned();
        Some(path.split('/').next()?.to_owned())
    };
    let mut packs: Vec<_> = asked.into_iter().filter_map(pack).collect();
    packs.sort();
    packs.dedup();
    packs
}

fn changed(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let args = [&["changed", MOVED, "--format", "json"], args].concat();
    sandbox.flota("ours", &args)
}

/// The warnings about what a service builds on: path and message.
fn unknown(json: &Value) -> Vec<(String, String)> {
    let warnings = json["warnings"].as_array().unwrap().iter();
    let unknown = warnings.filter(|warning| warning["kind"] == "unknown-base");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    unknown
        .map(|warning| (text(&warning["path"]), text(&warning["message"])))
        .collect()
}

#[test]
fn what_is_not_in_the_clone_is_fetched_once_whatever_filters_the_server_takes() {
    for settings in [
        &[][..],
        &[("uploadpack.allowFilter", "true")],
        &[
            ("uploadpack.allowFilter", "true"),
            ("uploadpackfilter.tree.maxDepth", "0"),
        ],
        &[
            ("uploadpack.allowFilter", "true"),
            ("uploadpackfilter.combine.allow", "false"),
        ],
        &[
            ("uploadpack.allowFilter", "true"),
            ("uploadpackfilter.allow", "false"),
        ],
    ] {
        let (sandbox, server) = cloned(settings);
        let ran = changed(&sandbox, &[]);
        assert_eq!(actions(&ran.json()), ALL, "{settings:?}: {}", ran.stderr);
        assert_eq!(unknown(&ran.json()), [], "{settings:?}");
        assert_eq!(packs(&server), ["api", "base", "jobs", "tools", "web"]);
        // Dockerfiles are known by their pins, trees are kept.
        let again = changed(&sandbox, &["--offline"]);
        assert_eq!(again.text(), ran.text(), "{settings:?}");
        assert_eq!(packs(&server), Vec::<String>::new(), "{settings:?}");
        // What the services hold that are called for is read of what was fetched.
        for verb in [
            &["plan", MOVED][..],
            &["build", "--dry-run", "--range", MOVED],
        ] {
            let json = [verb, &["--format", "json"]].concat();
            let ran = match verb[0] {
                "plan" => sandbox.flota("ours", &json),
                _ => sandbox.flota("ours", &[&json[..], &["--builder=embedded"]].concat()),
            };
            let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
            let named: Vec<_> = json["services"]
                .as_array()
                .or(json["steps"].as_array())
                .unwrap()
                .iter()
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            assert_eq!(named, ["api", "base", "tools", "web"], "{verb:?}");
        }
    }
}

#[test]
fn nothing_is_asked_for_where_no_image_is_to_be_built() {
    let sandbox = Sandbox::scripted("builds-on");
    fs::write(sandbox.path("jobs/config/values.yaml"), "replicas: 2\n").unwrap();
    sandbox.commit_and_pin("jobs", "Scale");
    let server = clone(&sandbox, &[]);
    let ran = changed(&sandbox, &[]);
    assert_eq!(actions(&ran.json()), ["jobs chart config-changed"]);
    assert_eq!(packs(&server), ["jobs"]);
    // Who asks about one service pays for that, and for what it builds on.
    let args = [
        "build",
        "--dry-run",
        "web",
        "--range",
        "HEAD~2..HEAD~1",
        "--builder=embedded",
    ];
    let ran = sandbox.flota("ours", &args);
    assert!(ran.text().contains("web"), "{}", ran.transcript());
    assert_eq!(packs(&server), ["base", "web"], "{}", ran.transcript());
}

#[test]
fn a_fleet_may_say_that_no_image_is_built_on_another() {
    let (sandbox, server) = cloned(&[("uploadpack.allowFilter", "true")]);
    fs::write(
        sandbox.path("ours/flota.toml"),
        "[fleet]\nimage_edges = false\n",
    )
    .unwrap();
    let ran = changed(&sandbox, &[]);
    let json = ran.json();
    assert_eq!(actions(&json), ["base image code-changed"]);
    assert!(unknown(&json).is_empty(), "{json}");
    assert_eq!(packs(&server), ["base"]);
}

#[test]
fn a_job_gets_all_services_that_build_on_each_other() {
    let (sandbox, _server) = cloned(&[("uploadpack.allowFilter", "true")]);
    let ran = sandbox.flota("ours", &["plan", MOVED, "--format", "github"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let said = ran.text();
    let legs = said.matches("\"steps\"").count();
    assert_eq!(legs, 1, "{said}");
    for name in ["api", "base", "tools", "web"] {
        assert!(
            said.contains(&format!("image:code-repos/{name}@")),
            "{said}"
        );
    }
}

#[test]
fn what_cannot_be_had_is_named() {
    let (sandbox, _server) = cloned(&[]);
    fs::rename(sandbox.path("web"), sandbox.path("gone")).unwrap();
    let ran = changed(&sandbox, &[]);
    assert_eq!(actions(&ran.json()), ALL[..3]);
    let warned = unknown(&ran.json());
    assert_eq!(warned.len(), 1, "{warned:?}");
    let (path, message) = &warned[0];
    assert_eq!(path, "code-repos/web");
    for words in [
        "it is not in this clone; ",
        "does not know whether its image is built on one that is built now",
        "flota update code-repos/web",
    ] {
        assert!(message.contains(words), "{message}");
    }
    assert!(ran.stderr.contains(message.as_str()), "{}", ran.stderr);
    let strict = changed(&sandbox, &["--strict"]);
    assert_eq!(strict.status, Some(4), "{}", strict.stderr);
    assert!(
        strict.stderr.contains("code-repos/web"),
        "{}",
        strict.stderr
    );
    // Who does not ask about it is not told.
    let ran = sandbox.flota("ours", &["plan", "HEAD..HEAD"]);
    assert!(!ran.stderr.contains("web"), "{}", ran.stderr);
}

#[test]
fn offline_every_service_that_may_follow_is_named() {
    let (sandbox, server) = cloned(&[]);
    // What moved is here.
    let ran = sandbox.flota("ours", &["update", "base"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    packs(&server);
    let ran = changed(&sandbox, &["--offline"]);
    assert_eq!(packs(&server), Vec::<String>::new());
    assert_eq!(
        actions(&ran.json()),
        ["base image code-changed"],
        "{}",
        ran.stderr
    );
    let named: Vec<_> = unknown(&ran.json())
        .into_iter()
        .map(|(path, message)| {
            assert!(message.contains("flota must stay offline"), "{message}");
            path
        })
        .collect();
    assert_eq!(
        named,
        ["api", "jobs", "tools", "web"].map(|name| format!("code-repos/{name}"))
    );
}

#[test]
fn a_damaged_service_is_fetched_or_named() {
    let (sandbox, server) = cloned(&[]);
    let ran = sandbox.flota("ours", &["update"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let objects = sandbox.path("ours/.git/modules/web/objects");
    for file in walkdir::WalkDir::new(&objects) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            damage(file.path());
        }
    }
    packs(&server);
    let ran = changed(&sandbox, &[]);
    // It is called for; that it cannot be read is said with exit 4.
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let said = format!("{json} {}", ran.stderr);
    assert!(said.contains("code-repos/web"), "{said}");
    assert!(packs(&server).contains(&"web".to_owned()), "{said}");
}

fn damage(file: &Path) {
    let mut permissions = fs::metadata(file).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false)]
    permissions.set_readonly(false);
    fs::set_permissions(file, permissions).unwrap();
    fs::write(file, "damaged").unwrap();
}

#[test]
fn a_dockerfile_that_flota_does_not_understand_is_named_with_its_line() {
    let sandbox = Sandbox::scripted("builds-on");
    for (name, text) in [
        (
            "web",
            "ARG BASE=registry.example.com/shop/base\nFORM $BASE\n",
        ),
        // The parser of Dockerfiles refuses the reset; flota knows it.
        (
            "tools",
            "FROM registry.example.com/shop/api:main\nENTRYPOINT []\nCMD [\"/app\"]\n",
        ),
    ] {
        fs::write(sandbox.path(name).join("code/Dockerfile"), text).unwrap();
        sandbox.commit_and_pin(name, "Write another");
    }
    fs::write(sandbox.path("base/code/app"), "base, third version").unwrap();
    sandbox.commit_and_pin("base", "Move base again");
    let said = "code-repos/web: Dockerfile:2: ";
    for dir in ["fleet", "ours"] {
        if dir == "ours" {
            sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
        }
        for _ in 0..2 {
            let ran = sandbox.flota(dir, &["changed", MOVED, "--format", "json"]);
            assert_eq!(actions(&ran.json()), ALL[..3], "{dir}");
            let warned = unknown(&ran.json());
            assert_eq!(warned.len(), 1, "{dir}: {warned:?}");
            assert!(warned[0].1.starts_with(said), "{dir}: {warned:?}");
        }
    }
    let graph = sandbox.flota("fleet", &["graph"]);
    assert_eq!(graph.status, Some(4));
    assert!(graph.stderr.contains("Dockerfile:2"), "{}", graph.stderr);
    // The builder decides whether it can build it; that the order is not known is said.
    let ran = build(&sandbox, &["web"]);
    assert!(ran.stderr.contains(said), "{}", ran.transcript());
    // What an engine gets is what was written, but for the parents.
    let ran = build(&sandbox, &["base", "api", "tools", "-j1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.transcript());
    let given = fs::read_to_string(sandbox.path("engine/tools.Dockerfile")).unwrap();
    assert!(
        given.starts_with("FROM registry.example.com/shop/api:code-"),
        "{given}"
    );
    assert!(
        given.ends_with("\nENTRYPOINT []\nCMD [\"/app\"]\n"),
        "{given}"
    );
}

#[test]
fn dockerfiles_are_found_wherever_they_are() {
    let sandbox = Sandbox::scripted("builds-on");
    let toml = fs::read_to_string(sandbox.path("fleet/flota.toml")).unwrap();
    let deep = "[service.web.image]\ndockerfile = \"a/b/c/d/Dockerfile\"\n";
    fs::write(sandbox.path("fleet/flota.toml"), toml + deep).unwrap();
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Configure"],
    );
    let from = "FROM registry.example.com/shop/base:main\n";
    let write = |file: &str, text: &str| {
        let file = sandbox.path(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("web/code/a/b/c/d/Dockerfile", from);
    // Larger than the files that are fetched at first.
    write(
        "jobs/code/Dockerfile",
        &format!("{}{from}", "# long\n".repeat(20_000)),
    );
    // A link to a file further down.
    write("api/code/a/b/c/d/Dockerfile", from);
    fs::remove_file(sandbox.path("api/code/Dockerfile")).unwrap();
    std::os::unix::fs::symlink("a/b/c/d/Dockerfile", sandbox.path("api/code/Dockerfile")).unwrap();
    for name in ["web", "jobs", "api"] {
        sandbox.commit_and_pin(name, "Write another");
    }
    write("base/code/app", "base, third version");
    sandbox.commit_and_pin("base", "Move base again");
    let all = [
        "api image builds-on:base",
        "base image code-changed",
        "jobs image builds-on:base",
        "tools image builds-on:api",
        "web image builds-on:base",
    ];
    let ran = sandbox.flota("fleet", &["changed", MOVED, "--format", "json"]);
    assert_eq!(actions(&ran.json()), all);
    for filters in ["true", "false"] {
        let _server = clone(&sandbox, &[("uploadpack.allowFilter", filters)]);
        let ran = changed(&sandbox, &[]);
        assert_eq!(actions(&ran.json()), all, "{filters}: {}", ran.stderr);
        assert_eq!(unknown(&ran.json()), [], "{filters}");
        fs::remove_dir_all(sandbox.path("ours")).unwrap();
    }
}
