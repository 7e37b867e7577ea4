//! What a package is made from: the request, and the names and limits that Helm and Kubernetes give.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use crate::model::settings::{TokenValue, ValuePath, VersionTemplate};

/// The file that makes a folder a chart.
pub(super) const CHART_FILE: &str = "Chart.yaml";
/// The chart's default values.
pub(super) const VALUES_FILE: &str = "values.yaml";
/// The largest YAML file that is edited, in bytes: what Kubernetes holds of a whole release.
pub(super) const YAML_LIMIT: usize = 1 << 20;

/// One chart to package.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartRequest {
    /// The service's name: for messages, to choose among several charts, and for the token `SERVICENAME`.
    pub service: String,
    /// A folder with the service's `config/` and `charts/` as the commit has them.
    pub source: PathBuf,
    /// The version to give (`[chart] version`).
    pub version: VersionTemplate,
    /// The chart's identity (12 hexadecimal digits), which [`identity`](super::identity) finds.
    pub id: String,
    /// The service's commit (12 hexadecimal digits), also the token `COMMIT`.
    pub commit: String,
    /// The `appVersion`: the image's identity tag; without one the chart keeps its own.
    pub app_version: Option<String>,
    /// The image that the chart runs; a service without code leaves its chart's own in place.
    pub image: Option<ImageCoordinates>,
    /// Where `values.yaml` says which image the chart runs (`[chart] image`); found by the shape of the values when absent.
    pub image_path: Option<ValuePath>,
    /// The configured environments, whose values in the service's `config/` are no part of the chart.
    pub environments: Arc<[String]>,
    /// Values of the tokens in `values.yaml`, by name; they win over those that this request implies.
    pub tokens: BTreeMap<String, TokenValue>,
}

/// Where an image is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageCoordinates {
    /// The registry with its port (`ghcr.io`, `localhost:5000`); none leaves it to the engine, which takes Docker Hub.
    pub registry: Option<String>,
    /// The repository without the registry (`team/color`).
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The manifest's digest (`sha256:…`), where it is known.
    pub digest: Option<String>,
}

impl ImageCoordinates {
    /// `registry/repository`.
    pub(super) fn name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// Registry and repository for a chart that joins the two with a `/`. Without a registry these are the names that
    /// container engines make of a short one: `docker.io`, and `library/` before a repository of one part.
    pub(super) fn split_name(&self) -> (String, String) {
        match &self.registry {
            Some(registry) => (registry.clone(), self.repository.clone()),
            None if self.repository.contains('/') => ("docker.io".into(), self.repository.clone()),
            None => ("docker.io".into(), format!("library/{}", self.repository)),
        }
    }

    /// `registry/repository:tag@digest`.
    pub(super) fn reference(&self) -> String {
        let digest = self.digest.iter().map(|digest| format!("@{digest}"));
        format!("{}:{}{}", self.name(), self.tag, digest.collect::<String>())
    }
}
