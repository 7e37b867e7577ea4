//! `flota build` with the embedded builder, on base images of a registry of the test's own.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use flota::{
    container::{
        ImageRequest, Mounts,
        embedded::{self, BaseCache, Bases},
    },
    model::reference::Reference,
    registry::{Registries, RegistryOptions},
};
use serde_json::Value;

use crate::{
    build::{service, statuses},
    registry::Server,
    sandbox::Sandbox,
    support::need,
};

/// Pushes an image with a user of its own and the file /base to `name`; its digest.
fn push_base(name: &str, content: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let dockerfile = "FROM scratch\nCOPY base /\nCOPY etc /etc\nENV FROM=base\nLABEL of=base\nUSER nonroot\nWORKDIR /home\nENTRYPOINT [\"/base\"]\nCMD [\"serve\"]\n";
    fs::create_dir_all(at("context/etc")).unwrap();
    fs::write(at("context/Dockerfile"), dockerfile).unwrap();
    fs::write(at("context/base"), content).unwrap();
    let user = "nonroot:x:65532:65532::/home:/sbin/nologin\n";
    fs::write(at("context/etc/passwd"), user).unwrap();
    let request = ImageRequest {
        context: at("context"),
        dockerfile: "Dockerfile".into(),
        dockerfile_in_use: None,
        target: None,
        build_args: BTreeMap::new(),
        labels: BTreeMap::new(),
        platforms: vec!["linux/amd64".into()],
        mounts: Mounts::default(),
        created: 0,
        references: vec![name.to_owned()],
    };
    let registries = Arc::new(Registries::new(RegistryOptions::default()));
    let cache = BaseCache::at(at("bases"));
    let bases = Bases::new(Arc::clone(&registries), cache, at("images"));
    let built = embedded::build(&request, &at("images"), &bases).unwrap();
    let reference = Reference::parse(name).unwrap();
    let registry = registries.at(reference.registry()).unwrap();
    let digest = built.digest.unwrap();
    registry
        .push_layout(&at("images"), &digest, &[reference])
        .unwrap();
    digest
}

fn configure(sandbox: &Sandbox, server: &Server, more: &str) {
    let address = &server.address;
    let text = format!(
        "[image]\nbuilder = \"embedded\"\nplatform = \"linux/amd64\"\nregistry = \"{address}/team\"\n{more}"
    );
    fs::write(sandbox.path("fleet/flota.toml"), text).unwrap();
}

