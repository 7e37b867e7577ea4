//! Services that build on the images of others: what a change of the one calls for, in which order they are built, and what a
//! builder gets.

use std::{env, ffi::OsString, fs, path::Path};

use serde_json::Value;

use crate::{
    build::{service, statuses},
    sandbox::{Ran, Sandbox},
};

pub const MOVED: &str = "HEAD~1..HEAD";

/// `flota build` with the fake engine before any other.
pub fn build(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let args = [&["build", "--builder=docker"], args].concat();
    let _ = fs::create_dir(sandbox.path("engine"));
    sandbox.flota_with("fleet", &args, |command| {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools");
        let mut path = OsString::from(tools);
        path.push(":");
        path.push(env::var_os("PATH").unwrap());
        command
            .env("PATH", path)
            .env("FAKE_ENGINE", sandbox.path("engine"));
    })
}

/// The services that the fake engine was asked to build, in order.
fn built(sandbox: &Sandbox) -> Vec<String> {
    let calls = fs::read_to_string(sandbox.path("engine/calls")).unwrap_or_default();
    let name = |line: &str| {
        let tag = line.split("--tag=").nth(1)?;
        let name = tag.split(':').next()?;
        Some(name.rsplit('/').next()?.to_owned())
    };
    calls.lines().filter_map(name).collect()
}

/// Each service with its action and its reason.
pub fn actions(json: &Value) -> Vec<String> {
    let services = json["services"].as_array().or(json["steps"].as_array());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    services
        .unwrap()
        .iter()
        .map(|one| {
            [&one["name"], &one["action"], &one["reason"]]
                .map(text)
                .join(" ")
        })
        .collect()
}

#[test]
fn a_new_image_calls_for_those_that_build_on_it() {
    let sandbox = Sandbox::scripted("builds-on");
    let all = [
        "api image builds-on:base",
        "base image code-changed",
        "tools image builds-on:api",
        "web image builds-on:base",
    ];
    for _ in ["read", "known from the first time"] {
        for verb in ["changed", "plan"] {
            let ran = sandbox.flota("fleet", &[verb, MOVED, "--format", "json"]);
            assert_eq!(actions(&ran.json()), all, "{verb}");
        }
    }
    insta::assert_snapshot!(sandbox.flota("fleet", &["plan", MOVED]).transcript());
    // What it is called for by is looked at, though only tools is asked about.
    let ran = sandbox.flota("fleet", &["explain", "tools", MOVED]);
    insta::assert_snapshot!(ran.transcript());

    // Where nothing was built that others build on, nothing follows.
    let before = sandbox.flota("fleet", &["changed", "HEAD..HEAD", "--format", "json"]);
    assert_eq!(actions(&before.json()), Vec::<String>::new());
}

#[test]
fn a_parent_is_built_before_its_children_and_handed_to_them() {
    let sandbox = Sandbox::scripted("builds-on");
    let ran = build(&sandbox, &["--range", MOVED, "-j4"]);
    assert_eq!(ran.status, Some(0), "{}", ran.transcript());
    let order = built(&sandbox);
    let place = |name: &str| order.iter().position(|one| one == name).unwrap();
    assert_eq!(order.len(), 4, "{order:?}");
    assert!(place("base") < place("api"), "{order:?}");
    assert!(place("base") < place("web"), "{order:?}");
    assert!(place("api") < place("tools"), "{order:?}");

    let report = sandbox.build_json();
    let identity = |name: &str| service(&report, name)["image"]["reference"].clone();
    let given = |name: &str| {
        fs::read_to_string(sandbox.path("engine").join(format!("{name}.Dockerfile"))).unwrap()
    };
    let text = |value: Value| value.as_str().unwrap().to_owned();
    let (base, api) = (text(identity("base")), text(identity("api")));
    assert_eq!(given("api").trim(), format!("FROM {base}"));
    assert_eq!(
        given("tools").trim(),
        format!("FROM scratch\nCOPY --from={api} /app /app")
    );
    assert_eq!(given("web").trim(), format!("ARG BASE={base}\nFROM {base}"));
}

#[test]
fn what_builds_on_a_failed_image_is_not_built() {
    let sandbox = Sandbox::scripted("builds-on");
    fs::create_dir(sandbox.path("engine")).unwrap();
    fs::write(sandbox.path("engine/base"), "fails").unwrap();
    let ran = build(&sandbox, &["--all", "--keep-going", "-j1"]);
    assert_eq!(ran.status, Some(1));
    assert_eq!(
        statuses(&sandbox.build_json()),
        [
            "api cancelled",
            "base failed",
            "jobs built",
            "tools cancelled",
            "web cancelled"
        ]
    );
    let said = ran.transcript();
    let why = "api is not built: it builds on the image of base, which was not built";
    assert!(said.contains(why), "{said}");
}

