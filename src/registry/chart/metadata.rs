//! `Chart.yaml` in a package, as Helm reads it and repeats it in the registry.

use std::{collections::BTreeMap, io::Read};

use flate2::read::GzDecoder;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{http::printable, model::error::Result};

/// The most of a package's unpacked bytes that is looked at for `Chart.yaml`, which Helm packs first.
const UNPACKED_LIMIT: u64 = 256 << 20;
/// The largest `Chart.yaml`, in bytes.
const METADATA_LIMIT: u64 = 1 << 20;

/// `Chart.yaml` as Helm knows it, in the order in which Helm writes it; keys that it does not know do not reach the registry.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct HelmMetadata {
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub(super) name: Text,
    #[serde(skip_serializing_if = "Text::is_empty")]
    home: Text,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    sources: Vec<Text>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub(super) version: Text,
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
pub(super) struct Text(pub(super) String);

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
                "a string is expected here, not a list or a mapping",
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

impl HelmMetadata {
    /// The metadata in the package `content`; what is wrong with it, as text.
    pub(super) fn in_package(
        content: &[u8],
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
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
            let metadata: Self =
                serde_saphyr::from_str(&text).map_err(|error| printable(&error.to_string()))?;
            semver::Version::parse(&metadata.version.0).map_err(|error| {
                format!(
                    "its version `{}` is not SemVer 2: {error}",
                    printable(&metadata.version.0)
                )
            })?;
            return Ok(metadata);
        }
        Err("there is no Chart.yaml in its directory".into())
    }

    /// The manifest's annotations: OCI's own, then the chart's, which replace OCI's but for title and version.
    pub(super) fn annotations(&self, created: &str) -> BTreeMap<String, String> {
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
