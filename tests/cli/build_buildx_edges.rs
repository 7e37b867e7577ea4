//! `flota build` with buildx, for real, of images that are built on each other.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::{
    build::{service, statuses},
    build_buildx::{Fleet, references},
    report::slots,
    sandbox::Sandbox,
    support::need,
};

const BOTH: &str = "platforms = [\"linux/amd64\", \"linux/arm64\"]";

/// api is built on base and has a chart, tools copies from api, web has base as the default of an argument; jobs stands alone.
fn fleet() -> Option<Fleet> {
    let fleet = Fleet::scripted("builds-on").filter(|_| need("skopeo"))?;
    let team = format!("{}/team", fleet.registry.address);
    for (service, text) in [
        (
            "base",
            "FROM scratch\nENV FROM=base\nCOPY app /base\n".to_owned(),
        ),
        ("api", format!("FROM {team}/base:main\nCOPY app /api\n")),
        (
            "tools",
            format!("FROM scratch\nCOPY --from={team}/api /base /api /\n"),
        ),
        (
            "web",
            format!("ARG BASE={team}/base\nFROM $BASE\nCOPY app /web\n"),
        ),
        ("jobs", "FROM scratch\nCOPY app /jobs\n".to_owned()),
    ] {
        if service == "api" {
            chart(&fleet.sandbox, service);
        }
        dockerfile(&fleet.sandbox, service, &text);
    }
    let services = ["base", "api"].map(|name| format!("[service.{name}.image]\n{BOTH}\n"));
    fleet.configure(&services.concat());
    Some(fleet)
}

fn dockerfile(sandbox: &Sandbox, service: &str, text: &str) {
    fs::write(sandbox.path(format!("{service}/code/Dockerfile")), text).unwrap();
    sandbox.commit_and_pin(service, "Write the Dockerfile");
}

fn chart(sandbox: &Sandbox, service: &str) {
    let folder = sandbox.path(format!("{service}/config"));
    fs::create_dir_all(folder.join("templates")).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write(
        "Chart.yaml",
        &format!("apiVersion: v2\nname: {service}\nversion: 0.1.0\n"),
    );
    write("values.yaml", "image:\n  repository: none\n  tag: none\n");
    write(
        "templates/app.yaml",
        "image: {{ .Values.image.repository }}@{{ .Values.image.digest }}\n",
    );
}

/// The image of each platform: its layers, and its configuration.
fn images(fleet: &Fleet, report: &Value, name: &str) -> Vec<(Value, Value)> {
    let (document, folder) = fleet.pull(&references(report, name)[0]);
    let hex = |it: &Value| it["digest"].as_str().unwrap()[7..].to_owned();
    let read = |file: String| -> Value {
        serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap()
    };
    let manifests = match document["manifests"].as_array() {
        Some(all) => all
            .iter()
            .map(|it| read(format!("{}.manifest.json", hex(it))))
            .collect(),
        None => vec![document],
    };
    let image = |manifest: Value| {
        let config = read(hex(&manifest["config"]));
        (manifest["layers"].clone(), config)
    };
    manifests.into_iter().map(image).collect()
}

/// The files in a layer of what was pulled last.
fn files(fleet: &Fleet, layer: &Value) -> Vec<String> {
    let file = &layer["digest"].as_str().unwrap()[7..];
    let file = fleet.sandbox.path("pulled").join(file);
    let listed = Command::new("tar").arg("-tzf").arg(file).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().map(str::to_owned).collect()
}

fn skopeo(args: &[&str]) -> Output {
    Command::new("skopeo").args(args).output().unwrap()
}

/// What the registry calls the images of a repository.
fn tags(fleet: &Fleet, repository: &str) -> String {
    let repository = format!("docker://{}/team/{repository}", fleet.registry.address);
    let listed = skopeo(&["list-tags", "--tls-verify=false", &repository]);
    String::from_utf8(listed.stdout).unwrap()
}

/// Whether api's image is built on base's, for each platform.
fn is_on_base(fleet: &Fleet, report: &Value) {
    let base = images(fleet, report, "base");
    let api = images(fleet, report, "api");
    assert_eq!((base.len(), api.len()), (2, 2));
    for ((below, lower), (all, config)) in base.iter().zip(&api) {
        assert_eq!(all[0], below[0]);
        assert_eq!(config["architecture"], lower["architecture"]);
        let variables = config["config"]["Env"].as_array().unwrap();
        assert!(variables.contains(&json!("FROM=base")), "{config}");
        let revision = &config["config"]["Labels"]["org.opencontainers.image.revision"];
        assert_eq!(*revision, service(report, "api")["commit"]);
    }
}

#[test]
fn a_parent_of_the_same_run_is_a_target_of_the_same_file() {
    let Some(fleet) = fleet() else { return };
    let ran = fleet.build(&["--all", "--push"]);
    let report = ran.json();
    assert_eq!(
        statuses(&report),
        [
            "api built",
            "base built",
            "jobs built",
            "tools built",
            "web built"
        ],
        "{}",
        ran.stderr
    );
    is_on_base(&fleet, &report);
    let base = images(&fleet, &report, "base");
    let tools = images(&fleet, &report, "tools");
    assert_eq!(files(&fleet, &tools[0].0[0]), ["api", "base"]);
    let web = images(&fleet, &report, "web");
    assert_eq!(web[0].0[0], base[0].0[0]);
    // They were built at the same time.
    assert!(slots(&report) > 1);
    // The chart of a child deploys the child.
    let api = service(&report, "api");
    let package = fleet
        .sandbox
        .path("fleet")
        .join(api["chart"]["file"].as_str().unwrap());
    let values = Command::new("tar")
        .arg("-xzOf")
        .arg(package)
        .arg("api/values.yaml")
        .output();
    let values = String::from_utf8(values.unwrap().stdout).unwrap();
    assert!(
        values.contains(api["image"]["digest"].as_str().unwrap()),
        "{values}"
    );

    // Nobody builds it again, and a new child stands on what is in the registry.
    let again = fleet.build(&["--all", "--push"]).json();
    assert!(
        statuses(&again).iter().all(|it| it.ends_with(" reused")),
        "{again}"
    );
    fs::write(fleet.sandbox.path("api/code/app"), "another").unwrap();
    fleet.sandbox.commit_and_pin("api", "Change the app");
    let later = fleet.build(&["api", "--push"]).json();
    assert_eq!(statuses(&later), ["api built"]);
    let together = fleet.build(&["--all", "--push"]).json();
    assert_eq!(
        statuses(&together),
        [
            "api reused",
            "base reused",
            "jobs reused",
            "tools built",
            "web reused"
        ]
    );
    is_on_base(&fleet, &together);
}