#[test]
fn so_many_failures_are_enough() {
    let sandbox = Sandbox::scripted("build-many");
    fs::create_dir(sandbox.path("engine")).unwrap();
    for name in ["s1", "s2", "s3"] {
        fs::write(sandbox.path("engine").join(name), "fails").unwrap();
    }
    for (args, want) in [
        (
            &[][..],
            ["s1 failed", "s2 cancelled", "s3 cancelled", "s4 cancelled"],
        ),
        (
            &["--max-failures=2"],
            ["s1 failed", "s2 failed", "s3 cancelled", "s4 cancelled"],
        ),
        (
            &["--max-failures=4"],
            ["s1 failed", "s2 failed", "s3 failed", "s4 built"],
        ),
        (
            &["--keep-going"],
            ["s1 failed", "s2 failed", "s3 failed", "s4 built"],
        ),
    ] {
        let ran = build(&sandbox, &[&["--all", "-j1"], args].concat());
        assert_eq!(ran.status, Some(1));
        let mut ended = statuses(&sandbox.build_json());
        // The last one was built by the run before.
        ended[3] = ended[3].replace("reused", "built");
        assert_eq!(ended, want, "{args:?}");
    }
}

#[test]
fn a_parent_that_is_nowhere_is_named() {
    let sandbox = Sandbox::scripted("builds-on");
    let toml = fs::read_to_string(sandbox.path("fleet/flota.toml")).unwrap();
    // A registry that nobody answers for is not asked: the names of the images have none.
    let local = toml.replace("registry = \"registry.example.com/shop\"", "");
    fs::write(sandbox.path("fleet/flota.toml"), local).unwrap();
    fs::write(sandbox.path("web/code/Dockerfile"), "FROM base\n").unwrap();
    sandbox.git("web", &["commit", "--quiet", "--all", "--message=Local"]);
    let web = sandbox.git("web", &["rev-parse", "HEAD"]);
    let cached = format!("160000,{},code-repos/web", web.trim());
    sandbox.git("fleet/code-repos/web", &["fetch", "--quiet", "origin"]);
    sandbox.git("fleet", &["update-index", "--cacheinfo", &cached]);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Local"]);
    let ran = build(&sandbox, &["web"]);
    assert_eq!(ran.status, Some(1));
    insta::assert_snapshot!(crate::build::timeless(&ran));
    let ran = build(&sandbox, &["base", "web", "-j1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.transcript());
    assert_eq!(built(&sandbox), ["base", "web"]);
}

/// One text goes to the builder, whatever the platform.
#[test]
fn one_place_may_name_one_image_for_all_platforms() {
    let sandbox = Sandbox::scripted("builds-on");
    let toml = "[image]\nbuilder = \"embedded\"\nregistry = \"registry.example.com/shop\"\n\
        platforms = [\"linux/amd64\", \"linux/arm64\"]\n\
        [service.base.image]\nrepository = \"on-amd64\"\n[service.api.image]\nrepository = \"on-arm64\"\n";
    fs::write(sandbox.path("fleet/flota.toml"), toml).unwrap();
    let write = |service: &str, text: &str| {
        let file = sandbox.path(format!("{service}/code/Dockerfile"));
        fs::write(file, text).unwrap();
        sandbox.commit_and_pin(service, "Name another image");
    };
    for service in ["base", "api"] {
        write(service, "FROM scratch\nCOPY app /app\n");
    }
    for (base, status, told) in [
        // The tag is no part of what is put there.
        ("on-amd64:$TARGETARCH", 0, ""),
        (
            "on-$TARGETARCH",
            2,
            "error: the Dockerfile of code-repos/web names the image of code-repos/base for some platforms, and in the same place another image for others",
        ),
    ] {
        write("web", &format!("FROM registry.example.com/shop/{base}\n"));
        let ran = sandbox.flota("fleet", &["build", "base", "api", "web", "-j1"]);
        assert_eq!(ran.status, Some(status), "{base}: {}", ran.transcript());
        assert!(ran.stderr.contains(told), "{base}: {}", ran.stderr);
    }
}

#[test]
fn images_that_build_on_each_other_are_refused() {
    let sandbox = Sandbox::scripted("builds-on-itself");
    let ran = build(&sandbox, &["--all", "--dry-run"]);
    insta::assert_snapshot!(ran.transcript());
    // Detection says what changed all the same.
    let changed = sandbox.flota("fleet", &["changed", MOVED, "--format", "json"]);
    assert_eq!(
        actions(&changed.json()),
        [
            "a image code-changed",
            "b image builds-on:a",
            "c image builds-on:b"
        ]
    );
}

#[test]
fn services_that_build_on_each_other_share_a_job_in_every_system() {
    let sandbox = Sandbox::scripted("builds-on");
    // From a clone in which no submodule is initialised, as CI systems have it.
    sandbox.git("", &["clone", "--quiet", "fleet", "clone"]);
    let steps = regex::Regex::new(r"(?:(?:image|chart):code-repos/[a-z]+@[0-9a-f]+,?)+").unwrap();
    let pin = regex::Regex::new(r"@[0-9a-f]+").unwrap();
    for dir in ["fleet", "clone"] {
        for format in ["github", "azure", "gitlab", "buildkite", "jenkins"] {
            let ran = sandbox.flota(dir, &["plan", "--all", "--format", format]);
            assert_eq!(ran.status, Some(0), "{dir} {format}: {}", ran.transcript());
            let said = ran.transcript();
            let mut legs: Vec<_> = steps
                .find_iter(&said)
                .map(|leg| pin.replace_all(leg.as_str(), "").into_owned())
                .collect();
            legs.sort();
            legs.dedup();
            let joined =
                ["api", "base", "tools", "web"].map(|name| format!("image:code-repos/{name}"));
            let want = [joined.join(","), "image:code-repos/jobs".to_owned()];
            assert_eq!(legs, want, "{dir} {format}: {said}");
        }
    }
}
