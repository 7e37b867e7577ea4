//! The chart, packaged as a build does it: for programs, and as `static` has it for files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use flota::{
    chart::{self, ChartRequest, ImageCoordinates},
    model::settings::{ChartSettings, TokenValue},
    templates,
};
use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::{LONGEST, named, project, run, service, support::need};

/// One template of those that share the whole chart, and the one that has other values.
const KINDS: [&str; 2] = ["rust", "static"];

/// Names that YAML could take for something else, and one without room for anything more.
const NAMES: [&str; 4] = ["2048", "1e5", "true", LONGEST];

/// The oldest and the newest Kubernetes whose schemas the chart is held against, for each of [`KINDS`].
const VERSIONS: [[&str; 2]; 2] = [["1.30", "1.37"], ["1.33", "1.37"]];

/// A service's chart, packed.
struct Package {
    file: PathBuf,
    release: String,
    _folder: TempDir,
}

impl Package {
    fn new(kind: &str, name: &str) -> Self {
        Self::with_id(kind, name, "0123456789ab")
    }

    /// `id` is what differs in the version of a chart whose configuration differs.
    fn with_id(kind: &str, name: &str, id: &str) -> Self {
        let service = service(&named(kind), name);
        let folder = tempfile::tempdir().unwrap();
        let request = ChartRequest {
            service: name.into(),
            source: service.path().to_owned(),
            version: ChartSettings::default().version,
            id: id.into(),
            commit: "fedcba987654".into(),
            app_version: Some("code-0123456789ab".into()),
            image: Some(ImageCoordinates {
                repository: name.into(),
                tag: "code-0123456789ab".into(),
                ..Default::default()
            }),
            environments: std::sync::Arc::default(),
            tokens: BTreeMap::from([(
                "CLUSTERHOST".to_owned(),
                TokenValue::String("k8s.example.com".into()),
            )]),
            image_path: None,
        };
        let packaged = chart::package(&request, folder.path()).unwrap();
        Self {
            file: packaged.file,
            release: name.into(),
            _folder: folder,
        }
    }

    /// What Helm makes of it for Kubernetes `version`, once its lint is content.
    fn manifests(&self, version: &str, more: &[&str]) -> String {
        let version = format!("--kube-version={version}");
        run(helm()
            .args(["lint", "--strict", "--quiet", &version])
            .args(more)
            .arg(&self.file));
        run(helm()
            .args(["template", &version])
            .args(more)
            .arg(&self.release)
            .arg(&self.file))
    }
}

fn helm() -> Command {
    Command::new("helm")
}

/// The arguments that give every value that there is.
fn everything() -> Vec<String> {
    let values = project("fixtures/templates/everything.yaml");
    vec!["--values".into(), values.to_str().unwrap().into()]
}

/// With its own values, and with all that can be given.
fn choices() -> [Vec<String>; 2] {
    [Vec::new(), everything()]
}

fn documents(manifests: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(manifests).unwrap_or_else(|err| panic!("{err}\n{manifests}"))
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents
        .iter()
        .find(|document| document["kind"] == kind)
        .unwrap()
}

/// The manifests of one kind, name and choice of values.
struct Case {
    name: &'static str,
    version: &'static str,
    manifests: String,
}

/// All of them, rendered once.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let mut cases = Vec::new();
        for (kind, versions) in KINDS.iter().zip(VERSIONS) {
            for name in NAMES {
                let package = Package::new(kind, name);
                for more in choices() {
                    let more: Vec<_> = more.iter().map(String::as_str).collect();
                    cases.extend(versions.map(|version| Case {
                        name,
                        version,
                        manifests: package.manifests(version, &more),
                    }));
                }
            }
        }
        cases
    })
}

