//! `flota build --push`, to a registry of the test's own.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::Command,
};

use serde_json::Value;

use crate::{
    build::{service, statuses, timeless},
    registry::Server,
    sandbox::Sandbox,
    support::need,
};

/// What the fleet is configured with to push to `address`.
fn configure(sandbox: &Sandbox, address: &str) {
    let configuration = format!(
        "[image]\nbuilder = \"embedded\"\nplatform = \"linux/amd64\"\nregistry = \"{address}/team\"\n"
    );
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
}

/// The digest that the registry has under a name, as `skopeo` or else flota's own client sees it.
fn digest(reference: &str) -> Option<String> {
    let reference = flota::model::reference::Reference::parse(reference).unwrap();
    let registries = flota::registry::Registries::new(flota::registry::RegistryOptions::default());
    let registry = registries.at(reference.registry()).unwrap();
    registry.resolve(&reference).unwrap()
}

#[test]
fn an_image_and_its_chart_are_pushed_and_not_built_again() {
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    configure(&sandbox, &server.address);
    let first = sandbox.build(&["api", "--push", "--tag", "v1"]);
    assert_eq!(statuses(&first), ["api built"]);
    let image = &service(&first, "api")["image"];
    for reference in image["references"].as_array().unwrap() {
        assert_eq!(
            digest(reference.as_str().unwrap()).as_deref(),
            image["digest"].as_str()
        );
    }

    // Helm has the chart back, byte for byte.
    let chart = &service(&first, "api")["chart"];
    let pushed = chart["reference"].as_str().unwrap();
    assert!(
        pushed.starts_with(&format!("{}/team/charts/api:", server.address)),
        "{pushed}"
    );
    if need("helm") {
        let pulled = Command::new("helm")
            .args([
                "pull",
                "--plain-http",
                "--version",
                chart["version"].as_str().unwrap(),
            ])
            .arg(format!("oci://{}/team/charts/api", server.address))
            .arg("--destination")
            .arg(sandbox.root())
            .output()
            .unwrap();
        assert!(
            pulled.status.success(),
            "{}",
            String::from_utf8_lossy(&pulled.stderr)
        );
        let file = std::path::Path::new(chart["file"].as_str().unwrap());
        let name = file.file_name().unwrap();
        assert_eq!(
            fs::read(sandbox.path(name)).unwrap(),
            fs::read(file).unwrap()
        );
    }

    // A machine that has never built it finds it in the registry: code is not even read.
    sandbox.git(
        "",
        &["clone", "--quiet", "--recurse-submodules", "fleet", "fresh"],
    );
    fs::copy(
        sandbox.path("fleet/flota.toml"),
        sandbox.path("fresh/flota.toml"),
    )
    .unwrap();
    let args = ["build", "api", "--push", "--tag", "v2", "--format=json"];
    let second = sandbox.flota("fresh", &args).json();
    assert_eq!(statuses(&second), ["api reused"]);
    let again = service(&second, "api");
    assert_eq!(again["image"]["digest"], image["digest"]);
    assert_eq!(again["chart"]["digest"], chart["digest"]);
    let blobs = sandbox.path("fresh/.flota/images/blobs");
    assert!(!blobs.exists(), "nothing was built");
    let retagged = format!("{}/team/api:v2", server.address);
    assert_eq!(digest(&retagged).as_deref(), image["digest"].as_str());
}

#[test]
fn what_was_built_before_is_pushed_without_building() {
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    configure(&sandbox, &server.address);
    assert_eq!(statuses(&sandbox.build(&["api"])), ["api built"]);
    let pushed = sandbox.build(&["api", "--push"]);
    assert_eq!(statuses(&pushed), ["api reused"]);
    let image = &service(&pushed, "api")["image"];
    assert_eq!(
        digest(image["reference"].as_str().unwrap()).as_deref(),
        image["digest"].as_str()
    );
}

