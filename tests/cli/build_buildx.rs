//! `flota build` with buildx, for real: a BuildKit daemon, a registry, and what is pulled back from it.

use std::{
    env, fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use crate::{
    build::{service, statuses},
    build_engines::{running, signal, until},
    daemons::Daemon,
    registry::Server,
    sandbox::{Ran, Sandbox},
    support::need,
};

const SECRET: &str = "s3cret-of-a-buildx-test";

/// A fleet whose images a builder of buildx makes, which has this sandbox's BuildKit daemon behind it.
pub struct Fleet {
    pub sandbox: Sandbox,
    pub registry: Server,
}

impl Fleet {
    /// None where there is no BuildKit, or no registry.
    pub fn scripted(name: &str) -> Option<Self> {
        let registry = need("buildx").then(Server::open)??;
        let sandbox = Sandbox::scripted(name);
        let plugins = sandbox.path("docker/cli-plugins");
        fs::create_dir_all(&plugins).unwrap();
        symlink(program("buildx"), plugins.join("docker-buildx")).unwrap();
        let fleet = Self { sandbox, registry };
        let host = env::var("BUILDKIT_HOST").unwrap();
        let mut create = fleet.sandbox.program("docker", "fleet");
        create.args(["buildx", "create", "--name=far", "--driver=remote", &host]);
        fleet.with_variables(&mut create);
        let created = create.output().unwrap();
        assert!(created.status.success(), "{created:?}");
        fleet.configure("");
        Some(fleet)
    }

    pub fn configure(&self, more: &str) {
        let address = &self.registry.address;
        let configuration = format!(
            "[image]\nregistry = \"{address}/team\"\nbuilder = \"buildx\"\nbuildx = \"far\"\nplatforms = [\"linux/amd64\"]\n{more}\n"
        );
        fs::write(self.sandbox.path("fleet/flota.toml"), configuration).unwrap();
    }

    fn with_variables(&self, command: &mut Command) {
        command
            .env("DOCKER_CONFIG", self.sandbox.path("docker"))
            .env("FLOTA_TEST_TOKEN", SECRET);
    }

    pub fn build(&self, args: &[&str]) -> Ran {
        let args = [&["build", "--format=json"], args].concat();
        let variables = |command: &mut Command| self.with_variables(command);
        self.sandbox.flota_with("fleet", &args, variables)
    }

    fn log(&self, service: &str) -> String {
        let name = format!("fleet/.flota/logs/code-repos_{service}.log");
        fs::read_to_string(self.sandbox.path(name)).unwrap()
    }

    /// What `skopeo` pulls back by a reference: the document and, copied to a folder, all that belongs to it.
    pub fn pull(&self, reference: &str) -> (Value, PathBuf) {
        let folder = self.sandbox.path("pulled");
        let _ = fs::remove_dir_all(&folder);
        let copied = Command::new("skopeo")
            .args(["copy", "--all", "--src-tls-verify=false", "--quiet"])
            .arg(format!("docker://{reference}"))
            .arg(format!("dir:{}", folder.display()))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{copied:?}");
        let document = fs::read(folder.join("manifest.json")).unwrap();
        (serde_json::from_slice(&document).unwrap(), folder)
    }
}

/// Where a program lies.
fn program(name: &str) -> PathBuf {
    env::split_paths(&env::var_os("PATH").unwrap())
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap()
}

/// The platforms in an index, without attestations, and the kinds of these.
fn entries(index: &Value) -> (Vec<String>, usize) {
    let manifests = index["manifests"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let platforms = manifests.iter().map(|it| {
        let platform = &it["platform"];
        format!(
            "{}/{}",
            text(&platform["os"]),
            text(&platform["architecture"])
        )
    });
    let (images, others): (Vec<_>, Vec<_>) = platforms.partition(|it| it != "unknown/unknown");
    (images, others.len())
}

pub fn references(report: &Value, name: &str) -> Vec<String> {
    let references = service(report, name)["image"]["references"]
        .as_array()
        .unwrap();
    let references = references.iter().map(|it| it.as_str().unwrap().to_owned());
    references.collect()
}

#[test]
fn two_platforms_are_one_index_in_the_registry_and_pulled_back_by_its_digest() {
    let Some(fleet) = Fleet::scripted("buildx").filter(|_| need("skopeo")) else {
        return;
    };
    fleet.configure("[service.both.image]\nplatforms = [\"linux/arm64\", \"linux/amd64\"]");
    let report = fleet.build(&["both", "--push", "--tag", "v1"]).json();
    assert_eq!(report["builder"], "buildx");
    assert_eq!(statuses(&report), ["both built"]);
    let image = &service(&report, "both")["image"];
    let platforms = ["linux/amd64", "linux/arm64"];
    assert_eq!(image["platforms"], serde_json::json!(platforms));
    let digest = image["digest"].as_str().unwrap();

    let names = references(&report, "both");
    assert!(
        names.iter().any(|name| name.ends_with("/team/both:v1")),
        "{names:?}"
    );
    let (repository, _) = names[0].rsplit_once(':').unwrap();
    let (index, folder) = fleet.pull(&format!("{repository}@{digest}"));
    assert_eq!(entries(&index), (platforms.map(String::from).to_vec(), 0));
    for name in &names {
        assert_eq!(fleet.pull(name).0, index, "{name}");
    }
    // Each platform's image has the file of that platform.
    for manifest in index["manifests"].as_array().unwrap() {
        let hex = |value: &Value| value["digest"].as_str().unwrap()[7..].to_owned();
        let document = fs::read(folder.join(format!("{}.manifest.json", hex(manifest)))).unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        let layer = folder.join(hex(&document["layers"][0]));
        let listed = Command::new("tar").arg("-tzf").arg(layer).output().unwrap();
        let architecture = manifest["platform"]["architecture"].as_str().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(listed.trim(), format!("app-{architecture}"));
        let config = fs::read(folder.join(hex(&document["config"]))).unwrap();
        let config: Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["architecture"], architecture);
        assert_eq!(config["created"], "2023-11-14T22:13:20Z");
        let labels = &config["config"]["Labels"];
        assert_eq!(
            labels["org.opencontainers.image.revision"],
            service(&report, "both")["commit"]
        );
    }

    // Its identity is in the registry: the next push only adds a name.
    let again = fleet.build(&["both", "--push", "--tag", "v2"]).json();
    assert_eq!(statuses(&again), ["both reused"]);
    assert_eq!(service(&again, "both")["image"]["digest"], digest);
    assert_eq!(fleet.pull(&format!("{repository}:v2")).0, index);
    // The order of the platforms is no reason to build.
    fleet.configure("[service.both.image]\nplatforms = [\"linux/amd64\", \"linux/arm64\"]");
    let again = fleet.build(&["both", "--push"]).json();
    assert_eq!(statuses(&again), ["both reused"]);
    fleet.configure("");
    let fewer = fleet.build(&["both", "--push"]).json();
    assert_eq!(statuses(&fewer), ["both built"]);
}

#[test]
fn one_failure_is_named_and_the_others_are_built() {
    let Some(fleet) = Fleet::scripted("buildx") else {
        return;
    };
    // BuildKit would not run again what it ran in an earlier turn.
    let turn = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    fleet.configure(&format!(
        "[service.secret.image]\nsecrets = {{ token = {{ env = \"FLOTA_TEST_TOKEN\" }} }}\n\
         build_args = {{ ODD = \"${{HOME}} %{{if}} $${{x}}\", TURN = \"{}\" }}",
        turn.as_nanos()
    ));
    let ran = fleet.build(&["--all", "--keep-going"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let report = fleet.sandbox.build_json();
    assert_eq!(
        statuses(&report),
        ["both built", "fails failed", "secret built"]
    );
    let error = service(&report, "fails")["error"].as_str().unwrap();
    assert!(error.starts_with("buildx could not build "), "{error}");
    assert!(ran.stderr.contains("exit code: 42"), "{}", ran.stderr);
    // Each has its own log, with its own lines.
    assert!(fleet.log("fails").contains("\nthe compiler is missing\n"));
    assert!(fleet.log("both").contains("COPY app /app-"));
    let said = fleet.log("secret");
    assert!(said.contains("\ntoken is ***\n"), "{said}");
    assert!(said.contains("\nodd is <${HOME} %{if} $${x}>\n"), "{said}");
    assert!(!said.contains("compiler"), "{said}");
    nowhere(SECRET, &fleet.sandbox.path("fleet"));

    // What is in the folder is found there, and pushed from there.
    let again = fleet.build(&["both", "secret"]).json();
    assert_eq!(statuses(&again), ["both reused", "secret reused"]);
    let digest = service(&report, "both")["image"]["digest"].clone();
    let pushed = fleet.build(&["both", "--push"]).json();
    assert_eq!(statuses(&pushed), ["both reused"]);
    assert_eq!(service(&pushed, "both")["image"]["digest"], digest);
    assert_eq!(
        service(&pushed, "both")["image"]["references"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn without_keep_going_the_first_failure_ends_the_call() {
    let Some(fleet) = Fleet::scripted("buildx") else {
        return;
    };
    let ran = fleet.build(&["both", "fails"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let found = statuses(&fleet.sandbox.build_json());
    // It may have been done before the other failed.
    assert!(found[0].starts_with("both "), "{found:?}");
    assert_eq!(found[1], "fails failed");
}

#[test]
fn a_secret_that_is_not_there_stops_the_build_before_it_begins() {
    let Some(fleet) = Fleet::scripted("buildx") else {
        return;
    };
    fleet.configure("[service.secret.image]\nsecrets = { token = { env = \"FLOTA_NOT_SET\" } }");
    let ran = fleet.build(&["both", "secret"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("the variable FLOTA_NOT_SET of the secret `token` is not set")
    );
    let found = statuses(&fleet.sandbox.build_json());
    assert_eq!(found, ["both cancelled", "secret failed"]);
}

/// No file below `folder` holds the word.
fn nowhere(word: &str, folder: &Path) {
    let found = Command::new("grep")
        .args(["-rl", "--", word])
        .arg(folder)
        .output();
    let found = found.unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn cache_provenance_and_bill_of_materials_go_to_the_registry() {
    let Some(fleet) = Fleet::scripted("buildx-scanner").filter(|_| need("skopeo")) else {
        return;
    };
    // The scanner is an image of the fleet itself.
    let scanner = fleet.build(&["scanner", "--push"]).json();
    let scanner = references(&scanner, "scanner")[0].clone();
    let address = &fleet.registry.address;
    let configured = |more: &str| {
        fleet.configure(&format!("cache = \"{address}/cache\"\n{more}"));
    };
    configured(&format!("sbom = {scanner:?}\nprovenance = \"max\""));
    let report = fleet.build(&["app", "--push"]).json();
    let (index, folder) = fleet.pull(&references(&report, "app")[0]);
    assert_eq!(entries(&index), (vec!["linux/amd64".to_owned()], 1));
    let attached = all_text(&folder);
    for kind in [
        "https://slsa.dev/provenance/",
        "https://spdx.dev/Document",
        "a thing that was found",
    ] {
        assert!(attached.contains(kind), "{kind}: {attached}");
    }
    let (cache, _) = fleet.pull(&format!("{address}/cache/app:buildcache"));
    assert!(
        cache["layers"].as_array().is_some_and(|it| !it.is_empty()),
        "{cache}"
    );

    // An image that lacks what is asked for now is another one.
    configured("");
    let plain = fleet.build(&["app", "--push"]).json();
    assert_eq!(statuses(&plain), ["app built"]);
    let log = fleet.log("app");
    assert!(log.contains("importing cache manifest from"), "{log}");
}

/// All files of a folder that are text, in one.
fn all_text(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().flatten();
    let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
    texts.collect()
}

#[test]
fn what_only_buildx_can_do_is_refused_of_others_by_name() {
    let sandbox = Sandbox::scripted("build-run");
    let configuration = "[image]\nbuilder = \"embedded\"\nprovenance = \"min\"\n";
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
    let ran = sandbox.flota("fleet", &["build", "works"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("error: embedded attaches nothing to images"),
        "{}",
        ran.stderr
    );
}

#[test]
fn ctrl_c_stops_buildx_and_what_it_started() {
    let Some(fleet) = Fleet::scripted("build-run").filter(|_| need("busybox")) else {
        return;
    };
    let sandbox = &fleet.sandbox;
    // A number that no other process has among its arguments.
    let nap = format!("97{}", std::process::id());
    let dockerfile = sandbox.path("sleeps/code/Dockerfile");
    let text = fs::read_to_string(&dockerfile).unwrap();
    fs::write(&dockerfile, text.replace("987", &nap)).unwrap();
    sandbox.commit_and_pin("sleeps", "Sleep longer");
    let mut flota = sandbox.interruptible("fleet", &["build", "sleeps", "works"]);
    fleet.with_variables(&mut flota);
    let flota = flota
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The log grows while the build runs.
    let log = sandbox.path("fleet/.flota/logs/code-repos_sleeps.log");
    until("the build sleeps", || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("\nfell asleep\n"))
    });
    signal(&flota, "INT");
    let start = Instant::now();
    let output = flota.wait_with_output().unwrap();
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("interrupted: "), "{said}");
    until("BuildKit ends the step", || {
        running("cmdline", &format!("sleep {nap}")).is_empty()
    });
}

#[test]
fn a_plan_for_bake_builds_the_commits_and_flota_finds_the_images() {
    let Some(fleet) = Fleet::scripted("buildx") else {
        return;
    };
    let sandbox = &fleet.sandbox;
    let served = Daemon::of_git(sandbox.root(), |git| sandbox.prepare(git, sandbox.root()));
    let origin = format!("{}/fleet", served.url());
    sandbox.git("fleet", &["remote", "add", "origin", &origin]);
    // What the worktree has is not what is built.
    fs::write(
        sandbox.path("fleet/code-repos/both/code/app"),
        "not committed",
    )
    .unwrap();
    let address = &fleet.registry.address;
    let file_secret = sandbox.path("token");
    fs::write(&file_secret, SECRET).unwrap();
    fleet.configure(&format!(
        "cache = \"{address}/cache\"\n[service.both.image]\nplatforms = [\"linux/arm64\", \"linux/amd64\"]\n\
         [service.secret.image]\nssh = true\nsecrets = {{ token = {{ file = {file_secret:?} }} }}\nbuild_args = {{ ODD = \"${{HOME}}\" }}"
    ));
    let planned = sandbox.flota("fleet", &["plan", "--all", "--format", "bake"]);
    assert_eq!(planned.status, Some(0), "{}", planned.stderr);
    let file: Value = serde_json::from_slice(&planned.stdout).unwrap();
    let shown = serde_json::to_string_pretty(&file).unwrap();
    let shown = shown
        .replace(&served.url(), "[GIT]")
        .replace(address, "[REGISTRY]");
    insta::assert_snapshot!(shown.replace(&sandbox.root().display().to_string(), "[ROOT]"));

    let mut bake = sandbox.program("docker", "fleet");
    bake.args([
        "buildx",
        "bake",
        "--builder=far",
        "--push",
        "--file=-",
        "both",
    ]);
    fleet.with_variables(&mut bake);
    let mut bake = bake
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    bake.stdin
        .take()
        .unwrap()
        .write_all(&planned.stdout)
        .unwrap();
    let baked = bake.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&baked.stderr);
    assert!(baked.status.success(), "{said}");
    let found = fleet.build(&["both", "--push"]).json();
    assert_eq!(statuses(&found), ["both reused"]);
    if need("skopeo") {
        let (index, _) = fleet.pull(&references(&found, "both")[0]);
        assert_eq!(entries(&index).0.len(), 2);
    }
}

#[test]
fn a_plan_for_bake_needs_servers() {
    let sandbox = Sandbox::scripted("code");
    let planned = sandbox.flota("fleet", &["plan", "--all", "--format", "bake"]);
    assert_eq!(planned.status, Some(4), "{}", planned.stderr);
    assert!(
        planned
            .stderr
            .contains("is at no server that BuildKit could clone it from: ")
    );
}
