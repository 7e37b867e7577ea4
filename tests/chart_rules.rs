//! What Helm refuses, flota refuses: one row a rule, and `helm package` asked about each.

// A skipped test says so.
#![allow(clippy::print_stdout)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Read as _,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use flota::{
    chart::{self, ChartRequest, PackagedChart},
    model::{
        error::{Error, Result},
        exit::Exit,
    },
};

/// A chart that breaks no rule.
const CHART: &str = "apiVersion: v2\nname: svc\nversion: 1.0.0\n";
const INSIDE: &str = "apiVersion: v2\nname: sub\nversion: 1.0.0\n";

/// What is put into `config/`, besides or instead of the files of a good chart.
enum Put {
    /// A file's content.
    Text(&'static str, &'static str),
    /// What follows in Chart.yaml.
    Chart(&'static str),
    /// An archive in `charts/`, and the files in it.
    Archive(&'static str, &'static [(&'static str, &'static str)]),
    /// A link to a path.
    #[cfg(unix)]
    Link(&'static str, &'static str),
}
use Put::{Archive, Chart, Text};

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        // By hand: the crate writes no path that leads out.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A service with such a chart.
fn service(parts: &[Put]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let put = |name: &str, content: &[u8]| {
        let file = config.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    };
    put("Chart.yaml", CHART.as_bytes());
    put("values.yaml", b"a: 1\n");
    put("templates/a.yaml", b"# {{ .Values.a }}\n");
    for part in parts {
        match part {
            Text(name, content) => put(name, content.as_bytes()),
            Chart(more) => put("Chart.yaml", format!("{CHART}{more}").as_bytes()),
            Archive(name, files) => put(&format!("charts/{name}"), &archive(files)),
            #[cfg(unix)]
            Put::Link(name, to) => {
                let link = config.join(name);
                fs::create_dir_all(link.parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(to, link).unwrap();
            }
        }
    }
    folder
}

fn package(service: &Path, out: &Path) -> Result<PackagedChart> {
    let request = ChartRequest {
        service: "svc".into(),
        source: service.to_owned(),
        version: "{version}".parse().unwrap(),
        id: "0123456789ab".into(),
        commit: "fedcba987654".into(),
        app_version: None,
        image: None,
        image_path: None,
        environments: Arc::default(),
        tokens: BTreeMap::new(),
    };
    chart::package(&request, out)
}

fn said(error: &Error) -> String {
    format!("{error} {}", error.hints().join(" "))
}

/// Helm on the chart of a service; none where there is no Helm.
fn helm(words: &[&str], home: &Path) -> Option<Output> {
    let output = Command::new("helm")
        .args(words)
        .env("HOME", home)
        .output()
        .ok();
    let required =
        env::var("FLOTA_TEST_REQUIRE").is_ok_and(|list| list.split(',').any(|name| name == "helm"));
    assert!(
        output.is_some() || !required,
        "FLOTA_TEST_REQUIRE names helm, and there is none"
    );
    if output.is_none() {
        println!("skipped: needs helm");
    }
    output
}

fn helm_packages(service: &Path, out: &Path) -> Option<Output> {
    let [config, to] = [&service.join("config"), out].map(|path| path.to_str().unwrap().to_owned());
    helm(&["package", &config, "--destination", &to], out)
}

const DEEP: &[(&str, &str)] = &[("sub/Chart.yaml", INSIDE), ("sub/../../x", "")];

#[test]
fn what_helm_refuses_is_refused() {
    let rows: &[(&str, &[Put], &str)] = &[
        // The types of fields.
        (
            "chart-a-list",
            &[Text("Chart.yaml", "- a\n")],
            "Chart.yaml:1:1",
        ),
        (
            "description-a-list",
            &[Chart("description: [x]\n")],
            "Chart.yaml:4:14: `description` is a list",
        ),
        (
            "home-a-mapping",
            &[Chart("home: {a: b}\n")],
            "`home` is a mapping",
        ),
        ("icon-a-list", &[Chart("icon: [a]\n")], "`icon` is a list"),
        (
            "condition-a-list",
            &[Chart("condition: [a]\n")],
            "`condition`",
        ),
        ("tags-a-list", &[Chart("tags: [a]\n")], "`tags`"),
        (
            "app-version-a-list",
            &[Chart("appVersion: [a]\n")],
            "appVersion",
        ),
        (
            "kube-version-a-list",
            &[Chart("kubeVersion: ['>1']\n")],
            "`kubeVersion`",
        ),
        ("type-a-list", &[Chart("type: [application]\n")], "`type`"),
        (
            "keywords-a-text",
            &[Chart("keywords: web\n")],
            "Chart.yaml:4:11: `keywords` is a string",
        ),
        (
            "keywords-of-mappings",
            &[Chart("keywords: [{a: b}]\n")],
            "`keywords`",
        ),
        (
            "other-case",
            &[Chart("Keywords: web\n")],
            "`keywords` is a string",
        ),
        ("sources-a-text", &[Chart("sources: x\n")], "`sources`"),
        (
            "maintainers-texts",
            &[Chart("maintainers: [joe]\n")],
            "`maintainers` has an item that is a string",
        ),
        (
            "maintainers-a-mapping",
            &[Chart("maintainers: {name: joe}\n")],
            "`maintainers`",
        ),
        (
            "maintainer-null",
            &[Chart("maintainers:\n-\n")],
            "`maintainers` has an item without a value",
        ),
        (
            "maintainer-name-a-list",
            &[Chart("maintainers: [{name: [joe]}]\n")],
            "`maintainers` has an item whose `name` is a list",
        ),
        (
            "deprecated-a-text",
            &[Chart("deprecated: \"yes\"\n")],
            "`deprecated` is a string",
        ),
        (
            "deprecated-a-quoted-flag",
            &[Chart("deprecated: \"true\"\n")],
            "`deprecated` is a string",
        ),
        (
            "v1-with-dependencies",
            &[Text(
                "Chart.yaml",
                "apiVersion: v1\nname: svc\nversion: 1.0.0\ndependencies: [{name: redis}]\n",
            )],
            "depends on redis",
        ),
        (
            "values-key-null",
            &[Text("values.yaml", "? ~\n: 1\n")],
            "values.yaml",
        ),
        (
            "values-key-a-list",
            &[Text("values.yaml", "? [a]\n: 1\n")],
            "values.yaml",
        ),
        (
            "values-merge-of-a-text",
            &[Text("values.yaml", "a:\n  <<: x\n")],
            "values.yaml",
        ),
        (
            "values-tagged-int",
            &[Text("values.yaml", "a: !!int abc\n")],
            "values.yaml",
        ),
        (
            "deprecated-a-number",
            &[Chart("deprecated: 1\n")],
            "`deprecated` is a number",
        ),
        (
            "annotations-a-list",
            &[Chart("annotations: [a]\n")],
            "`annotations`",
        ),
        (
            "annotations-nested",
            &[Chart("annotations: {a: {b: c}}\n")],
            "`annotations`",
        ),
        (
            "dependencies-a-text",
            &[Chart("dependencies: redis\n")],
            "`dependencies` is a string",
        ),
        (
            "dependency-a-text",
            &[Chart("dependencies: [redis]\n")],
            "`dependencies` has an item that is a string",
        ),
        (
            "dependency-null",
            &[Chart("dependencies:\n-\n")],
            "`dependencies` has an item without a value",
        ),
        (
            "dependency-tags-a-text",
            &[
                Chart("dependencies: [{name: sub, tags: x}]\n"),
                Text("charts/sub/Chart.yaml", INSIDE),
            ],
            "`tags`",
        ),
        (
            "dependency-enabled-a-text",
            &[
                Chart("dependencies: [{name: sub, enabled: x}]\n"),
                Text("charts/sub/Chart.yaml", INSIDE),
            ],
            "`enabled`",
        ),
        (
            "import-values-a-text",
            &[
                Chart("dependencies: [{name: sub, import-values: x}]\n"),
                Text("charts/sub/Chart.yaml", INSIDE),
            ],
            "`import-values`",
        ),
        (
            "not-finite",
            &[Chart("annotations: {a: .inf}\nunknown: .nan\n")],
            "Chart.yaml",
        ),
        // What Validate asks for.
        (
            "type-unknown",
            &[Chart("type: operator\n")],
            "neither application nor library",
        ),
        (
            "version-no-semver",
            &[Text(
                "Chart.yaml",
                "apiVersion: v2\nname: svc\nversion: one\n",
            )],
            "SemVer",
        ),
        (
            "no-name",
            &[Text("Chart.yaml", "apiVersion: v2\nversion: 1.0.0\n")],
            "`name` is missing",
        ),
        (
            "name-a-path",
            &[Text(
                "Chart.yaml",
                "apiVersion: v2\nname: a/b\nversion: 1.0.0\n",
            )],
            "not a valid chart name",
        ),
        (
            "alias-with-slash",
            &[
                Chart("dependencies: [{name: sub, alias: a/b}]\n"),
                Text("charts/sub/Chart.yaml", INSIDE),
            ],
            "the alias `a/b` of `sub`",
        ),
        (
            "dependency-twice",
            &[
                Chart("dependencies: [{name: sub}, {name: sub}]\n"),
                Text("charts/sub/Chart.yaml", INSIDE),
            ],
            "name or alias `sub`",
        ),
        (
            "alias-twice",
            &[
                Chart("dependencies: [{name: sub, alias: x}, {name: x}]\n"),
                Text("charts/sub/Chart.yaml", INSIDE),
            ],
            "name or alias `x`",
        ),
        // What it depends on.
        (
            "dependency-missing",
            &[Chart("dependencies: [{name: redis}]\n")],
            "depends on redis",
        ),
        (
            "requirements-of-v2",
            &[Text("requirements.yaml", "dependencies: [{name: redis}]\n")],
            "depends on redis",
        ),
        (
            "requirements-of-v1",
            &[
                Text("Chart.yaml", "apiVersion: v1\nname: svc\nversion: 1.0.0\n"),
                Text("requirements.yaml", "dependencies: [{name: redis}]\n"),
            ],
            "depends on redis",
        ),
        (
            "requirements-no-yaml",
            &[Text("requirements.yaml", "a: [\n")],
            "requirements.yaml is no YAML",
        ),
        (
            "requirements-of-a-wrong-type",
            &[Text("requirements.yaml", "dependencies: redis\n")],
            "requirements.yaml `dependencies`",
        ),
        (
            "archive-by-its-own-name",
            &[
                Chart("dependencies: [{name: redis}]\n"),
                Archive("redis-1.0.0.tgz", &[("sub/Chart.yaml", INSIDE)]),
            ],
            "depends on redis",
        ),
        (
            "hidden-is-not-there",
            &[
                Chart("dependencies: [{name: sub}]\n"),
                Text("charts/_sub/Chart.yaml", INSIDE),
            ],
            "depends on sub",
        ),
        // Other files.
        (
            "lock-no-yaml",
            &[Text("Chart.lock", "a: [\n")],
            "Chart.lock is no YAML",
        ),
        (
            "lock-a-list",
            &[Text("Chart.lock", "- a\n")],
            "Chart.lock is a list",
        ),
        (
            "lock-time",
            &[Text("Chart.lock", "generated: yesterday\n")],
            "Chart.lock `generated` is no time",
        ),
        (
            "lock-digest",
            &[Text("Chart.lock", "digest: [a]\n")],
            "Chart.lock `digest`",
        ),
        (
            "lock-dependencies",
            &[Text("Chart.lock", "dependencies: redis\n")],
            "Chart.lock `dependencies`",
        ),
        (
            "requirements-lock",
            &[Text("requirements.lock", "digest: [a]\n")],
            "requirements.lock `digest`",
        ),
        (
            "schema-no-json",
            &[Text("values.schema.json", "{\"type\": ")],
            "values.schema.json is not JSON",
        ),
        (
            "schema-empty",
            &[Text("values.schema.json", "")],
            "values.schema.json is not JSON",
        ),
        (
            "values-a-list",
            &[Text("values.yaml", "- a\n")],
            "values.yaml",
        ),
        (
            "values-a-text",
            &[Text("values.yaml", "abc\n")],
            "values of a chart must be a mapping",
        ),
        (
            "values-not-finite",
            &[Text("values.yaml", "a: .inf\n")],
            "values.yaml",
        ),
        (
            "values-of-an-unknown-alias",
            &[Text("values.yaml", "a: *b\n")],
            "values.yaml:1:4",
        ),
        // Charts inside.
        (
            "inside-no-chart",
            &[Text("charts/junk/notes.txt", "x")],
            "charts/junk/Chart.yaml is missing",
        ),
        (
            "inside-a-file",
            &[Text("charts/README.md", "x")],
            "charts/README.md is no chart",
        ),
        (
            "inside-without-name",
            &[Text(
                "charts/sub/Chart.yaml",
                "apiVersion: v2\nversion: 1.0.0\n",
            )],
            "charts/sub/Chart.yaml there is no `name`",
        ),
        (
            "inside-named-a-path",
            &[Text("charts/sub/Chart.yaml", "name: a/b\nversion: 1.0.0\n")],
            "`name` is a path",
        ),
        (
            "inside-without-version",
            &[Text("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\n")],
            "charts/sub/Chart.yaml `version`",
        ),
        (
            "inside-version",
            &[Text(
                "charts/sub/Chart.yaml",
                "name: sub\nversion: 1.0.0-01\n",
            )],
            "charts/sub/Chart.yaml `version`",
        ),
        (
            "inside-type",
            &[Text(
                "charts/sub/Chart.yaml",
                "name: sub\nversion: 1.0.0\ntype: x\n",
            )],
            "charts/sub/Chart.yaml `type`",
        ),
        (
            "inside-fields",
            &[Text(
                "charts/sub/Chart.yaml",
                "name: sub\nversion: 1.0.0\nkeywords: x\n",
            )],
            "charts/sub/Chart.yaml `keywords`",
        ),
        (
            "inside-chart-no-yaml",
            &[Text("charts/sub/Chart.yaml", "a: [\n")],
            "charts/sub/Chart.yaml is no YAML",
        ),
        (
            "inside-values-no-yaml",
            &[
                Text("charts/sub/Chart.yaml", INSIDE),
                Text("charts/sub/values.yaml", "a: [\n"),
            ],
            "charts/sub/values.yaml is no YAML",
        ),
        (
            "inside-values-a-list",
            &[
                Text("charts/sub/Chart.yaml", INSIDE),
                Text("charts/sub/values.yaml", "- a\n"),
            ],
            "charts/sub/values.yaml is no mapping",
        ),
        (
            "inside-second-document",
            &[
                Text("charts/sub/Chart.yaml", INSIDE),
                Text("charts/sub/values.yaml", "a: 1\n---\n- b\n"),
            ],
            "charts/sub/values.yaml is no mapping",
        ),
        (
            "inside-lock",
            &[
                Text("charts/sub/Chart.yaml", INSIDE),
                Text("charts/sub/Chart.lock", "- a\n"),
            ],
            "charts/sub/Chart.lock is a list",
        ),
        (
            "inside-schema",
            &[
                Text("charts/sub/Chart.yaml", INSIDE),
                Text("charts/sub/values.schema.json", "{"),
            ],
            "charts/sub/values.schema.json is not JSON",
        ),
        (
            "inside-the-inside",
            &[
                Text("charts/sub/Chart.yaml", INSIDE),
                Text("charts/sub/charts/x/a", ""),
            ],
            "charts/sub/charts/x/Chart.yaml is missing",
        ),
        (
            "inside-case",
            &[Text("charts/sub/chart.yaml", INSIDE)],
            "charts/sub/Chart.yaml is missing",
        ),
        // Archives inside.
        (
            "archive-no-archive",
            &[Text("charts/x.tgz", "x")],
            "charts/x.tgz is no archive",
        ),
        (
            "archive-a-folder",
            &[Text("charts/x.tgz/Chart.yaml", INSIDE)],
            "charts/x.tgz is a directory",
        ),
        (
            "archive-empty",
            &[Archive("x.tgz", &[])],
            "charts/x.tgz is an archive without files",
        ),
        (
            "archive-without-chart",
            &[Archive("x.tgz", &[("sub/values.yaml", "")])],
            "charts/x.tgz/Chart.yaml is missing",
        ),
        (
            "archive-without-folder",
            &[Archive("x.tgz", &[("Chart.yaml", INSIDE)])],
            "must be in a directory",
        ),
        (
            "archive-that-leads-out",
            &[Archive("x.tgz", DEEP)],
            "leads out of the chart",
        ),
        (
            "archive-with-a-broken-chart",
            &[Archive(
                "x.tgz",
                &[("sub/Chart.yaml", "name: sub\nversion: 1.0.0\nkeywords: x\n")],
            )],
            "charts/x.tgz/Chart.yaml `keywords`",
        ),
        (
            "archive-with-junk",
            &[Archive(
                "x.tgz",
                &[("sub/Chart.yaml", INSIDE), ("sub/charts/a.txt", "")],
            )],
            "charts/x.tgz/charts/a.txt is no chart",
        ),
        // .helmignore.
        (
            "ignore-double-star",
            &[Text(".helmignore", "a/**\n")],
            ".helmignore:1:1",
        ),
        (
            "ignore-unclosed",
            &[Text(".helmignore", "[a\n")],
            ".helmignore:1:1",
        ),
        (
            "ignored-chart",
            &[Text(".helmignore", "Chart.yaml\n")],
            "Chart.yaml is excluded",
        ),
        // Links.
        #[cfg(unix)]
        (
            "link-broken",
            &[Put::Link("a.txt", "nowhere")],
            "a.txt is a symlink",
        ),
        #[cfg(unix)]
        (
            "link-to-itself",
            &[Put::Link("a.txt", "a.txt")],
            "a.txt is a symlink",
        ),
        #[cfg(unix)]
        (
            "link-to-the-folder-around",
            &[Put::Link("docs/all", "..")],
            "docs/all is a symlink to a directory",
        ),
    ];
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, parts, words) in rows {
        assert!(names.insert(name), "{name} twice");
        let service = service(parts);
        let out = tempfile::tempdir().unwrap();
        match package(service.path(), out.path()) {
            Ok(_) => wrong.push(format!("{name}: flota takes it")),
            Err(error) => {
                assert_eq!(error.exit(), Exit::WorkFailed, "{name}");
                if !said(&error).contains(words) {
                    wrong.push(format!("{name}: says {}", said(&error)));
                }
            }
        }
        if helm_packages(service.path(), out.path()).is_some_and(|helm| helm.status.success()) {
            wrong.push(format!("{name}: Helm takes it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files in a package.
fn files(package: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = fs::File::open(package).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (name, content)
    });
    entries.collect()
}

#[test]
fn what_helm_takes_is_taken_and_packed_alike() {
    let sub = || Text("charts/sub/Chart.yaml", INSIDE);
    let rows: &[(&str, &[Put])] = &[
        ("plain", &[]),
        (
            "scalars-as-texts",
            &[Chart(
                "appVersion: 1.10\nkeywords: [1, true, web]\nannotations: {a: 1, b: true, c: }\ndescription: 7\n",
            )],
        ),
        (
            "empty-fields",
            &[Chart(
                "keywords:\nmaintainers:\ndependencies:\nannotations:\ndeprecated:\nhome:\n",
            )],
        ),
        ("deprecated", &[Chart("deprecated: true\n")]),
        ("unknown-fields", &[Chart("more: [1, {a: b}]\n")]),
        (
            "alias",
            &[
                Chart("dependencies: [{name: sub, alias: a_b-1}, {name: sub}]\n"),
                sub(),
            ],
        ),
        (
            "archive-by-its-own-name",
            &[
                Chart("dependencies: [{name: sub}]\n"),
                Archive("other.tgz", &[("x/Chart.yaml", INSIDE)]),
            ],
        ),
        (
            "folder-by-its-own-name",
            &[
                Chart("dependencies: [{name: sub}]\n"),
                Text("charts/sub/Chart.yaml", "name: sub\nversion: v1\n"),
            ],
        ),
        (
            "hidden-in-charts",
            &[
                sub(),
                Text("charts/_junk/x", ""),
                Text("charts/.junk", ""),
                Text("charts/sub/charts/_x", ""),
            ],
        ),
        (
            "provenance",
            &[
                sub(),
                Text("charts/sub-1.0.0.tgz.prov", "x"),
                Text("charts/_x.prov", "x"),
            ],
        ),
        (
            "lock",
            &[Text(
                "Chart.lock",
                "dependencies:\n-\ndigest: sha256:1\ngenerated: \"2024-01-31T12:00:00.5+01:00\"\n",
            )],
        ),
        (
            "lock-plain-time",
            &[Text("Chart.lock", "generated: 2024-01-31T12:00:00Z\n")],
        ),
        ("lock-empty", &[Text("Chart.lock", "")]),
        ("schema", &[Text("values.schema.json", "\u{feff}{}")]),
        (
            "byte-order-marks",
            &[
                Text("values.yaml", "\u{feff}a: 1\n"),
                Text("notes.txt", "\u{feff}x"),
            ],
        ),
        (
            "keys-twice-inside",
            &[sub(), Text("charts/sub/values.yaml", "a: 1\na: 2\n")],
        ),
        (
            "documents-inside",
            &[sub(), Text("charts/sub/values.yaml", "a: 1\n---\nb: 2\n")],
        ),
        (
            "values-empty-inside",
            &[sub(), Text("charts/sub/values.yaml", "# nothing\n")],
        ),
        (
            "old-chart-inside",
            &[Text("charts/sub/Chart.yaml", "name: sub\nversion: v1.2\n")],
        ),
        (
            "yes-and-no",
            &[
                Chart("deprecated: yes\ndependencies: [{name: sub, enabled: off}]\n"),
                sub(),
            ],
        ),
        #[cfg(unix)]
        (
            "link-to-a-file",
            &[
                Text("docs/a.md", "about"),
                Put::Link("README.md", "docs/a.md"),
                Put::Link("b.md", "README.md"),
            ],
        ),
        #[cfg(unix)]
        (
            "link-to-a-folder",
            &[
                Text("files/more/x", "# 1\n"),
                Put::Link("templates/more", "../files"),
                Put::Link("files/more/y", "x"),
            ],
        ),
        #[cfg(unix)]
        (
            "link-to-a-chart",
            &[
                Text("library/Chart.yaml", INSIDE),
                Put::Link("charts/sub", "../library"),
                Chart("dependencies: [{name: sub}]\n"),
            ],
        ),
        #[cfg(unix)]
        (
            "link-to-a-chart-beside",
            &[
                Text("../charts/sub/Chart.yaml", INSIDE),
                Put::Link("charts/sub", "../../charts/sub"),
                Chart("dependencies: [{name: sub}]\n"),
            ],
        ),
        #[cfg(unix)]
        (
            "links-for-what-helm-reads",
            &[
                Text("x/values.yaml", "a: 2\n"),
                Put::Link("values.yml", "x/values.yaml"),
                Text("x/ignore", "*.bak\n"),
                Put::Link(".helmignore", "x/ignore"),
                Text("a.bak", ""),
                Put::Link("b.bak", "x/ignore"),
            ],
        ),
        (
            "ignored-link",
            &[Text(".helmignore", "*.md\n"), Text("a.md", "")],
        ),
    ];
    let mut wrong = Vec::new();
    for (name, parts) in rows {
        let service = service(parts);
        let out = tempfile::tempdir().unwrap();
        let packaged = match package(service.path(), out.path()) {
            Ok(packaged) => packaged,
            Err(error) => {
                wrong.push(format!("{name}: {}", said(&error)));
                continue;
            }
        };
        let by_helm = out.path().join("helm");
        fs::create_dir(&by_helm).unwrap();
        let Some(helm_says) = helm_packages(service.path(), &by_helm) else {
            continue;
        };
        if !helm_says.status.success() {
            wrong.push(format!(
                "{name}: {}",
                String::from_utf8_lossy(&helm_says.stderr)
            ));
            continue;
        }
        let ours = files(&packaged.file);
        let mut theirs = files(&by_helm.join("svc-1.0.0.tgz"));
        // Helm unpacks archives, and writes these two anew.
        let compared = |name: &String| {
            !name.ends_with("/Chart.yaml") && !name.ends_with(".lock") && !name.ends_with(".tgz")
        };
        theirs.retain(|name, _| compared(name));
        let ours: BTreeMap<_, _> = ours
            .into_iter()
            .filter(|(name, _)| compared(name))
            .collect();
        if ours != theirs {
            wrong.push(format!(
                "{name}: {:?} is {:?} by Helm",
                ours.keys(),
                theirs.keys()
            ));
        }
        let package = packaged.file.to_str().unwrap();
        let rendered = helm(&["template", "release", package], out.path()).unwrap();
        if !rendered.status.success() {
            wrong.push(format!(
                "{name}: {}",
                String::from_utf8_lossy(&rendered.stderr)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
