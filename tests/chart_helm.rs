//! `fixtures/charts`, packaged by the library, and what Helm says to the packages.
//!
//! `images/NAME` is a kind of chart by where it has its image: its values, and what a look at it says with Helm (`expected/`).
//! A fixture is `good/NAME` (`expected/` holds the two edited files, the names in the archive and the values a template
//! sees) or `bad/NAME` (`error.txt`). `FLOTA_TEST_BLESS=1` writes what is expected instead of comparing it.

// A skipped test says so.
#![allow(clippy::print_stdout)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error as _,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use flota::{
    chart::{self, ChartRequest, ImageCoordinates, PackagedChart},
    model::{
        error::Error,
        settings::{ChartSettings, TokenValue},
    },
};
use serde::Deserialize;

/// What `request.toml` may say; the rest is the same for every fixture.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Request {
    version: Option<String>,
    id: Option<String>,
    app_version: Option<String>,
    /// Where the values have the image; found when absent.
    image_path: Option<String>,
    /// A file of the chart for its check.
    check_values: Option<String>,
    tokens: BTreeMap<String, toml::Value>,
    image: Image,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Image {
    registry: Option<String>,
    repository: String,
    tag: String,
    digest: Option<String>,
}

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/charts");
    assert_eq!(
        names(&root),
        [".gitattributes", "bad", "good", "images"],
        "a fixture outside of good/ and bad/ is not exercised"
    );
    let folders: Vec<_> = names(&root.join(kind))
        .iter()
        .map(|name| root.join(kind).join(name))
        .collect();
    assert!(folders.len() > 10, "{kind}: fixtures are missing");
    folders
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names: BTreeSet<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.into_iter().collect()
}

fn token((name, value): (String, toml::Value)) -> (String, TokenValue) {
    let value = match value {
        toml::Value::String(value) => TokenValue::String(value),
        toml::Value::Integer(value) => TokenValue::Integer(value),
        toml::Value::Float(value) => TokenValue::Float(value),
        toml::Value::Boolean(value) => TokenValue::Bool(value),
        other => panic!("no token holds {other}"),
    };
    (name, value)
}