#[test]
fn docker_pushes_and_knows_the_digest_then() {
    if !need("docker") {
        return;
    }
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    configure(&sandbox, &server.address);
    let first = sandbox.build(&["api", "--push", "--builder=docker"]);
    let image = service(&first, "api")["image"].clone();
    for reference in image["references"].as_array().unwrap() {
        let reference = reference.as_str().unwrap();
        assert_eq!(digest(reference).as_deref(), image["digest"].as_str());
        let _ = Command::new("docker").args(["rmi", reference]).output();
    }
    let second = sandbox.build(&["api", "--push", "--builder=embedded"]);
    assert_eq!(statuses(&second), ["api reused"]);
    assert_eq!(service(&second, "api")["image"]["digest"], image["digest"]);
    assert_eq!(
        service(&second, "api")["chart"]["digest"],
        service(&first, "api")["chart"]["digest"]
    );
}

#[test]
fn a_chart_pins_the_image_of_the_registry_or_warns() {
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    configure(&sandbox, &server.address);
    let only_chart = ["build", "web", "--push", "--range", "HEAD~2..HEAD~1"];
    let ran = sandbox.flota("fleet", &only_chart);
    // The chart's values hold the registry's port, which is another each time, and its identity follows.
    let digest = regex::Regex::new("sha256:[0-9a-f]{12}").unwrap();
    let id = regex::Regex::new(r"[0-9a-f]{12} \[DIGEST\]").unwrap();
    let shown = timeless(&ran).replace(&server.address, "[REGISTRY]");
    let shown = digest.replace_all(&shown, "[DIGEST]");
    insta::assert_snapshot!(id.replace_all(&shown, "[ID] [DIGEST]"));
    assert_eq!(
        service(&sandbox.build_json(), "web")["image"]["digest"],
        Value::Null
    );

    let image = sandbox.build(&["web", "--push"]);
    let ran = sandbox.flota("fleet", &only_chart);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let chart = sandbox.build_json();
    assert_eq!(
        service(&chart, "web")["image"]["digest"],
        service(&image, "web")["image"]["digest"]
    );
    assert_eq!(service(&chart, "web")["status"], "reused");
}

/// The newest commit of a service's repository once more, with another date and message: what a cherry-pick leaves.
fn cherry_pick(sandbox: &Sandbox, service: &str) {
    let commit = sandbox.tip(service, "HEAD");
    sandbox.git(service, &["checkout", "--quiet", "--detach", "HEAD~1"]);
    let picked = sandbox.git_with(service, &["cherry-pick", "-x", &commit], |git| {
        git.env("GIT_COMMITTER_DATE", "2025-06-07T08:09:10Z");
    });
    assert!(picked.status.success(), "{picked:?}");
    assert_ne!(sandbox.tip(service, "HEAD"), commit);
    sandbox.git(service, &["checkout", "--quiet", "-B", "main"]);
}

#[test]
fn a_cherry_pick_makes_the_same_chart() {
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    configure(&sandbox, &server.address);
    let names = ["web", "rules"];
    let first = sandbox.build(&["web", "rules", "--push"]);
    let version = &service(&first, "rules")["chart"]["version"];
    // What the release before the epoch of charts called it.
    assert!(!version.as_str().unwrap().contains("9377286760a9"));
    for name in names {
        cherry_pick(&sandbox, name);
        let linked = format!("fleet/code-repos/{name}");
        sandbox.git(&linked, &["fetch", "--quiet", "origin", "main"]);
        sandbox.git(&linked, &["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
    }
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "-m", "Cherry-picks"],
    );
    sandbox.git(
        "",
        &["clone", "--quiet", "--recurse-submodules", "fleet", "clean"],
    );
    fs::copy(
        sandbox.path("fleet/flota.toml"),
        sandbox.path("clean/flota.toml"),
    )
    .unwrap();
    let args = ["build", "web", "rules", "--push", "--format=json"];
    let second = sandbox.flota("clean", &args).json();
    assert_eq!(statuses(&second), ["rules reused", "web reused"]);
    for name in names {
        let [before, after] = [&first, &second].map(|report| service(report, name));
        assert_ne!(before["commit"], after["commit"]);
        for part in ["name", "version", "digest", "reference"] {
            assert_eq!(before["chart"][part], after["chart"][part], "{name} {part}");
        }
    }
}

