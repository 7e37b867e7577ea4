//! `flota build` with the embedded builder: what is built, under which names, and what is not built twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use serde_json::Value;

use crate::{
    sandbox::{Ran, Sandbox},
    support::need,
};

/// Where the fleet `build-changes` is at each of its commits.
const LINKED: &str = "HEAD~3..HEAD~2";
const CHANGED: &str = "HEAD~2..HEAD~1";
const ROLLED_BACK: &str = "HEAD~1..HEAD";

impl Sandbox {
    /// `flota build` in the fleet, with its report.
    pub fn build(&self, args: &[&str]) -> Value {
        let args: Vec<_> = [&["build", "--format=json"], args].concat();
        self.flota("fleet", &args).json()
    }

    /// The build report that the last run left.
    pub fn build_json(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("fleet/.flota/build.json")).unwrap()).unwrap()
    }

    /// The file of the last build's charts.
    fn charts(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("fleet/.flota/charts")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn layout(&self, path: &str) -> Value {
        let file = self.path("fleet/.flota/images").join(path);
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    fn blob(&self, digest: &str) -> Value {
        self.layout(&digest.replace("sha256:", "blobs/sha256/"))
    }

    /// Every name in the image layout, with the digest it stands for.
    fn names(&self) -> BTreeMap<String, String> {
        let index = self.layout("index.json");
        let of = |image: &Value| {
            let name = image["annotations"]["org.opencontainers.image.ref.name"].as_str();
            (
                name.unwrap().to_owned(),
                image["digest"].as_str().unwrap().to_owned(),
            )
        };
        index["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(of)
            .collect()
    }

    /// The configuration of an image, by the digest of its manifest.
    fn image_config(&self, digest: &Value) -> Value {
        let manifest = self.blob(digest.as_str().unwrap());
        self.blob(manifest["config"]["digest"].as_str().unwrap())
    }

    /// When each product was last written.
    fn written(&self) -> BTreeMap<PathBuf, SystemTime> {
        let images = self.path("fleet/.flota/images");
        let folders = [
            images.join("blobs/sha256"),
            self.path("fleet/.flota/charts"),
        ];
        let files = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap());
        files
            .map(|file| file.unwrap())
            .map(|file| (file.path(), file.metadata().unwrap().modified().unwrap()))
            .collect()
    }

    /// What Helm makes of every chart that was packaged; the rendered manifests.
    fn helm_accepts(&self) -> String {
        if !need("helm") {
            return String::new();
        }
        let charts = self.charts();
        assert!(!charts.is_empty());
        let mut rendered = String::new();
        for chart in charts {
            for words in [
                &["show", "chart"][..],
                &["lint", "--strict"],
                &["template", "release"],
            ] {
                let helm = Command::new("helm")
                    .args(words)
                    .arg(&chart)
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&helm.stdout);
                let complaint = String::from_utf8_lossy(&helm.stderr);
                assert!(
                    helm.status.success(),
                    "helm {words:?} {chart:?}: {said}{complaint}"
                );
                if words[0] == "template" {
                    rendered.push_str(&said);
                }
            }
        }
        rendered
    }
}

/// The part of a report about one service.
pub fn service<'a>(report: &'a Value, name: &str) -> &'a Value {
    let services = report["services"].as_array().unwrap();
    services
        .iter()
        .find(|service| service["name"] == name)
        .unwrap()
}

