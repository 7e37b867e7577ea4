//! A packaged Helm chart as an OCI artifact, byte for byte as `helm push` makes it (Helm 4, `pkg/registry`): the configuration
//! is `Chart.yaml` as JSON, the one layer is the package, and annotations repeat what `Chart.yaml` says.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use self::metadata::HelmMetadata;
use super::layout::read_at_most;
use crate::model::{
    digest::oci_digest,
    error::{Error, Result},
    reference::{Prefix, Reference},
    settings::VersionTemplate,
};

mod metadata;

pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The largest package that is pushed, in bytes: a release has to fit into a Secret of 1 MiB, so this is generous.
const PACKAGE_LIMIT: u64 = 64 << 20;

/// The date in every manifest (`helm push` writes that of the file): the time in the package itself, which says nothing.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What a version in the registry promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartTag {
    /// One content: the version says what is in the chart, so it is never given to another.
    Identity,
    /// The newest push under this version.
    Latest,
}

impl ChartTag {
    /// The promise of the versions that `template` makes.
    pub fn of(template: &VersionTemplate) -> Self {
        if template.to_string().contains("{id}") {
            Self::Identity
        } else {
            Self::Latest
        }
    }
}

/// The name of a chart in a registry, as `helm push` forms it: `prefix/NAME:VERSION`.
///
/// # Errors
/// Work: a name or a version in `Chart.yaml` that Helm packages and no registry takes.
pub fn chart_reference(prefix: &Prefix, name: &str, version: &str) -> Result<Reference> {
    let refused = |field: &str, text: &str, cause| {
        Error::work(format!(
            "Chart.yaml: `{field}: {text}` cannot be pushed to a registry"
        ))
        .because(cause)
    };
    // `+` cannot stand in a tag; Helm reads `_` back as `+`.
    let tag = version.replace('+', "_");
    let named = prefix.reference(name, "latest").map_err(|cause| {
        refused("name", name, cause)
            .hint("give the chart a name of lower-case letters, digits and single `.`, `_` or `-` between them")
    })?;
    named.with_tag(&tag).map_err(|cause| {
        refused("version", version, cause)
            .hint("a registry takes a tag of at most 128 characters: shorten the version in Chart.yaml, or [chart] version in flota.toml")
    })
}

/// A chart in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedChart {
    /// Its name with the digest of its manifest.
    pub reference: Reference,
    /// Whether it was there before.
    pub was_there: bool,
}

/// A chart in the form in which it is pushed.
pub(super) struct ChartArtifact {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) config: Vec<u8>,
    pub(super) content: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

impl ChartArtifact {
    /// Reads the package at `path`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let content = read_at_most(path, PACKAGE_LIMIT)?;
        let metadata = HelmMetadata::in_package(&content).map_err(|cause| {
            Error::work(format!("{} is not a packaged chart", path.display())).because(cause)
        })?;
        let config = go_json(&metadata);
        let manifest = ChartManifest {
            schema_version: 2,
            config: BlobDescriptor::new(CONFIG_TYPE, &config),
            layers: [BlobDescriptor::new(CONTENT_TYPE, &content)],
            annotations: metadata.annotations(CREATED),
        };
        Ok(Self {
            manifest: go_json(&manifest),
            version: metadata.version.0,
            name: metadata.name.0,
            config,
            content,
        })
    }
}

/// An image manifest in the order of Go's type, without the media type that Helm leaves out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChartManifest {
    schema_version: u32,
    config: BlobDescriptor,
    layers: [BlobDescriptor; 1],
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobDescriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl BlobDescriptor {
    fn new(media_type: &'static str, blob: &[u8]) -> Self {
        Self {
            media_type,
            digest: oci_digest(blob),
            size: blob.len(),
        }
    }
}

/// JSON as Go's `json.Marshal` writes it: compact, and `<`, `>`, `&` and the two line separators as escapes. They occur inside
/// strings only.
#[expect(
    clippy::expect_used,
    reason = "only strings, numbers and lists, and keys that are strings"
)]
fn go_json(value: &impl Serialize) -> Vec<u8> {
    let text = serde_json::to_string(value)
        .expect("only strings, numbers and lists, and keys that are strings");
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

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

    fn artifact(chart_yaml: &str) -> Result<ChartArtifact> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.tgz");
        std::fs::write(&path, package(&[("web/Chart.yaml", chart_yaml)])).unwrap();
        ChartArtifact::read(&path)
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
            (made.name.as_str(), made.version.as_str()),
            ("web", "1.2.3+b.1")
        );
    }

    #[test]
    fn a_chart_s_name_is_one_that_registries_take() {
        let prefix = Prefix::parse("registry.example.com/charts").unwrap();
        let reference = |name, version: &str| chart_reference(&prefix, name, version);
        assert_eq!(
            reference("web", "1.2.3+b.1").unwrap().to_string(),
            "registry.example.com/charts/web:1.2.3_b.1"
        );
        assert!(reference("web", &format!("1.0.0-{}", "a".repeat(122))).is_ok());
        for (name, version, field) in [
            ("Web", "1.0.0", "`name: Web`"),
            ("web-", "1.0.0", "`name: web-`"),
            ("we..b", "1.0.0", "`name: we..b`"),
            ("web", &*format!("1.0.0-{}", "a".repeat(123)), "`version: "),
        ] {
            let error = reference(name, version).unwrap_err();
            assert_eq!(error.exit(), crate::model::exit::Exit::WorkFailed);
            assert!(error.to_string().contains(field), "{error}");
        }
    }

    #[test]
    fn the_same_chart_makes_the_same_manifest() {
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
            "1970-01-01T00:00:00Z"
        );
        assert_eq!(annotations["org.opencontainers.image.title"], "web");
    }

    #[test]
    fn what_is_no_chart_is_a_work_error_with_the_reason() {
        for (yaml, reason) in [
            ("name: web\nversion: one\n", "SemVer"),
            ("name: web\n", "SemVer"),
            ("name: [web]\nversion: 1.0.0\n", "a list or a mapping"),
            ("{", ""),
        ] {
            let error = artifact(yaml).err().unwrap();
            assert_eq!(error.exit(), crate::model::exit::Exit::WorkFailed);
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(reason), "{cause}");
        }
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
        let found = HelmMetadata::in_package(&package(&[inner, own]))
            .ok()
            .unwrap();
        assert_eq!(found.name.0, "web");
        assert!(HelmMetadata::in_package(&package(&[inner])).is_err());
        assert!(HelmMetadata::in_package(b"no archive").is_err());
    }
}