#[test]
fn templates_of_programs_share_the_whole_chart() {
    let charts = templates::all().unwrap().into_iter().map(|template| {
        let service = service(&template, "web");
        let root = service.path().join("config");
        let files: BTreeMap<_, _> = WalkDir::new(&root)
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.is_file())
            .map(|path| {
                (
                    path.strip_prefix(&root).unwrap().to_owned(),
                    fs::read(path).unwrap(),
                )
            })
            .collect();
        (template.name, files)
    });
    let charts: BTreeMap<_, _> = charts.collect();
    let shared = &charts["rust"];
    for (name, mut files) in charts.clone() {
        if name == "static" {
            let values = Path::new("values.yaml").to_owned();
            files.insert(values.clone(), shared[&values].clone());
        }
        assert_eq!(&files, shared, "{name}");
    }
}

#[test]
fn helm_and_the_schemas_of_kubernetes_take_it() {
    if !need("helm") || !need("kubernetes-validate") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut files = BTreeMap::<_, Vec<PathBuf>>::new();
    for (number, case) in cases().iter().enumerate() {
        let file = folder.path().join(format!("{number}-{}.yaml", case.name));
        fs::write(&file, &case.manifests).unwrap();
        files.entry(case.version).or_default().push(file);
    }
    // One process for all files of a version.
    for (version, files) in files {
        let mut validate = Command::new("kubernetes-validate");
        run(validate
            .args(["--strict", "--no-warn", "--kubernetes-version", version])
            .args(files));
    }
}

#[test]
fn the_schemas_of_kubernetes_refuse_what_they_do_not_know() {
    if !need("helm") || !need("kubernetes-validate") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("manifests.yaml");
    let manifests = Package::new("rust", "web").manifests("1.37", &[]);
    fs::write(
        &file,
        manifests.replace("containerPort:", "containerPorts:"),
    )
    .unwrap();
    let mut validate = Command::new("kubernetes-validate");
    let validated = validate
        .args(["--strict", "--kubernetes-version=1.37"])
        .arg(file)
        .output();
    assert!(!validated.unwrap().status.success());
}

#[test]
fn names_and_labels_fit() {
    if !need("helm") {
        return;
    }
    let label = regex::Regex::new("^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$").unwrap();
    // RFC 1035, which Services are held to.
    let dns = regex::Regex::new("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$").unwrap();
    for case in cases() {
        let documents = documents(&case.manifests);
        for document in &documents {
            let name = document["metadata"]["name"].as_str().unwrap();
            assert!(dns.is_match(name), "{name}");
        }
        let deployment = of_kind(&documents, "Deployment");
        let pod = &deployment["spec"]["template"]["metadata"]["labels"];
        let selector = &deployment["spec"]["selector"]["matchLabels"];
        let all = documents
            .iter()
            .map(|document| &document["metadata"]["labels"]);
        for labels in all.chain([pod, selector]) {
            for (key, value) in labels.as_object().unwrap() {
                let value = value.as_str().unwrap_or_else(|| panic!("{key}: {value}"));
                assert!(label.is_match(value), "{key}: {value}");
            }
        }
        for (key, value) in selector.as_object().unwrap() {
            assert_eq!(&pod[key], value, "{key}");
        }
        let service = of_kind(&documents, "Service");
        assert_eq!(&service["spec"]["selector"], selector);
    }
}

/// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, as far as it concerns these pods.
#[test]
fn pods_are_admitted_where_only_restricted_ones_are() {
    if !need("helm") {
        return;
    }
    for case in cases() {
        let documents = documents(&case.manifests);
        let pod = &of_kind(&documents, "Deployment")["spec"]["template"]["spec"];
        for shared in ["hostNetwork", "hostPID", "hostIPC"] {
            assert_eq!(pod[shared], Value::Null);
        }
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"],
            "RuntimeDefault"
        );
        for container in pod["containers"].as_array().unwrap() {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false);
            assert_eq!(context["readOnlyRootFilesystem"], true);
            assert_eq!(
                context["capabilities"],
                serde_json::json!({"drop": ["ALL"]})
            );
            for port in container["ports"].as_array().unwrap() {
                assert_eq!(port["hostPort"], Value::Null);
            }
        }
        for volume in pod["volumes"].as_array().unwrap() {
            let kinds: Vec<_> = volume
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "name")
                .collect();
            assert!(
                matches!(kinds[..], [kind] if kind == "emptyDir" || kind == "image"),
                "{volume}"
            );
        }
    }
}