/// Each service and how it ended, in the report's order.
pub fn statuses(report: &Value) -> Vec<String> {
    let services = report["services"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    services
        .iter()
        .map(|service| format!("{} {}", text(&service["name"]), text(&service["status"])))
        .collect()
}

/// A transcript with times masked.
pub fn timeless(ran: &Ran) -> String {
    let time = regex::Regex::new(r"\b(\d+ min \d\d s|\d+\.\d s|\d+ ms)\b").unwrap();
    time.replace_all(&ran.transcript(), "[TIME]").into_owned()
}

#[test]
fn what_changed_is_built() {
    let sandbox = Sandbox::scripted("build-changes");
    let ran = sandbox.flota("fleet", &["build", "-j1", "--range", CHANGED]);
    insta::assert_snapshot!(timeless(&ran));

    let report = sandbox.build_json();
    assert_eq!(report["schema"], "flota.build/v1");
    assert_eq!(report["builder"], "embedded");
    assert_eq!(
        statuses(&report),
        ["api built", "jobs built", "rules built", "web built"]
    );
    let actions = ["api", "jobs", "rules", "web"].map(|name| &service(&report, name)["action"]);
    assert_eq!(actions, ["image", "image", "chart", "chart"]);
    assert_eq!(service(&report, "jobs")["chart"], Value::Null);
    assert_eq!(service(&report, "rules")["image"], Value::Null);
    // The image of `web` was not built, so its chart names it by its identity alone.
    assert_eq!(service(&report, "web")["image"]["digest"], Value::Null);

    let rendered = sandbox.helm_accepts();
    if !rendered.is_empty() {
        let api = &service(&report, "api")["image"];
        let digest = api["digest"].as_str().unwrap();
        assert!(
            rendered.contains(&format!("api:{}", tag(api))),
            "{rendered}"
        );
        assert!(
            rendered.contains(digest) || !rendered.contains('@'),
            "{rendered}"
        );
    }
}

/// The identity tag of an image in a report.
fn tag(image: &Value) -> &str {
    image["reference"]
        .as_str()
        .unwrap()
        .rsplit_once(':')
        .unwrap()
        .1
}

#[test]
fn a_second_build_writes_nothing() {
    let sandbox = Sandbox::scripted("build-changes");
    let first = sandbox.build(&["--range", CHANGED]);
    let written = sandbox.written();
    let second = sandbox.build(&["--range", CHANGED]);
    assert_eq!(
        statuses(&second),
        ["api reused", "jobs reused", "rules reused", "web reused"]
    );
    assert_eq!(sandbox.written(), written);
    for name in ["api", "jobs", "rules", "web"] {
        let (first, second) = (service(&first, name), service(&second, name));
        assert_eq!(first["chart"], second["chart"]);
        assert_eq!(first["image"]["digest"], second["image"]["digest"]);
    }
    let ran = sandbox.flota("fleet", &["build", "-j1", "--range", CHANGED]);
    insta::assert_snapshot!(timeless(&ran));
}

#[test]
fn two_machines_make_the_same_bytes() {
    let [one, two] = [(), ()].map(|()| {
        let sandbox = Sandbox::scripted("build-changes");
        sandbox.build(&["--range", CHANGED]);
        sandbox
    });
    assert_ne!(one.root(), two.root());
    assert_eq!(one.names(), two.names());
    let packages = |sandbox: &Sandbox| -> BTreeMap<_, _> {
        let named = |path: PathBuf| {
            (
                path.file_name().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        };
        sandbox.charts().into_iter().map(named).collect()
    };
    assert_eq!(packages(&one).len(), 3);
    assert_eq!(packages(&one), packages(&two));
}

#[test]
fn going_back_is_a_new_tag() {
    let sandbox = Sandbox::scripted("build-changes");
    let first = sandbox.build(&["--range", LINKED]);
    sandbox.build(&["--range", CHANGED]);
    let back = sandbox.build(&["--range", ROLLED_BACK, "--tag", "restored"]);
    assert_eq!(statuses(&back), ["api reused"]);
    let (first, back) = (
        &service(&first, "api")["image"],
        &service(&back, "api")["image"],
    );
    assert_eq!(back["digest"], first["digest"]);
    assert_eq!(sandbox.names()["api:restored"], first["digest"]);
}

#[test]
fn content_that_is_there_is_not_written_out_again() {
    let sandbox = Sandbox::scripted("build-changes");
    sandbox.build(&["--range", LINKED]);
    // Without its blobs the code of `api` cannot be fetched: a build that needs it fails.
    let code = sandbox.git("api", &["rev-parse", "HEAD~1:code/app"]);
    let object = format!(
        "fleet/.git/modules/api/objects/{}/{}",
        &code[..2],
        code[2..].trim_end()
    );
    fs::remove_file(sandbox.path(object)).unwrap();
    assert_eq!(
        statuses(&sandbox.build(&["--range", ROLLED_BACK])),
        ["api reused"]
    );

    fs::remove_dir_all(sandbox.path("fleet/.flota/images")).unwrap();
    let ran = sandbox.flota("fleet", &["build", "--range", ROLLED_BACK]);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
}

#[test]
fn names_follow_the_branch_the_pull_request_and_the_command_line() {
    let sandbox = Sandbox::scripted("build-changes");
    sandbox.git(
        "fleet",
        &[
            "checkout",
            "--quiet",
            "-b",
            "feature/Fast Lane!".replace([' ', '!'], "-").as_str(),
        ],
    );
    let report = sandbox.build(&["api", "--tag", "v1", "--tag", "stable", "--tag", "v1"]);
    let image = &service(&report, "api")["image"];
    let commit = service(&report, "api")["commit"].as_str().unwrap();
    let expected = [
        image["reference"].as_str().unwrap().to_owned(),
        format!("api:feature-Fast-Lane--{}", &commit[..7]),
        "api:v1".to_owned(),
        "api:stable".to_owned(),
    ];
    assert_eq!(image["references"], serde_json::json!(expected));
    assert_eq!(
        sandbox.names().into_keys().collect::<BTreeSet<_>>(),
        BTreeSet::from(expected)
    );

    let head = sandbox.git("fleet", &["rev-parse", "HEAD"]);
    let event = sandbox.path("event.json");
    let payload = serde_json::json!({"number": 12, "pull_request": {
        "number": 12,
        "base": {"ref": "main", "sha": head.trim_end()},
        "head": {"ref": "feature", "sha": head.trim_end()},
    }});
    fs::write(&event, payload.to_string()).unwrap();
    let args = ["build", "api", "--format=json"];
    let ran = sandbox.flota_with("fleet", &args, |command| {
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_EVENT_PATH", &event)
            .env("GITHUB_REF", "refs/pull/12/merge")
            .env("GITHUB_BASE_REF", "main")
            .env("GITHUB_HEAD_REF", "feature")
            .env("GITHUB_SHA", head.trim_end());
    });
    let report = ran.json();
    let references = &service(&report, "api")["image"]["references"];
    assert_eq!(references.as_array().unwrap().len(), 2);
    assert_eq!(references[1], "api:pr-12");
}

#[test]
fn a_tag_cannot_pass_for_an_identity() {
    let sandbox = Sandbox::scripted("build-changes");
    let ran = sandbox.flota("fleet", &["build", "api", "--tag", "code-0123456789ab"]);
    insta::assert_snapshot!(timeless(&ran));
    let ran = sandbox.flota("fleet", &["build", "api", "--tag", "two words"]);
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
}

#[test]
fn labels_arguments_and_target_reach_the_image() {
    let sandbox = Sandbox::scripted("build-changes");
    fs::write(
        sandbox.path("api/code/Dockerfile"),
        "ARG CHANNEL\nFROM scratch AS first\nARG CHANNEL\nENV CHANNEL=$CHANNEL\nLABEL own=kept\nFROM first\nENV LAST=1\n",
    )
    .unwrap();
    sandbox.git(
        "api",
        &["commit", "--quiet", "--all", "--message=Two stages"],
    );
    sandbox.git(
        "fleet/code-repos/api",
        &["pull", "--quiet", "origin", "main"],
    );
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--all", "--message=Move api"],
    );
    sandbox.git(
        "fleet",
        &[
            "remote",
            "add",
            "origin",
            "https://me:secret@git.example/team/fleet.git",
        ],
    );
    let configuration = "[image]\nbuilder = \"embedded\"\nplatform = \"linux/arm64\"\nbuild_args = { CHANNEL = \"none\" }\n\
        [service.api.image]\nrepository = \"shop/front\"\ntarget = \"first\"\nbuild_args = { CHANNEL = \"beta\" }\n";
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();

    let report = sandbox.build(&["api"]);
    let image = &service(&report, "api")["image"];
    assert!(
        image["reference"]
            .as_str()
            .unwrap()
            .starts_with("shop/front:code-"),
        "{image}"
    );
    let config = sandbox.image_config(&image["digest"]);
    assert_eq!(config["architecture"], "arm64");
    let env: Vec<_> = config["config"]["Env"].as_array().unwrap().iter().collect();
    assert!(env.iter().any(|entry| *entry == "CHANNEL=beta"), "{env:?}");
    assert!(!env.iter().any(|entry| *entry == "LAST=1"), "{env:?}");
    let commit = sandbox.git("api", &["rev-parse", "HEAD"]);
    assert_eq!(
        config["config"]["Labels"],
        serde_json::json!({
            "own": "kept",
            "org.opencontainers.image.created": "2023-11-14T22:13:20+00:00",
            "org.opencontainers.image.revision": commit.trim_end(),
            "org.opencontainers.image.source": "https://git.example/team/api",
        })
    );
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
}

#[test]
fn two_services_under_one_name_are_refused() {
    let sandbox = Sandbox::scripted("build-changes");
    let configuration = "[service.api.image]\nrepository = \"shared\"\n[service.web.image]\nrepository = \"shared\"\n";
    fs::write(sandbox.path("fleet/flota.toml"), configuration).unwrap();
    insta::assert_snapshot!(sandbox.flota("fleet", &["build", "--all"]).transcript());
}

#[test]
fn services_are_chosen_by_name_or_path() {
    let sandbox = Sandbox::scripted("build-changes");
    let report = sandbox.build(&["web", "code-repos/jobs"]);
    assert_eq!(statuses(&report), ["jobs built", "web built"]);
    assert_eq!(report["base"], Value::Null);
    assert_eq!(service(&report, "web")["reason"], "requested");
    // A range decides what changed, and the names narrow it.
    assert_eq!(
        statuses(&sandbox.build(&["web", "--range", CHANGED])),
        ["web reused"]
    );
    assert_eq!(
        statuses(&sandbox.build(&["api", "--range", "HEAD..HEAD"])),
        Vec::<String>::new()
    );
    assert_eq!(sandbox.build(&["--all"])["count"], 4);
    insta::assert_snapshot!(sandbox.flota("fleet", &["build", "wbe"]).transcript());
}

#[test]
fn nothing_to_build_is_a_result() {
    let sandbox = Sandbox::scripted("build-changes");
    insta::assert_snapshot!(
        sandbox
            .flota("fleet", &["build", "--range", "HEAD..HEAD"])
            .transcript()
    );
    let report = sandbox.build_json();
    assert_eq!(
        (&report["count"], &report["has_changes"]),
        (&0.into(), &false.into())
    );
}

/// Who names it wants it built, and of what is no service nothing is ever built.
#[test]
fn a_submodule_that_is_no_service_is_refused() {
    let docs = Sandbox::scripted("plain");
    let left_out = Sandbox::scripted("fleet-services");
    let range = ["--range", "HEAD~1..HEAD"];
    let rows: [(&Sandbox, &[&str]); 8] = [
        (&docs, &["guide"]),
        (&docs, &["code-repos/guide"]),
        (&docs, &["code-repos/*"]),
        (&docs, &["guide", range[0], range[1]]),
        (&left_out, &["lint"]),
        (&left_out, &["api", "lint"]),
        (&left_out, &["tools/*"]),
        (&left_out, &["lint", "--range", "HEAD~1..HEAD~1"]),
    ];
    let transcripts = rows.map(|(sandbox, words)| {
        let dry = ["build", "--dry-run", "--builder", "embedded"];
        let ran = sandbox.flota("fleet", &[&dry, words].concat());
        assert_eq!(ran.status, Some(2), "{words:?}: {}", ran.text());
        format!("$ flota build {}\n{}", words.join(" "), ran.transcript())
    });
    insta::assert_snapshot!(transcripts.join("\n"));
    // A glob that means services too builds those.
    let both = left_out.flota("fleet", &["build", "--dry-run", "--builder=embedded", "**"]);
    assert_eq!(both.status, Some(0), "{}", both.stderr);
}

#[test]
fn a_dry_run_touches_nothing() {
    let sandbox = Sandbox::scripted("build-changes");
    let dry = ["build", "--dry-run", "--all"];
    insta::assert_snapshot!(timeless(&sandbox.flota("fleet", &dry)));
    assert!(!sandbox.path("fleet/.flota").exists());

    sandbox.build(&["api"]);
    let (written, report) = (sandbox.written(), sandbox.build_json());
    insta::assert_snapshot!(timeless(&sandbox.flota("fleet", &dry)));
    assert_eq!(sandbox.written(), written);
    assert_eq!(sandbox.build_json(), report);
}

#[test]
fn products_go_where_they_are_told_to() {
    let sandbox = Sandbox::scripted("build-changes");
    let report = sandbox.build(&["api", "--out", "../else/where"]);
    assert!(!sandbox.path("fleet/.flota").exists());
    let chart = service(&report, "api")["chart"]["file"].as_str().unwrap();
    assert!(
        Path::new(chart).is_absolute() && Path::new(chart).is_file(),
        "{chart}"
    );
    let written = fs::read_to_string(sandbox.path("else/where/build.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), report);
    let mode = fs::metadata(sandbox.path("else/where/build.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o444, 0o444, "others may read it");
}

#[test]
fn from_a_folder_below_the_products_are_the_fleets() {
    let sandbox = Sandbox::scripted("build-changes");
    fs::create_dir(sandbox.path("fleet/docs")).unwrap();
    let report = sandbox
        .flota("fleet/docs", &["build", "api", "--format=json"])
        .json();
    let chart = service(&report, "api")["chart"]["file"].as_str().unwrap();
    assert!(Path::new(chart).starts_with(sandbox.path("fleet/.flota").canonicalize().unwrap()));
}

#[test]
fn inside_one_service_its_repository_is_the_service() {
    let sandbox = Sandbox::scripted("build-changes");
    sandbox.git("", &["clone", "--quiet", "api", "single"]);
    let args = [
        "build",
        "--config=../fleet/flota.toml",
        "--range=HEAD~1..HEAD",
        "--format=json",
    ];
    let ran = sandbox.flota("single", &args);
    let report = ran.json();
    assert_eq!(statuses(&report), ["api built"]);
    assert_eq!(report["services"][0]["path"], ".");
    // The same content is the same image, wherever it is built from; labels tell the two apart.
    let fleet = sandbox.build(&["api", "--range", CHANGED]);
    assert_eq!(
        tag(&report["services"][0]["image"]),
        tag(&service(&fleet, "api")["image"])
    );
    assert!(sandbox.path("single/.flota/build.json").is_file());
    assert_eq!(sandbox.git("single", &["status", "--porcelain"]), "");
}

#[test]
fn links_modes_and_submodules_inside_the_code_are_in_the_image() {
    let sandbox = Sandbox::scripted("build-odd-files");
    let report = sandbox.build(&["api"]);
    let manifest = sandbox.blob(service(&report, "api")["image"]["digest"].as_str().unwrap());
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let layer = sandbox
        .path("fleet/.flota/images")
        .join(layer.replace("sha256:", "blobs/sha256/"));
    let listed = Command::new("tar")
        .arg("tvf")
        .arg(layer)
        .arg("--numeric-owner")
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let entry = |name: &str| {
        let line = listed.lines().find(|line| line.contains(name));
        line.unwrap_or_else(|| panic!("no {name} in {listed}"))
    };
    assert!(entry(":13 run").starts_with("-rwxr-xr-x"), "{listed}");
    assert!(entry(":13 app").starts_with("-rw-r--r--"), "{listed}");
    assert!(entry(" alias -> app").starts_with('l'), "{listed}");
    assert!(entry(" host -> /etc/hostname").starts_with('l'), "{listed}");
    assert!(
        entry(" library/lib.txt").starts_with("-rw-r--r--"),
        "{listed}"
    );
}

#[test]
fn a_submodule_inside_the_code_must_be_at_hand() {
    let sandbox = Sandbox::scripted("build-odd-files");
    let modules = sandbox.path("fleet/.git/modules/api/modules");
    fs::remove_dir_all(modules).unwrap();
    fs::remove_dir_all(sandbox.path("fleet/code-repos/api/code/library")).unwrap();
    insta::assert_snapshot!(timeless(&sandbox.flota("fleet", &["build", "api"])));
}

/// Commits what `change` makes of `api` and moves the fleet's pin to it.
fn spoil_api(sandbox: &Sandbox, change: impl FnOnce(&Path)) {
    change(&sandbox.path("api"));
    sandbox.commit_and_pin("api", "Spoil");
}

#[test]
fn what_cannot_be_built_is_said_before_anything_is() {
    let sandbox = Sandbox::scripted("build-changes");
    spoil_api(&sandbox, |api| {
        fs::remove_file(api.join("code/Dockerfile")).unwrap()
    });
    insta::assert_snapshot!(timeless(&sandbox.flota("fleet", &["build", "api", "web"])));
    // web passed its checks, and yet nothing was built.
    assert_eq!(
        statuses(&sandbox.build_json()),
        ["api failed", "web cancelled"]
    );
    assert_eq!(sandbox.charts(), Vec::<PathBuf>::new());

    let ran = sandbox.flota("fleet", &["build", "api", "web", "--keep-going"]);
    assert_eq!(ran.status, Some(1));
    assert_eq!(statuses(&sandbox.build_json()), ["api failed", "web built"]);
}

#[test]
fn run_needs_an_engine() {
    let sandbox = Sandbox::scripted("build-changes");
    spoil_api(&sandbox, |api| {
        fs::write(
            api.join("code/Dockerfile"),
            "FROM scratch\nCOPY app /\nRUN make\n",
        )
        .unwrap();
    });
    insta::assert_snapshot!(timeless(&sandbox.flota("fleet", &["build", "api"])));
}

#[test]
fn a_broken_chart_is_named() {
    let sandbox = Sandbox::scripted("build-changes");
    spoil_api(&sandbox, |api| {
        fs::write(
            api.join("config/Chart.yaml"),
            "apiVersion: v2\nname: [api\n",
        )
        .unwrap();
    });
    insta::assert_snapshot!(timeless(&sandbox.flota("fleet", &["build", "api"])));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let sandbox = Sandbox::scripted("build-changes");
    fs::write(sandbox.path("taken"), "a file").unwrap();
    insta::assert_snapshot!(
        sandbox
            .flota("fleet", &["build", "api", "--out", "../taken"])
            .transcript()
    );
}