/// A document of the fleet's image layout.
fn document(sandbox: &Sandbox, digest: &Value) -> Value {
    let path = digest.as_str().unwrap().replace("sha256:", "blobs/sha256/");
    let bytes = fs::read(sandbox.path("fleet/.flota/images").join(path)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_base_that_moves_counts_where_it_is_asked_for() {
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    let base = format!("{}/base/run:1", server.address);
    let mut digests = vec![push_base(&base, "one")];
    let dockerfile = format!("FROM {base}\nCOPY app /app\nCOPY --chown=nonroot app /home/\n");
    fs::write(sandbox.path("api/code/Dockerfile"), dockerfile).unwrap();
    sandbox.commit_and_pin("api", "Stand on a base");
    configure(&sandbox, &server, "");

    let mut images = Vec::new();
    let mut built = |expected: &str| {
        let report = sandbox.build(&["api", "--push"]);
        assert_eq!(statuses(&report), [format!("api {expected}")]);
        let image = service(&report, "api")["image"].clone();
        images.push(image["references"][0].as_str().unwrap().to_owned());
        image["digest"].clone()
    };
    let first = built("built");
    let annotations = document(&sandbox, &first)["annotations"].clone();
    assert_eq!(annotations["org.opencontainers.image.base.name"], base);
    assert_eq!(
        annotations["org.opencontainers.image.base.digest"],
        digests[0]
    );
    digests.push(push_base(&base, "two"));
    built("reused");

    configure(&sandbox, &server, "refresh_base = true\n");
    let second = built("built");
    let annotations = document(&sandbox, &second)["annotations"].clone();
    assert_eq!(
        annotations["org.opencontainers.image.base.digest"],
        digests[1]
    );
    built("reused");
    push_base(&base, "three");
    built("built");
    assert_eq!(images[0], images[1]);
    assert_ne!(images[1], images[2]);
    assert_eq!(images[2], images[3]);
    assert_ne!(images[3], images[4]);

    let caches = sandbox.flota("fleet", &["cache", "--format=json"]).json();
    let kept = |caches: &Value| {
        let all = caches["caches"].as_array().unwrap();
        let bases = all.iter().find(|cache| cache["kind"] == "bases").unwrap();
        bases["entries"].as_u64().unwrap()
    };
    assert!(kept(&caches) > 0, "{caches}");
    let cleared = sandbox.flota("fleet", &["cache", "--clear", "--format=json"]);
    assert_eq!(kept(&cleared.json()), 0);
}

#[test]
fn a_base_whose_registry_is_down_is_named() {
    let sandbox = Sandbox::scripted("build-changes");
    let text = "[image]\nbuilder = \"embedded\"\n[service.api.image]\nrefresh_base = true\n";
    fs::write(sandbox.path("fleet/flota.toml"), text).unwrap();
    let dockerfile = "FROM 127.0.0.1:1/base:1\nCOPY app /app\n";
    fs::write(sandbox.path("api/code/Dockerfile"), dockerfile).unwrap();
    sandbox.commit_and_pin("api", "Stand on a base");
    let ran = sandbox.flota("fleet", &["build", "api"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no registry answers at 127.0.0.1:1"),
        "{}",
        ran.stderr
    );
}

/// What the Dockerfile of a template becomes where the service was built before: its last stage, which takes what was built from the
/// folder `built`, and stands on the image `base`.
fn prebuilt(dockerfile: &str, base: &str) -> String {
    let last = dockerfile.rfind("FROM ").unwrap();
    let lines = dockerfile[last..]
        .lines()
        .map(|line| match line.split_once(' ') {
            Some(("FROM", "scratch")) => line.to_owned(),
            Some(("FROM", _)) => format!("FROM {base}"),
            _ => line.replace("COPY --from=build /", "COPY built/"),
        });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn services_of_all_templates_need_no_daemon_once_they_are_built() {
    let Some(server) = Server::open() else { return };
    let sandbox = Sandbox::scripted("build-changes");
    let base = format!("{}/base/run:1", server.address);
    push_base(&base, "base");
    configure(&sandbox, &server, "");
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for (template, entrypoint, cmd) in [
        ("static", None, None),
        ("go", Some("/service"), None),
        ("rust", Some("/service"), None),
        ("node", Some("/base"), Some("src/main.js")),
        ("python", Some("/venv/bin/python"), None),
    ] {
        let dockerfile = templates.join(template).join("code/Dockerfile");
        let dockerfile = fs::read_to_string(dockerfile).unwrap();
        let code = sandbox.path("api/code");
        fs::remove_dir_all(&code).unwrap();
        for folder in ["built/venv/bin", "site"] {
            fs::create_dir_all(code.join(folder)).unwrap();
        }
        fs::write(code.join("Dockerfile"), prebuilt(&dockerfile, &base)).unwrap();
        for file in ["built/venv/bin/python", "site/index.html"] {
            fs::write(code.join(file), template).unwrap();
        }
        let service_file = match template {
            "go" | "rust" => "built/service",
            _ => "built/service/main",
        };
        fs::create_dir_all(code.join(service_file).parent().unwrap()).unwrap();
        fs::write(code.join(service_file), template).unwrap();
        sandbox.commit_and_pin("api", template);

        let report = sandbox.build(&["api", "--push"]);
        assert_eq!(statuses(&report), ["api built"], "{template}");
        let image = service(&report, "api")["image"].clone();
        let manifest = document(&sandbox, &image["digest"]);
        let config = document(&sandbox, &manifest["config"]["digest"])["config"].clone();
        assert_eq!(config["Entrypoint"][0].as_str(), entrypoint, "{template}");
        assert_eq!(config["Cmd"][0].as_str(), cmd, "{template}");
        if template != "static" {
            assert_eq!(config["User"], "65532:65532", "{template}");
            assert_eq!(config["Env"][1], "FROM=base", "{template}");
            assert_eq!(config["Labels"]["of"], "base", "{template}");
        }
        assert_eq!(
            statuses(&sandbox.build(&["api", "--push"])),
            ["api reused"],
            "{template}"
        );
    }
}

#[test]
fn an_engine_refreshes_no_base() {
    if !need("buildah") {
        return;
    }
    let sandbox = Sandbox::scripted("build-changes");
    let text = "[image]\nbuilder = \"buildah\"\nrefresh_base = true\n";
    fs::write(sandbox.path("fleet/flota.toml"), text).unwrap();
    let ran = sandbox.flota("fleet", &["build", "api"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("--builder embedded"), "{}", ran.stderr);
}
