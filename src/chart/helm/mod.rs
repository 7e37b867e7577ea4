//! What Helm refuses: the rules of its loader and of its `Validate` (Helm 4, `pkg/chart/v2`) for a chart that is packaged, and for
//! the charts inside it. A chart that breaks one would be found out at the push or at the installation.

mod metadata;
mod unpack;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;

use self::metadata::ChartFacts;
pub(super) use self::metadata::Rejection;
#[cfg(any(test, fuzzing))]
pub(super) use self::yaml::first as read_fields;
use super::{
    files::{CHART_LIMIT, FileRefusal, Files},
    request::{CHART_FILE, VALUES_FILE},
};

const LOCK_FILES: [&str; 2] = ["Chart.lock", "requirements.lock"];
/// Where charts of old name what they depend on; it adds to `Chart.yaml` whatever the version of the API.
const REQUIREMENTS_FILE: &str = "requirements.yaml";
const SCHEMA_FILE: &str = "values.schema.json";
/// The folder of the charts inside.
const CHARTS: &str = "charts/";
/// How deep charts may lie in charts.
const DEPTH_LIMIT: usize = 16;

/// Checks the fields of a `Chart.yaml`.
///
/// # Errors
/// The first that Helm refuses.
pub(super) fn check_metadata(chart: &str) -> Result<(), Rejection> {
    let chart = yaml::first(chart.as_bytes()).map_err(|what| Rejection { field: None, what })?;
    metadata::facts(&chart).map(drop)
}

/// Checks the files that Helm reads beside `Chart.yaml`, and the charts inside. Returns the names of the charts that this one
/// depends on and does not bring along.
///
/// # Errors
/// The first file that Helm refuses.
pub(super) fn missing(files: &Files) -> Result<Vec<String>, FileRefusal> {
    let mut loader = Loader {
        remaining: CHART_LIMIT,
    };
    let facts = loader.own(files, "", metadata::facts)?;
    let inside = loader.inside(files, "", 0)?;
    let is_missing = |name: &String| !inside.contains(name);
    Ok(facts.dependencies.into_iter().filter(is_missing).collect())
}

/// Whether Helm leaves a file out of a package: what is hidden in `charts/`, but for the provenance of an archive.
pub(super) fn leaves_out(name: &str) -> bool {
    let Some(inside) = name.strip_prefix(CHARTS) else {
        return false;
    };
    match inside.split_once('/') {
        _ if inside.ends_with(".prov") => false,
        _ if is_hidden(inside) => true,
        Some((_, rest)) => leaves_out(rest),
        None => false,
    }
}

fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

/// Reads charts in charts.
struct Loader {
    /// How many bytes may still be unpacked: Helm packs the charts inside unpacked, and has one limit for the whole.
    remaining: u64,
}

impl Loader {
    /// The names of the charts in `charts/` of a chart whose files are `files`; `at` stands before their names in messages.
    fn inside(
        &mut self,
        files: &Files,
        at: &str,
        depth: usize,
    ) -> Result<Vec<String>, FileRefusal> {
        let mut charts: BTreeMap<&str, Files> = BTreeMap::new();
        let mut names = Vec::new();
        for (file, content) in files {
            let Some(name) = file.strip_prefix(CHARTS) else {
                continue;
            };
            if is_hidden(name) || name.ends_with(".prov") {
                continue;
            }
            let (chart, inner) = name.split_once('/').unwrap_or((name, ""));
            let refuse = |what: String| FileRefusal::Helm(format!("{at}{CHARTS}{chart}"), what);
            if depth >= DEPTH_LIMIT {
                return Err(refuse("is a chart too deep in other charts".into()));
            }
            if !chart.ends_with(".tgz") {
                if inner.is_empty() {
                    return Err(refuse("is no chart; only charts may be in charts/".into()));
                }
                charts
                    .entry(chart)
                    .or_default()
                    .insert(inner.to_owned(), content.clone());
            } else if inner.is_empty() {
                let unpacked = unpack::unpack(content, &mut self.remaining).map_err(refuse)?;
                names.push(self.chart(&unpacked, &format!("{at}{CHARTS}{chart}/"), depth)?);
            } else {
                return Err(refuse("is a folder with the name of an archive".into()));
            }
        }
        for (chart, files) in charts {
            names.push(self.chart(&files, &format!("{at}{CHARTS}{chart}/"), depth)?);
        }
        Ok(names)
    }

    /// The name of a chart inside.
    fn chart(&mut self, files: &Files, at: &str, depth: usize) -> Result<String, FileRefusal> {
        let facts = self.own(files, at, metadata::inside)?;
        self.inside(files, at, depth + 1)?;
        Ok(facts.name)
    }

    /// Checks the files of one chart that Helm reads.
    fn own(
        &mut self,
        files: &Files,
        at: &str,
        read: fn(&Value) -> Result<ChartFacts, Rejection>,
    ) -> Result<ChartFacts, FileRefusal> {
        let refuse = |file: &str, what: String| FileRefusal::Helm(format!("{at}{file}"), what);
        let parsed =
            |file: &str, content: &[u8]| yaml::first(content).map_err(|what| refuse(file, what));
        let content = files
            .get(CHART_FILE)
            .ok_or_else(|| refuse(CHART_FILE, "is missing: this is no chart".into()))?;
        let mut facts = read(&parsed(CHART_FILE, content)?)
            .map_err(|rejection| refuse(CHART_FILE, rejection.what))?;
        if let Some(content) = files.get(REQUIREMENTS_FILE) {
            let more = metadata::facts(&parsed(REQUIREMENTS_FILE, content)?)
                .map_err(|rejection| refuse(REQUIREMENTS_FILE, rejection.what))?;
            facts.dependencies.extend(more.dependencies);
        }
        for file in LOCK_FILES {
            if let Some(content) = files.get(file) {
                metadata::lock(&parsed(file, content)?)
                    .map_err(|rejection| refuse(file, rejection.what))?;
            }
        }
        if let Some(content) = files.get(VALUES_FILE) {
            let documents = yaml::documents(content).map_err(|what| refuse(VALUES_FILE, what))?;
            if documents
                .iter()
                .any(|root| !root.is_object() && !root.is_null())
            {
                return Err(refuse(VALUES_FILE, "is no mapping of values".into()));
            }
        }
        if let Some(content) = files.get(SCHEMA_FILE) {
            serde_json::from_slice::<IgnoredAny>(content)
                .map_err(|error| refuse(SCHEMA_FILE, format!("is not JSON: {error}")))?;
        }
        Ok(facts)
    }
}
