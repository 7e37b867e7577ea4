//! A packaged Helm chart as an OCI artifact, byte for byte as `helm push` makes it (Helm 4, `pkg/registry`): the configuration
//! is `Chart.yaml` as JSON, the one layer is the package, and annotations repeat what `Chart.yaml` says.

use std::{collections::BTreeMap, io::Read, path::Path};

use flate2::read::GzDecoder;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{layout::read_at_most, sha256};
use crate::model::error::{Error, Result};

pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The largest package that is pushed, in bytes: a release has to fit into a Secret of 1 MiB, so this is generous.
const PACKAGE_LIMIT: u64 = 64 << 20;
/// The most of a package's unpacked bytes that is looked at for `Chart.yaml`, which Helm packs first.
const UNPACKED_LIMIT: u64 = 256 << 20;
/// The largest `Chart.yaml`, in bytes.
const METADATA_LIMIT: u64 = 1 << 20;

/// A chart in the form in which it is pushed.
pub(super) struct Artifact {
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) config: Vec<u8>,
    pub(super) content: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

impl Artifact {
    /// Reads the package at `path`; `created` is in seconds since the Unix epoch.
    pub(super) fn read(path: &Path, created: i64) -> Result<Self> {
        let content = read_at_most(path, PACKAGE_LIMIT)?;
        let metadata = Metadata::in_package(&content).map_err(|cause| {
            Error::work(format!("{} is not a packaged chart", path.display())).because(cause)
        })?;
        let config = go_json(&metadata);
        let manifest = Manifest {
            schema_version: 2,
            config: Descriptor::new(CONFIG_TYPE, &config),
            layers: [Descriptor::new(CONTENT_TYPE, &content)],
            annotations: metadata.annotations(&date(created)?),
        };
        Ok(Self {
            manifest: go_json(&manifest),
            // `+` cannot stand in a tag; Helm reads `_` back as `+`.
            tag: metadata.version.0.replace('+', "_"),
            name: metadata.name.0,
            config,
            content,
        })
    }
}

/// `Chart.yaml` as Helm knows it, in the order in which Helm writes it; keys that it does not know do not reach the registry.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Metadata {
    #[serde(skip_serializing_if = "Text::is_empty")]
    name: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    home: Text,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    sources: Vec<Text>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    version: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    description: Text,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    keywords: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    maintainers: Vec<Maintainer>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    icon: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    api_version: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    condition: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    tags: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    app_version: Text,
    #[serde(
        skip_serializing_if = "std::ops::Not::not",
        deserialize_with = "or_default"
    )]
    deprecated: bool,
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "or_default"
    )]
    annotations: BTreeMap<String, Text>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    kube_version: Text,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    dependencies: Vec<Dependency>,
    #[serde(rename = "type", skip_serializing_if = "Text::is_empty")]
    kind: Text,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Maintainer {
    #[serde(skip_serializing_if = "Text::is_empty")]
    name: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    email: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    url: Text,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Dependency {
    name: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    version: Text,
    repository: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    condition: Text,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    tags: Vec<Text>,
    #[serde(
        skip_serializing_if = "std::ops::Not::not",
        deserialize_with = "or_default"
    )]
    enabled: bool,
    #[serde(
        rename = "import-values",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_default"
    )]
    import_values: Vec<Value>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    alias: Text,
}

/// A string, or a plain scalar where one is expected (`appVersion: 1.16`), which Helm takes for its text; null is the empty text.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
struct Text(String);

impl Text {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::default()),
            Value::String(text) => Ok(Self(text)),
            scalar @ (Value::Bool(_) | Value::Number(_)) => Ok(Self(scalar.to_string())),
            Value::Array(_) | Value::Object(_) => Err(serde::de::Error::custom(
                "a text is wanted here, not a collection",
            )),
        }
    }
}

/// A key without a value counts as absent.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Metadata {
    /// The metadata in the package `content`; what is wrong with it, as text.
    fn in_package(content: &[u8]) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut archive = tar::Archive::new(GzDecoder::new(content).take(UNPACKED_LIMIT));
        for entry in archive.entries()? {
            let entry = entry?;
            let path = entry.path()?;
            let mut parts = path.iter();
            // The chart's own, and not that of a chart in `charts/`.
            let is_own = parts.next().is_some() && parts.eq(["Chart.yaml"]);
            if !is_own || !entry.header().entry_type().is_file() {
                continue;
            }
            let mut text = String::new();
            entry.take(METADATA_LIMIT).read_to_string(&mut text)?;
            let metadata: Self = serde_saphyr::from_str(&text)
                .map_err(|error| super::printable(&error.to_string()))?;
            semver::Version::parse(&metadata.version.0).map_err(|error| {
                format!(
                    "its version `{}` is not SemVer 2: {error}",
                    super::printable(&metadata.version.0)
                )
            })?;
            return Ok(metadata);
        }
        Err("there is no Chart.yaml in its folder".into())
    }

    /// The manifest's annotations: OCI's own, then the chart's, which replace OCI's but for title and version.
    fn annotations(&self, created: &str) -> BTreeMap<String, String> {
        let authors = self
            .maintainers
            .iter()
            .map(Maintainer::as_author)
            .collect::<Vec<_>>()
            .join(", ");
        let own = [
            ("description", self.description.0.as_str()),
            ("title", &self.name.0),
            ("version", &self.version.0),
            ("url", &self.home.0),
            ("created", created),
            (
                "source",
                self.sources.first().map_or("", |source| &source.0),
            ),
            ("authors", &authors),
        ]
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()));
        let fixed = [
            "org.opencontainers.image.title",
            "org.opencontainers.image.version",
        ];
        let added = self
            .annotations
            .iter()
            .filter(|(key, _)| !fixed.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.0.clone()));
        own.chain(added).collect()
    }
}