#[test]
fn the_identity_of_a_chart_is_never_moved() {
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    configure(&sandbox, &server.address);
    let built = sandbox.build(&["rules"]);
    let version = service(&built, "rules")["chart"]["version"]
        .as_str()
        .unwrap()
        .replace('+', "_");
    // Somebody else put another chart there.
    let identity = format!("{}/team/charts/rules:{version}", server.address);
    let image = sandbox.build(&["api", "--push"]);
    let other = service(&image, "api")["image"]["digest"].as_str().unwrap();
    let registries = flota::registry::Registries::new(flota::registry::RegistryOptions::default());
    let layout = sandbox.path("fleet/.flota/images");
    let reference = flota::model::reference::Reference::parse(&identity).unwrap();
    let registry = registries.at(reference.registry()).unwrap();
    registry.push_layout(&layout, other, &[reference]).unwrap();

    let ran = sandbox.flota("fleet", &["build", "rules", "--push"]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    for said in ["another content", other, &identity] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert_eq!(digest(&identity).as_deref(), Some(other));

    // A version that does not name the content says of itself that it moves.
    let configuration = fs::read_to_string(sandbox.path("fleet/flota.toml")).unwrap();
    let moving = format!("{configuration}[chart]\nversion = \"{{version}}\"\n");
    fs::write(sandbox.path("fleet/flota.toml"), moving).unwrap();
    let pushed = ["HEAD~2..HEAD~1", "HEAD~1..HEAD"].map(|range| {
        let report = sandbox.build(&["api", "--push", "--range", range]);
        let name = service(&report, "api")["chart"]["reference"].clone();
        let name = name.as_str().unwrap().split('@').next().unwrap().to_owned();
        (digest(&name), name)
    });
    assert_eq!(pushed[0].1, pushed[1].1);
    assert_ne!(pushed[0].0, pushed[1].0);
}

#[test]
fn a_registry_must_be_named() {
    let sandbox = Sandbox::scripted("build-changes");
    for name in ["api", "rules"] {
        let ran = sandbox.flota("fleet", &["build", name, "--push"]);
        insta::assert_snapshot!(format!("no_registry_for_{name}"), timeless(&ran));
    }
}

#[test]
fn what_befalls_several_services_is_said_once() {
    let sandbox = Sandbox::scripted("build-changes");
    let ran = sandbox.flota("fleet", &["build", "api", "jobs", "web", "--push"]);
    insta::assert_snapshot!(timeless(&ran));
}

#[test]
fn a_registry_that_is_down_is_named_before_anything_is_built() {
    let sandbox = Sandbox::scripted("build-changes");
    // Bound and freed: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    configure(&sandbox, &format!("127.0.0.1:{port}"));
    let ran = sandbox.flota("fleet", &["build", "api", "--push"]);
    let shown = timeless(&ran).replace(&port.to_string(), "[PORT]");
    assert_eq!(ran.status, Some(3), "{shown}");
    insta::assert_snapshot!(shown);
    assert!(!sandbox.path("fleet/.flota/images/blobs").exists());
}

#[test]
fn a_password_of_the_users_configuration_is_used_and_never_shown() {
    let Some(server) = Server::with_password() else {
        return;
    };
    let sandbox = Sandbox::scripted("build-changes");
    configure(&sandbox, &server.address);
    let ran = sandbox.flota("fleet", &["build", "api", "--push"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);

    let docker = sandbox.path("home/.docker");
    fs::create_dir(&docker).unwrap();
    let login = serde_json::json!({"auths": {&server.address: {"auth": "bWU6cmlnaHQtc2VjcmV0"}}});
    fs::write(docker.join("config.json"), login.to_string()).unwrap();
    fs::set_permissions(docker.join("config.json"), Permissions::from_mode(0o600)).unwrap();
    let ran = sandbox.flota("fleet", &["build", "api", "--push", "-v"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        !ran.transcript().contains("right-secret"),
        "{}",
        ran.transcript()
    );
}