#[test]
fn what_is_in_the_folder_of_images_is_taken_from_there() {
    let Some(fleet) = fleet() else { return };
    let first = fleet.build(&["base"]).json();
    assert_eq!(statuses(&first), ["base built"]);
    let rest = fleet.build(&["api", "tools", "web"]).json();
    assert_eq!(statuses(&rest), ["api built", "tools built", "web built"]);
    let pushed = fleet.build(&["--all", "--push"]).json();
    assert_eq!(
        statuses(&pushed),
        [
            "api reused",
            "base reused",
            "jobs built",
            "tools reused",
            "web reused"
        ]
    );
    is_on_base(&fleet, &pushed);
}

#[test]
fn what_is_built_on_a_failure_is_not_built() {
    let Some(fleet) = fleet() else { return };
    let base = "FROM scratch\nCOPY not-there /\n";
    dockerfile(&fleet.sandbox, "base", base);
    for destination in [&[][..], &["--push"]] {
        let ran = fleet.build(&[&["--all", "--keep-going"], destination].concat());
        assert_eq!(ran.status, Some(1), "{}", ran.stderr);
        let mut found = statuses(&fleet.sandbox.build_json());
        // The run before has built it.
        found[2] = found[2].replace("reused", "built");
        assert_eq!(
            found,
            [
                "api cancelled",
                "base failed",
                "jobs built",
                "tools cancelled",
                "web cancelled"
            ]
        );
        let why = "api is not built: it builds on the image of base, which was not built";
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert!(ran.stderr.contains("not-there"), "{}", ran.stderr);
    }
    let ran = fleet.build(&["base", "api", "web"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(
        statuses(&fleet.sandbox.build_json()),
        ["api cancelled", "base failed", "web cancelled"]
    );
    // A child that fails harms nobody but its own children.
    dockerfile(&fleet.sandbox, "base", "FROM scratch\nCOPY app /base\n");
    let team = format!("{}/team", fleet.registry.address);
    let api = format!("FROM {team}/base\nCOPY not-there /\n");
    dockerfile(&fleet.sandbox, "api", &api);
    let ran = fleet.build(&["--all", "--keep-going", "--push"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(
        statuses(&fleet.sandbox.build_json()),
        [
            "api failed",
            "base built",
            "jobs reused",
            "tools cancelled",
            "web built"
        ]
    );
}

#[test]
fn what_a_gate_finds_something_in_gets_no_name_nor_does_what_is_built_on_it() {
    let Some(fleet) = fleet() else { return };
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools/judge");
    let folder = fleet.sandbox.path("judge");
    fs::create_dir(&folder).unwrap();
    fleet.configure(&format!(
        "[[gate]]\nname = \"scan\"\nper = \"image\"\nrun = [{judge:?}, {folder:?}, \"{{service}}\", \"{{archive}}\"]\n"
    ));
    fs::write(folder.join("base"), "finds").unwrap();
    let failed = [
        "api cancelled",
        "base failed",
        "jobs built",
        "tools cancelled",
        "web cancelled",
    ];
    let ran = fleet.build(&["--all", "--keep-going"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(statuses(&fleet.sandbox.build_json()), failed);
    let index = fs::read_to_string(fleet.sandbox.path("fleet/.flota/images/index.json")).unwrap();
    assert!(index.contains("/team/jobs:code-"), "{index}");
    assert!(!index.contains("/team/api:"), "{index}");

    let _ = fs::remove_dir_all(fleet.sandbox.path("fleet/.flota"));
    let ran = fleet.build(&["--all", "--keep-going", "--push"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let report = fleet.sandbox.build_json();
    assert_eq!(statuses(&report), failed);
    let gate = |report: &Value, name: &str| service(report, name)["gates"][0].clone();
    assert_eq!(gate(&report, "base")["state"], "failed");
    let image = &service(&report, "jobs")["image"];
    assert_eq!(gate(&report, "jobs")["state"], "passed");
    assert_eq!(gate(&report, "jobs")["evidence"]["digest"], image["digest"]);
    // The program was given the image that is in the registry.
    let listed = Command::new("tar")
        .arg("-tf")
        .arg(folder.join("jobs.content"))
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("manifest.json"), "{listed}");
    assert!(tags(&fleet, "jobs").contains("code-"));
    for name in ["base", "api", "tools", "web"] {
        assert!(!tags(&fleet, name).contains("code-"), "{name}");
    }

    fs::write(folder.join("base"), "").unwrap();
    let ran = fleet.build(&["--all", "--push"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(tags(&fleet, "api").contains("code-"));
    assert_eq!(gate(&ran.json(), "jobs")["state"], "reused");
}
