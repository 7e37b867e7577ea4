//! `[[gate]]`: what is judged before it is pushed, what a result stops, and how long it holds. The program is a stand-in
//! (`fixtures/tools/judge`) that ends as it is told; with `FLOTA_TEST_REQUIRE=trivy,syft,kubeconform`, and where they are at hand, the
//! real ones are tried too.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    build::{service, statuses},
    registry::Server,
    sandbox::{Ran, Sandbox},
    support::need,
};

/// What a run of a pull request and of a push have in their environment.
const PULL_REQUEST: [(&str, &str); 5] = [
    ("BUILDKITE", "true"),
    ("BUILDKITE_SOURCE", "webhook"),
    ("BUILDKITE_BRANCH", "feature"),
    ("BUILDKITE_PULL_REQUEST", "12"),
    ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
];
const PUSH: [(&str, &str); 4] = [
    ("BUILDKITE", "true"),
    ("BUILDKITE_SOURCE", "webhook"),
    ("BUILDKITE_BRANCH", "main"),
    ("BUILDKITE_PULL_REQUEST", "false"),
];

/// Four services, built without an engine, and the gates of `gates`, in which `JUDGE` stands for the program with its first two
/// arguments.
fn fleet(gates: &str) -> Sandbox {
    let sandbox = Sandbox::scripted("build-many");
    fs::create_dir(sandbox.path("judge")).unwrap();
    configure(&sandbox, "", gates);
    sandbox
}

fn configure(sandbox: &Sandbox, image: &str, gates: &str) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools/judge");
    let judge = format!("{program:?}, {:?}, \"{{service}}\"", sandbox.path("judge"));
    let text = format!(
        "[image]\nbuilder = \"embedded\"\nplatform = \"linux/amd64\"\n{image}\n{}",
        gates.replace("JUDGE", &judge)
    );
    fs::write(sandbox.path("fleet/flota.toml"), text).unwrap();
}

fn gate(rest: &str) -> String {
    format!("[[gate]]\nname = \"scan\"\nper = \"image\"\nrun = [JUDGE, \"{{archive}}\"]\n{rest}\n")
}

/// How the program ends for a service.
fn fate(sandbox: &Sandbox, service: &str, word: &str) {
    fs::write(sandbox.path("judge").join(service), word).unwrap();
}

/// For which services the program was started so far.
fn judged(sandbox: &Sandbox) -> Vec<String> {
    let calls = fs::read_to_string(sandbox.path("judge/calls")).unwrap_or_default();
    let service = |call: &str| call.split(' ').next().unwrap().to_owned();
    let mut services: Vec<_> = calls.lines().map(service).collect();
    services.sort();
    services
}

fn build(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.flota("fleet", &[&["build"], args].concat())
}

/// The states of a service's gates, in the report that the last run left.
fn states(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let report = sandbox.build_json();
    gates(&report, name)
}

fn gates(report: &Value, name: &str) -> Vec<String> {
    let gates = service(report, name)["gates"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    gates
        .iter()
        .map(|gate| format!("{} {}", text(&gate["name"]), text(&gate["state"])))
        .collect()
}

/// The files of evidence that are kept, changed by `change`.
fn edit_evidence(sandbox: &Sandbox, change: impl Fn(&mut Value)) {
    let mut edited = 0;
    for entry in walkdir::WalkDir::new(sandbox.path("fleet/.flota/evidence")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|it| it == "json") {
            let mut evidence: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            change(&mut evidence);
            fs::write(&path, evidence.to_string()).unwrap();
            edited += 1;
        }
    }
    assert!(edited > 0);
}