impl Maintainer {
    fn as_author(&self) -> String {
        let email = if self.email.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.email.0)
        };
        format!("{}{email}", self.name.0)
    }
}

/// An image manifest in the order of Go's type, without the media type that Helm leaves out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    config: Descriptor,
    layers: [Descriptor; 1],
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl Descriptor {
    fn new(media_type: &'static str, blob: &[u8]) -> Self {
        Self {
            media_type,
            digest: sha256(blob),
            size: blob.len(),
        }
    }
}

/// JSON as Go's `json.Marshal` writes it: compact, and `<`, `>`, `&` and the two line separators as escapes. They occur inside
/// strings only.
fn go_json(value: &impl Serialize) -> Vec<u8> {
    let text = serde_json::to_string(value)
        .expect("only texts, numbers and lists, and keys that are texts");
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    let escaped = escapes
        .into_iter()
        .fold(text, |text, (plain, escape)| text.replace(plain, escape));
    escaped.into_bytes()
}

/// Seconds since the Unix epoch in RFC 3339, UTC.
fn date(created: i64) -> Result<String> {
    jiff::Timestamp::from_second(created)
        .map(|moment| moment.to_string())
        .map_err(|cause| Error::misuse(format!("{created} is not a date")).because(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package whose files are `(path, content)`.
    fn package(files: &[(&str, &str)]) -> Vec<u8> {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(gzip);
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive
                .append_data(&mut header, path, content.as_bytes())
                .unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn artifact(chart_yaml: &str) -> Result<Artifact> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.tgz");
        std::fs::write(&path, package(&[("web/Chart.yaml", chart_yaml)])).unwrap();
        Artifact::read(&path, 1_700_000_000)
    }

    #[test]
    fn the_configuration_is_what_helm_knows_in_helms_order() {
        let made = artifact(
            "type: application\nversion: 1.2.3+b.1\nappVersion: 1.5\nname: web\nunknown: [1]\napiVersion: v2\n\
             description: a < b & c\nkeywords:\nannotations: {b: 1, a: x}\n",
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(made.config).unwrap(),
            "{\"name\":\"web\",\"version\":\"1.2.3+b.1\",\"description\":\"a \\u003c b \\u0026 c\",\"apiVersion\":\"v2\",\
             \"appVersion\":\"1.5\",\"annotations\":{\"a\":\"x\",\"b\":\"1\"},\"type\":\"application\"}"
        );
        assert_eq!(
            (made.name.as_str(), made.tag.as_str()),
            ("web", "1.2.3_b.1")
        );
    }

    #[test]
    fn the_same_chart_and_date_make_the_same_manifest() {
        let text = "name: web\nversion: 1.0.0\nannotations: {z: 1, y: 2, x: 3, org.opencontainers.image.title: no}\n";
        let (one, two) = (
            artifact(text).unwrap().manifest,
            artifact(text).unwrap().manifest,
        );
        assert_eq!(one, two);
        let manifest: Value = serde_json::from_slice(&one).unwrap();
        let annotations = &manifest["annotations"];
        assert_eq!(
            annotations["org.opencontainers.image.created"],
            "2023-11-14T22:13:20Z"
        );
        assert_eq!(annotations["org.opencontainers.image.title"], "web");
    }

    #[test]
    fn what_is_no_chart_is_a_work_error_with_the_reason() {
        for (yaml, reason) in [
            ("name: web\nversion: one\n", "SemVer"),
            ("name: web\n", "SemVer"),
            ("name: [web]\nversion: 1.0.0\n", "collection"),
            ("{", ""),
        ] {
            let error = artifact(yaml).err().unwrap();
            assert_eq!(error.exit(), crate::model::exit::Exit::WorkFailed);
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(reason), "{cause}");
        }
        assert!(date(i64::MAX).is_err());
    }

    #[test]
    fn a_small_file_cannot_unfold_into_a_large_one() {
        let mut bomb =
            "name: web\nversion: 1.0.0\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
        for level in 1..12 {
            let inner = vec![format!("*x{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("x{level}: &x{level} [{inner}]\n"));
        }
        for yaml in [bomb, format!("x: {}", "[".repeat(100_000))] {
            let start = std::time::Instant::now();
            assert!(artifact(&yaml).is_err());
            assert!(start.elapsed().as_secs() < 60);
        }
    }

    #[test]
    fn the_charts_own_metadata_is_read_and_not_a_subcharts() {
        let own = ("web/Chart.yaml", "name: web\nversion: 1.0.0\n");
        let inner = ("web/charts/db/Chart.yaml", "name: db\nversion: 2.0.0\n");
        let found = Metadata::in_package(&package(&[inner, own])).ok().unwrap();
        assert_eq!(found.name.0, "web");
        assert!(Metadata::in_package(&package(&[inner])).is_err());
        assert!(Metadata::in_package(b"no archive").is_err());
    }
}