#[test]
fn a_change_that_leaves_the_pods_alone_does_not_restart_them() {
    if !need("helm") {
        return;
    }
    let pods = |id, more: &[&str]| {
        let manifests = Package::with_id("rust", "web", id).manifests("1.37", more);
        of_kind(&documents(&manifests), "Deployment")["spec"]["template"].clone()
    };
    assert_eq!(
        pods("0123456789ab", &[]),
        pods("ba9876543210", &["--set=replicas=3"])
    );
}

#[test]
fn files_need_a_kubernetes_with_image_volumes() {
    if !need("helm") {
        return;
    }
    let package = Package::new("static", "web");
    let mut template = helm();
    template
        .args(["template", "--kube-version=1.32", "web"])
        .arg(&package.file);
    let output = template.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("needs Kubernetes 1.33"),
        "{said}"
    );
}

#[test]
fn a_value_that_is_not_known_is_refused() {
    if !need("helm") {
        return;
    }
    let package = Package::new("rust", "web");
    for (wrong, named) in [
        ("replica=3", "replica"),
        ("ingress.hosts=a", "hosts"),
        ("port=0", "port"),
        ("ingress.host=", "host"),
        ("image.digest=sha256:1", "digest"),
        ("disruptionBudget.maxUnavailable=0", "maxUnavailable"),
    ] {
        let mut template = helm();
        template
            .arg("template")
            .args(["--set", wrong, "web"])
            .arg(&package.file);
        let output = template.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(named),
            "{wrong}: {said}"
        );
    }
}

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(project(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|err| panic!("{path}: {err}"))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn values_and_their_schema_know_the_same() {
    let values = yaml("templates/chart/config/values.yaml");
    let of_files = yaml("templates/static/config/values.yaml");
    let everything = yaml("fixtures/templates/everything.yaml");
    let schema = fs::read_to_string(project("templates/chart/config/values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();

    let mut known = keys(&schema["properties"]);
    assert!(known.remove("global"));
    assert_eq!(keys(&of_files), known);
    assert!(known.remove("webServer"));
    assert_eq!(keys(&values), known);
    assert_eq!(keys(&everything), known);
    for key in known {
        let properties = &schema["properties"][key]["properties"];
        if properties.is_object() && key != "resources" {
            let mut properties = keys(properties);
            assert_eq!(keys(&everything[key]), properties, "{key}");
            // It is joined to the repository; flota gives both in one.
            properties.remove("registry");
            assert_eq!(keys(&values[key]), properties, "{key}");
            assert_eq!(keys(&of_files[key]), properties, "{key}");
        }
    }
}

#[test]
fn yaml_is_tidy() {
    if !need("yamllint") || !need("helm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![
        project("templates/chart/config/values.yaml"),
        project("templates/static/config/values.yaml"),
        project("fixtures/templates/everything.yaml"),
    ];
    for kind in KINDS {
        let service = service(&named(kind), "web");
        let metadata = folder.path().join(format!("{kind}-Chart.yaml"));
        fs::copy(service.path().join("config/Chart.yaml"), &metadata).unwrap();
        files.push(metadata);
    }
    let mut manifests = Vec::new();
    for (number, case) in cases().iter().enumerate() {
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(&file, &case.manifests).unwrap();
        manifests.push(file);
    }
    // Helm writes lists without indentation.
    let indentation = "indentation: {indent-sequences: whatever}";
    let rules = format!("{{line-length: disable, document-start: disable, {indentation}}}");
    lint(&rules, &manifests);
    lint("{line-length: {max: 120}, document-start: disable}", &files);
}

fn lint(rules: &str, files: &[PathBuf]) {
    let configuration = format!("{{extends: default, rules: {rules}}}");
    run(Command::new("yamllint")
        .args(["--strict", "--config-data", &configuration])
        .args(files));
}