#[test]
fn a_result_is_kept_by_content_and_the_gate_does_not_run_again() {
    let sandbox = fleet(&gate("valid = \"24h\""));
    let ran = build(&sandbox, &["--all"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(judged(&sandbox), ["s1", "s2", "s3", "s4"]);
    let report = sandbox.build_json();
    let image = &service(&report, "s1")["image"];
    let evidence = &service(&report, "s1")["gates"][0]["evidence"];
    assert_eq!(evidence["schema"], "flota.evidence/v1");
    assert_eq!(evidence["digest"], image["digest"]);
    assert_eq!(evidence["gate"], "scan");
    assert_eq!(evidence["per"], "image");
    assert_eq!(evidence["passed"], true);
    assert_eq!(evidence["run"], "local");
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(shown.contains("gates: scan passed"), "{shown}");

    let ran = build(&sandbox, &["--all"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(judged(&sandbox).len(), 4);
    assert_eq!(states(&sandbox, "s1"), ["scan reused"]);
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(shown.contains("gates: scan reused"), "{shown}");

    // A day later.
    edit_evidence(&sandbox, |it| it["at"] = json!("2020-01-01T00:00:00Z"));
    build(&sandbox, &["--all"]);
    assert_eq!(judged(&sandbox).len(), 8);
    assert_eq!(states(&sandbox, "s1"), ["scan passed"]);
}

#[test]
fn a_result_is_good_for_ever_unless_the_gate_says_otherwise_but_of_that_gate_alone() {
    let sandbox = fleet(&gate(""));
    build(&sandbox, &["s1"]);
    edit_evidence(&sandbox, |it| it["at"] = json!("2020-01-01T00:00:00Z"));
    build(&sandbox, &["s1"]);
    assert_eq!(states(&sandbox, "s1"), ["scan reused"]);
    // The same name, another program.
    let other = gate("").replace("\"{archive}\"", "\"--strict\", \"{archive}\"");
    configure(&sandbox, "", &other);
    build(&sandbox, &["s1"]);
    assert_eq!(states(&sandbox, "s1"), ["scan passed"]);
    // Another name, the same program.
    configure(&sandbox, "", &other.replace("\"scan\"", "\"look\""));
    build(&sandbox, &["s1"]);
    assert_eq!(states(&sandbox, "s1"), ["look passed"]);
    assert_eq!(judged(&sandbox).len(), 3);
}

#[test]
fn a_damaged_or_foreign_result_is_none() {
    let sandbox = fleet(&gate(""));
    for (number, change) in [
        |it: &mut Value| it["schema"] = json!(1),
        |it: &mut Value| it["digest"] = json!(format!("sha256:{}", "0".repeat(64))),
        |it: &mut Value| it["passed"] = json!(false),
        |it: &mut Value| it["per"] = json!("chart"),
        |it: &mut Value| it["at"] = json!("2999-01-01T00:00:00Z"),
        |it: &mut Value| *it = json!([]),
    ]
    .into_iter()
    .enumerate()
    {
        build(&sandbox, &["s1"]);
        edit_evidence(&sandbox, change);
        build(&sandbox, &["s1"]);
        assert_eq!(states(&sandbox, "s1"), ["scan passed"], "{number}");
    }
}

#[test]
fn what_a_gate_finds_stops_the_push_and_nothing_else() {
    let Some(server) = Server::open() else { return };
    for jobs in ["-j1", "-j4"] {
        let sandbox = fleet("");
        let registry = format!("registry = \"{}/{jobs}\"", server.address.as_str());
        let registry = registry.replace("/-", "/");
        configure(&sandbox, &registry, &gate("failed = [10]"));
        fate(&sandbox, "s2", "finds");
        let ran = build(&sandbox, &["--all", "--push", "--keep-going", jobs]);
        assert_eq!(ran.status, Some(1), "{}", ran.stderr);
        let report = sandbox.build_json();
        assert_eq!(
            statuses(&report),
            ["s1 built", "s2 failed", "s3 built", "s4 built"]
        );
        for needle in [
            "the gate scan found something in the image",
            "s2 has a hole",
            "exit status: 10",
        ] {
            assert!(ran.stderr.contains(needle), "{needle}: {}", ran.stderr);
        }
        assert_eq!(gates(&report, "s2"), ["scan failed"]);
        let evidence = &service(&report, "s2")["gates"][0]["evidence"];
        assert_eq!(evidence["passed"], false);
        let log = service(&report, "s2")["log"].as_str().unwrap();
        let log = fs::read_to_string(log).unwrap();
        assert!(
            log.contains("gate scan: ") && log.contains("s2 has a hole"),
            "{log}"
        );
        let pushed = server.log();
        assert!(pushed.contains("/s1/manifests/"), "{pushed}");
        let place = format!("/{}/s2/", jobs.trim_start_matches('-'));
        let put = |line: &str| line.contains("PUT") && line.contains(&place);
        assert!(!pushed.lines().any(put), "{pushed}");

        // Who failed is asked again: what it looks at may have changed. Nothing is left behind that would pass for a result.
        fate(&sandbox, "s2", "passes");
        let ran = build(&sandbox, &["--all", "--push", jobs]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(states(&sandbox, "s2"), ["scan passed"]);
        assert_eq!(states(&sandbox, "s1"), ["scan reused"]);
    }
}

#[test]
fn a_gate_that_could_not_run_is_no_finding() {
    for (word, needle) in [
        ("breaks", "exit status: 1"),
        ("dies", "signal: 9"),
        ("hangs", "did not finish within 1s"),
        ("forgets", "left no file at {output}"),
    ] {
        let gate = gate("failed = [10]\ntimeout = \"1s\"");
        let sandbox = fleet(&gate.replace("\"{archive}\"", "\"{archive}\", \"{output}\""));
        fate(&sandbox, "s1", word);
        let ran = build(&sandbox, &["s1"]);
        assert_eq!(ran.status, Some(3), "{word}: {}", ran.stderr);
        for needle in ["the gate scan could not run on the image", needle] {
            assert!(ran.stderr.contains(needle), "{word}: {}", ran.stderr);
        }
        let report = sandbox.build_json();
        assert_eq!(gates(&report, "s1"), ["scan could-not-run"], "{word}");
        assert_eq!(service(&report, "s1")["gates"][0]["evidence"], Value::Null);
        fate(&sandbox, "s1", "passes");
        let ran = build(&sandbox, &["s1"]);
        assert_eq!(ran.status, Some(0), "{word}: {}", ran.stderr);
        assert_eq!(states(&sandbox, "s1"), ["scan passed"], "{word}");
    }
}

#[test]
fn a_program_that_is_not_there_could_not_run() {
    for preset in ["trivy", "grype", "syft", "helm-lint", "kubeconform"] {
        let sandbox = fleet(&format!("[[gate]]\nname = \"it\"\npreset = \"{preset}\""));
        let ran = sandbox.flota_with("fleet", &["build", "s1"], |command| {
            // git alone.
            let bin = sandbox.path("bin");
            fs::create_dir(&bin).unwrap();
            let git = Command::new("sh").args(["-c", "command -v git"]).output();
            let git = String::from_utf8(git.unwrap().stdout).unwrap();
            std::os::unix::fs::symlink(git.trim(), bin.join("git")).unwrap();
            command.env("PATH", bin);
        });
        assert_eq!(ran.status, Some(3), "{preset}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("the gate it could not run"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("is not installed"), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: install "), "{}", ran.stderr);
    }
}

#[test]
fn failures_of_gates_count_as_failures() {
    let sandbox = fleet(&gate("failed = [10]"));
    for name in ["s1", "s2", "s3", "s4"] {
        fate(&sandbox, name, "finds");
    }
    build(&sandbox, &["--all", "-j1"]);
    assert_eq!(judged(&sandbox).len(), 1);
    build(&sandbox, &["--all", "-j1", "--max-failures", "2"]);
    assert_eq!(judged(&sandbox).len(), 1 + 2);
    let ran = build(&sandbox, &["--all", "-j1", "--keep-going"]);
    assert_eq!(judged(&sandbox).len(), 1 + 2 + 4);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
}

#[test]
fn all_gates_of_a_content_run_and_all_that_they_find_is_said() {
    let second = gate("").replace("\"scan\"", "\"look\"");
    let sandbox = fleet(&(gate("failed = [10]") + &second));
    fate(&sandbox, "s1", "finds");
    let ran = build(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(states(&sandbox, "s1"), ["scan failed", "look failed"]);
    assert!(
        ran.stderr.contains("the gate look found something"),
        "{}",
        ran.stderr
    );
    // One that could not run comes first: nobody knows what it would have found.
    fate(&sandbox, "s1", "breaks");
    let ran = build(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(
        states(&sandbox, "s1"),
        ["scan could-not-run", "look failed"]
    );
}

#[test]
fn what_a_pull_requests_run_found_counts_on_no_branch() {
    let sandbox = fleet(&gate(""));
    let run = |variables: &[(&str, &str)]| {
        let args = ["build", "s1", "--format=json"];
        let ran = sandbox.flota_with("fleet", &args, |command| {
            command.envs(variables.iter().copied());
            command.env("BUILDKITE_COMMIT", sandbox.tip("fleet", "HEAD"));
        });
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let gate = &service(&report, "s1")["gates"][0];
        (gate["state"].clone(), gate["evidence"]["run"].clone())
    };
    let passed = |run: &str| (json!("passed"), json!(run));
    assert_eq!(run(&PULL_REQUEST), passed("pull-request"));
    // An agent may keep its checkout.
    assert_eq!(run(&PUSH), passed("branch"));
    assert_eq!(run(&PULL_REQUEST), passed("pull-request"));
    let ran = build(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(states(&sandbox, "s1"), ["scan passed"]);
}

#[test]
fn a_dry_run_and_explain_say_which_gates_run() {
    let lint = "[[gate]]\nname = \"lint\"\nper = \"chart\"\nrun = [JUDGE, \"{chart}\"]\n";
    let sandbox = fleet(&(gate("") + lint));
    let planned = |args: &[&str]| {
        let ran = build(&sandbox, &[args, &["--dry-run", "--format=json"]].concat());
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        gates(&report, "s1")
    };
    assert_eq!(planned(&["s1"]), ["scan planned", "lint planned"]);
    assert!(judged(&sandbox).is_empty());
    let shown = build(&sandbox, &["s1", "--dry-run"]).stdout;
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(shown.contains("gates: scan to run, lint to run"), "{shown}");
    build(&sandbox, &["s1"]);
    assert_eq!(planned(&["s1"]), ["scan reused", "lint reused"]);
    assert_eq!(judged(&sandbox).len(), 2);

    fs::write(sandbox.path("s1/code/new"), "new").unwrap();
    sandbox.commit_and_pin("s1", "Change");
    let explained = sandbox.flota("fleet", &["explain", "s1", "HEAD~1..HEAD"]);
    let said = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(
        said.contains("gates    scan (image), lint (chart)"),
        "{said}"
    );
    let args = ["explain", "s1", "HEAD~1..HEAD", "--format=json"];
    let explained = sandbox.flota("fleet", &args).json();
    let want = json!([{"name": "scan", "per": "image"}, {"name": "lint", "per": "chart"}]);
    assert_eq!(explained["gates"], want);
}

#[test]
fn a_gates_program_gets_no_secrets_and_its_output_is_bounded() {
    let sandbox = fleet(&gate("failed = [10]"));
    fate(&sandbox, "s1", "floods");
    let ran = sandbox.flota_with("fleet", &["build", "s1"], |command| {
        command.env("FLOTA_REGISTRY_PASSWORD", "canary-in-the-mine");
        command.env("CI_JOB_TOKEN", "canary-in-the-mine");
        command.env("TRIVY_PASSWORD", "canary-in-the-mine");
        command.env("TRIVY_CACHE_DIR", "/nowhere");
    });
    assert_eq!(ran.status, Some(1));
    let env = fs::read_to_string(sandbox.path("judge/s1.env")).unwrap();
    assert!(env.contains("TRIVY_CACHE_DIR=/nowhere"), "{env}");
    assert!(!env.contains("canary"), "{env}");
    assert!(!ran.stderr.contains("canary"));
    assert!(ran.stderr.contains("s1 has said enough"));
    assert!(ran.stderr.len() < 2 << 20, "{}", ran.stderr.len());
}

#[test]
fn what_a_program_makes_is_kept_with_its_result() {
    let list =
        "[[gate]]\nname = \"list\"\nper = \"image\"\nrun = [JUDGE, \"{archive}\", \"{output}\"]\n";
    let sandbox = fleet(list);
    build(&sandbox, &["s1"]);
    let report = sandbox.build_json();
    let gate = &service(&report, "s1")["gates"][0];
    let file = PathBuf::from(gate["output"].as_str().unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), "made of s1\n");
    build(&sandbox, &["s1"]);
    assert_eq!(states(&sandbox, "s1"), ["list reused"]);
    // A result without what belongs to it, or with another file, is none.
    fs::write(&file, "tampered").unwrap();
    build(&sandbox, &["s1"]);
    assert_eq!(states(&sandbox, "s1"), ["list passed"]);
    fs::remove_file(&file).unwrap();
    build(&sandbox, &["s1"]);
    assert_eq!(states(&sandbox, "s1"), ["list passed"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "made of s1\n");
}

#[test]
fn an_image_that_only_its_registry_has_is_judged_before_it_gets_further_tags() {
    let Some(server) = Server::open() else { return };
    let sandbox = fleet("");
    let registry = format!("registry = \"{}/pulled\"", server.address);
    configure(&sandbox, &registry, "");
    build(&sandbox, &["s1", "--push"]);
    fs::remove_dir_all(sandbox.path("fleet/.flota")).unwrap();

    let layout = "[[gate]]\nname = \"look\"\nper = \"image\"\nrun = [JUDGE, \"{layout}\"]\n";
    configure(&sandbox, &registry, &(gate("failed = [10]") + layout));
    fate(&sandbox, "s1", "finds");
    let ran = build(&sandbox, &["s1", "--push", "--tag", "v1"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(!server.log().contains("/s1/manifests/v1"));
    let index = sandbox.path("judge/s1.layout/index.json");
    let index: Value = serde_json::from_slice(&fs::read(index).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);

    fate(&sandbox, "s1", "passes");
    let ran = build(&sandbox, &["s1", "--push", "--tag", "v1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(server.log().contains("/s1/manifests/v1"));
    let report = sandbox.build_json();
    assert_eq!(statuses(&report), ["s1 reused"]);
    let image = &service(&report, "s1")["image"];
    let evidence = &service(&report, "s1")["gates"][0]["evidence"];
    assert_eq!(evidence["digest"], image["digest"]);
}

#[test]
fn an_archive_is_what_docker_save_writes() {
    let sandbox = fleet(&gate(""));
    build(&sandbox, &["s1"]);
    let archive = sandbox.path("judge/s1.content");
    let listed = Command::new("tar")
        .arg("-xOf")
        .arg(&archive)
        .arg("manifest.json")
        .output();
    let listed: Value = serde_json::from_slice(&listed.unwrap().stdout).unwrap();
    let image = &service(&sandbox.build_json(), "s1")["image"].clone();
    assert_eq!(listed[0]["RepoTags"], json!([image["reference"]]));
    let config = listed[0]["Config"].as_str().unwrap();
    assert_eq!(
        Some(config.replace("blobs/sha256/", "sha256:").as_str()),
        image["id"].as_str()
    );
    if need("skopeo") {
        let archive = format!("docker-archive:{}", archive.display());
        let seen = Command::new("skopeo")
            .args(["inspect", "--config"])
            .arg(archive)
            .output();
        let seen = seen.unwrap();
        assert!(
            seen.status.success(),
            "{}",
            String::from_utf8_lossy(&seen.stderr)
        );
    }
}

#[test]
fn a_chart_is_judged_before_it_is_pushed() {
    let Some(server) = Server::open() else { return };
    let lint =
        "[[gate]]\nname = \"lint\"\nper = \"chart\"\nrun = [JUDGE, \"{chart}\"]\nfailed = [10]\n";
    let sandbox = fleet("");
    configure(
        &sandbox,
        &format!("registry = \"{}/charted\"", server.address),
        lint,
    );
    fate(&sandbox, "s1", "finds");
    let ran = build(&sandbox, &["s1", "--push"]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("found something in the chart s1-"),
        "{}",
        ran.stderr
    );
    let put = |line: &str| line.contains("PUT") && line.contains("/charts/s1/");
    assert!(!server.log().lines().any(put), "{}", server.log());
    fate(&sandbox, "s1", "passes");
    let ran = build(&sandbox, &["s1", "--push"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let report = sandbox.build_json();
    let evidence = &service(&report, "s1")["gates"][0]["evidence"];
    assert_eq!(
        evidence["digest"],
        service(&report, "s1")["chart"]["digest"]
    );
    assert!(server.log().lines().any(put));
}

#[test]
fn helm_lints_and_renders_for_gates() {
    if !need("helm") {
        return;
    }
    let gates = "[[gate]]\nname = \"lint\"\npreset = \"helm-lint\"\n[[gate]]\nname = \"look\"\nper = \"chart\"\nrun = [JUDGE, \"{manifests}\"]\n";
    let sandbox = fleet(gates);
    let ran = build(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(states(&sandbox, "s1"), ["lint passed", "look passed"]);
    // A chart that lint objects to, and that cannot be rendered.
    fs::write(
        sandbox.path("s1/config/templates/bad.yaml"),
        "one: two: three\n",
    )
    .unwrap();
    sandbox.commit_and_pin("s1", "Break it");
    let ran = build(&sandbox, &["s1"]);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert_eq!(
        states(&sandbox, "s1"),
        ["lint failed", "look could-not-run"]
    );
    assert!(ran.stderr.contains("check_values"), "{}", ran.stderr);
}

#[test]
fn the_job_that_records_shares_what_the_runs_of_branches_found() {
    let sandbox = fleet(&gate(""));
    sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Judge"]);
    sandbox.git(".", &["clone", "--quiet", "--bare", "fleet", "origin.git"]);
    sandbox.git("fleet", &["remote", "add", "origin", "../origin.git"]);
    let run = |dir: &str, variables: &[(&str, &str)], args: &[&str]| {
        let ran = sandbox.flota_with(dir, args, |command| {
            command.envs(variables.iter().copied());
            command.env("BUILDKITE_COMMIT", sandbox.tip("fleet", "HEAD"));
        });
        assert_eq!(ran.status, Some(0), "{args:?}: {}", ran.stderr);
        ran.stdout
    };
    let state = |variables: &[(&str, &str)]| {
        let stdout = run("fleet", variables, &["build", "s1", "--format=json"]);
        let report: Value = serde_json::from_slice(&stdout).unwrap();
        gates(&report, "s1").remove(0)
    };
    let record = |variables: &[(&str, &str)]| {
        let args = ["record", "--for=main", "--push", "--format=json"];
        let recorded: Value = serde_json::from_slice(&run("fleet", variables, &args)).unwrap();
        recorded["evidence"].as_u64().unwrap()
    };
    let shared = || sandbox.git("origin.git", &["for-each-ref", "refs/flota/evidence"]);

    // Neither by its report, nor by a job of its own, nor by a report that calls itself another.
    assert_eq!(state(&PULL_REQUEST), "scan passed");
    assert_eq!((record(&PUSH), record(&PULL_REQUEST)), (0, 0));
    assert_eq!(state(&PUSH), "scan passed");
    assert_eq!((record(&PULL_REQUEST), shared()), (0, String::new()));

    assert_eq!(record(&PUSH), 1);
    let digest = service(&sandbox.build_json(), "s1")["image"]["digest"].clone();
    let hex = digest.as_str().unwrap().trim_start_matches("sha256:");
    let path = format!("image/{}/{}/scan.json", &hex[..2], &hex[2..]);
    let piece = sandbox.git(
        "origin.git",
        &["show", &format!("refs/flota/evidence:{path}")],
    );
    let piece: Value = serde_json::from_str(&piece).unwrap();
    assert_eq!(
        (&piece["schema"], &piece["run"]),
        (&json!("flota.evidence/v1"), &json!("branch"))
    );

    // Every run can use it now, and one that reuses it adds nothing.
    sandbox.git("fleet", &["update-ref", "-d", "refs/flota/evidence"]);
    fs::remove_dir_all(sandbox.path("fleet/.flota")).unwrap();
    let before = judged(&sandbox).len();
    assert_eq!(state(&PUSH), "scan reused");
    assert_eq!(state(&PULL_REQUEST), "scan reused");
    assert_eq!(state(&[]), "scan reused");
    assert_eq!(judged(&sandbox).len(), before);
    let there = shared();
    assert_eq!((record(&PUSH), shared()), (0, there));

    // A remote that does not answer only makes gates run again.
    sandbox.git("fleet", &["update-ref", "-d", "refs/flota/evidence"]);
    sandbox.git("fleet", &["remote", "set-url", "origin", "../gone.git"]);
    assert_eq!(state(&PUSH), "scan passed");
}