fn read_request(fixture: &Path) -> Request {
    let text = fs::read_to_string(fixture.join("request.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

fn request(fixture: &Path) -> ChartRequest {
    let request = read_request(fixture);
    let image = request.image;
    ChartRequest {
        service: "color".into(),
        source: fixture.join("service"),
        version: request.version.map_or_else(
            || ChartSettings::default().version,
            |version| version.parse().unwrap(),
        ),
        id: request.id.unwrap_or_else(|| "0123456789ab".into()),
        commit: "fedcba987654".into(),
        app_version: match request.app_version.as_deref() {
            Some("keep") => None,
            other => Some(other.unwrap_or(&image.tag).to_owned()),
        },
        image: Some(ImageCoordinates {
            registry: image.registry,
            repository: image.repository,
            tag: image.tag,
            digest: image.digest,
        }),
        environments: std::sync::Arc::default(),
        tokens: request.tokens.into_iter().map(token).collect(),
        image_path: request.image_path.map(|path| path.parse().unwrap()),
    }
}

fn package(fixture: &Path, out: &Path) -> PackagedChart {
    chart::package(&request(fixture), out)
        .unwrap_or_else(|error| panic!("{}: {}", fixture.display(), report(&error)))
}

/// Everything an error says.
fn report(error: &Error) -> String {
    let mut text = format!("exit {}\n{error}\n", error.exit() as u8);
    let mut cause = error.source();
    while let Some(error) = cause {
        writeln!(text, "caused by: {error}").unwrap();
        cause = error.source();
    }
    for hint in error.hints() {
        writeln!(text, "hint: {hint}").unwrap();
    }
    text
}

/// The files of a package, in its order.
fn unpack(package: &Path) -> Vec<(String, String)> {
    let file = fs::File::open(package).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        entry.read_to_end(&mut content).unwrap();
        (name, String::from_utf8_lossy(&content).into_owned())
    });
    entries.collect()
}

fn expect(file: &Path, actual: &str) {
    if env::var_os("FLOTA_TEST_BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, actual).unwrap();
    }
    let expected =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(expected, actual, "{}", file.display());
}

#[test]
fn good_charts_are_baked_as_expected() {
    for fixture in fixtures("good") {
        let out = tempfile::tempdir().unwrap();
        let packaged = package(&fixture, out.path());
        let files = unpack(&packaged.file);
        let content = |name: &str| {
            let path = format!("{}/{name}", packaged.name);
            &files.iter().find(|(name, _)| *name == path).unwrap().1
        };
        let expected = fixture.join("expected");
        expect(&expected.join("Chart.yaml"), content("Chart.yaml"));
        expect(&expected.join("values.yaml"), content("values.yaml"));
        let listed: Vec<_> = files.iter().map(|(name, _)| format!("{name}\n")).collect();
        expect(&expected.join("entries"), &listed.concat());
        assert_eq!(
            packaged.file.file_name(),
            Some(OsStr::new(&format!(
                "{}-{}.tgz",
                packaged.name, packaged.version
            )))
        );
    }
}

#[test]
fn every_fixture_is_whole() {
    for fixture in fixtures("good") {
        assert_eq!(names(&fixture), ["expected", "request.toml", "service"]);
        let expected = names(&fixture.join("expected"));
        assert_eq!(
            expected,
            ["Chart.yaml", "entries", "values.json", "values.yaml"]
        );
    }
    for fixture in fixtures("bad") {
        assert_eq!(names(&fixture), ["error.txt", "request.toml", "service"]);
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let [one, two] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for fixture in fixtures("good") {
        let (first, second) = (package(&fixture, one.path()), package(&fixture, two.path()));
        assert_eq!(first.digest, second.digest);
        assert_eq!(
            fs::read(first.file).unwrap(),
            fs::read(second.file).unwrap()
        );
    }
}

#[test]
fn bad_charts_are_refused_before_anything_is_written() {
    for fixture in fixtures("bad") {
        let out = tempfile::tempdir().unwrap();
        let error = chart::package(&request(&fixture), out.path())
            .expect_err(&fixture.display().to_string());
        expect(&fixture.join("error.txt"), &report(&error));
        assert!(names(out.path()).is_empty());
    }
}

/// Each kind of chart gets its image where it reads it, and says by Helm whether it runs it; what it says without Helm never
/// contradicts that.
#[test]
fn every_kind_of_chart_says_whether_it_runs_its_image() {
    let has_helm = has_helm();
    for fixture in fixtures("images") {
        let out = tempfile::tempdir().unwrap();
        let prepared = chart::prepare(&request(&fixture))
            .unwrap_or_else(|error| panic!("{}: {}", fixture.display(), report(&error)));
        let packaged = prepared.write(out.path()).unwrap();
        let files = unpack(&packaged.file);
        let values = format!("{}/values.yaml", packaged.name);
        let values = files.iter().find(|(name, _)| *name == values).unwrap();
        let expected = fixture.join("expected");
        expect(&expected.join("values.yaml"), &values.1);
        if !has_helm {
            continue;
        }
        let folder = fixture.join("service/config");
        let given = read_request(&fixture)
            .check_values
            .map(|file| folder.join(file));
        let scratch = tempfile::tempdir().unwrap();
        let check = prepared
            .check(&packaged.file, given.as_deref(), scratch.path())
            .unwrap();
        let json = serde_json::to_string_pretty(&check).unwrap();
        expect(&expected.join("check.json"), &format!("{json}\n"));
        let mut arguments = vec![
            "template".into(),
            "x".into(),
            packaged.file.into_os_string(),
        ];
        arguments.extend(
            given
                .into_iter()
                .flat_map(|file| ["--values".into(), file.into_os_string()]),
        );
        let Ok(rendered) = helm(&arguments) else {
            continue;
        };
        let images: Vec<_> = rendered
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("image: "))
            .map(|image| format!("{image}\n"))
            .collect();
        expect(&expected.join("images"), &images.concat());
    }
}

/// Runs helm and gives its standard output; the error says what it was asked.
fn helm<S: AsRef<OsStr>>(arguments: &[S]) -> Result<String, String> {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("helm")
        .args(arguments)
        .env("HOME", home.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        return Ok(stdout);
    }
    let asked: Vec<_> = arguments
        .iter()
        .map(|argument| argument.as_ref().to_string_lossy())
        .collect();
    Err(format!(
        "helm {}: {stdout}{}",
        asked.join(" "),
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn has_helm() -> bool {
    let found = Command::new("helm")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success());
    let required =
        env::var("FLOTA_TEST_REQUIRE").is_ok_and(|list| list.split(',').any(|name| name == "helm"));
    assert!(
        found || !required,
        "FLOTA_TEST_REQUIRE names helm, and there is none"
    );
    if !found {
        println!("skipped: needs helm");
    }
    found
}

#[test]
fn helm_takes_every_baked_chart() {
    if !has_helm() {
        return;
    }
    for fixture in fixtures("good") {
        let out = tempfile::tempdir().unwrap();
        let packaged = package(&fixture, out.path());
        let package = packaged.file.to_str().unwrap();
        let expected = fixture.join("expected");

        let shown = helm(&["show", "chart", package]).unwrap();
        let lines: Vec<_> = shown.lines().collect();
        assert!(
            lines.contains(&&*format!("name: {}", packaged.name)),
            "{shown}"
        );
        assert!(
            lines.contains(&&*format!("version: {}", packaged.version)),
            "{shown}"
        );

        let values = fs::read_to_string(expected.join("values.yaml")).unwrap();
        let shown = helm(&["show", "values", package]).unwrap();
        assert_eq!(
            shown.trim_end(),
            values.trim_start_matches('\u{feff}').trim_end()
        );

        helm(&["lint", package]).unwrap();
        let seen = values_in_templates(package);
        expect(
            &expected.join("values.json"),
            &format!("{}\n", serde_json::to_string_pretty(&seen).unwrap()),
        );
    }
}

/// What the fixtures' one template prints: the values, and the reference of the image that a pod would name.
fn values_in_templates(package: &str) -> serde_json::Value {
    let rendered = helm(&[
        "template",
        "release",
        package,
        "--show-only",
        "templates/dump.yaml",
    ])
    .unwrap();
    let json = rendered.lines().find(|line| line.starts_with('{')).unwrap();
    let mut dump: serde_json::Value = serde_json::from_str(json).unwrap();
    let values = dump["data"]["values"].take();
    serde_json::json!({
        "image": dump["data"]["image"],
        "values": serde_json::from_str::<serde_json::Value>(values.as_str().unwrap()).unwrap(),
    })
}

/// Helm's own packaging is the oracle of what belongs into a package.
#[test]
fn helm_packages_the_same_files() {
    if !has_helm() {
        return;
    }
    for fixture in fixtures("good") {
        let out = tempfile::tempdir().unwrap();
        let packaged = package(&fixture, out.path());
        let folder = chart::find(&fixture.join("service"), "color").unwrap();
        let by_helm = out.path().join("helm");
        let [folder, destination] =
            [&folder, &by_helm].map(|path| path.to_str().unwrap().to_owned());
        helm(&[
            "package",
            &folder,
            "--destination",
            &destination,
            "--version",
            "9.9.9",
        ])
        .unwrap();
        let files = |package: &Path| -> BTreeSet<_> {
            unpack(package).into_iter().map(|(name, _)| name).collect()
        };
        let mut wanted = files(&by_helm.join(format!("{}-9.9.9.tgz", packaged.name)));
        wanted.insert(format!("{}/values.yaml", packaged.name));
        assert_eq!(files(&packaged.file), wanted, "{}", fixture.display());
    }
}
