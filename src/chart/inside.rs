//! The charts inside a chart, as far as they tell where an image is: folders and archives in `charts/`.

use std::{collections::BTreeMap, io::Read};

use flate2::read::GzDecoder;

use super::{
    files::{self, Files},
    request::{CHART_FILE, VALUES_FILE, YAML_LIMIT},
    yaml::{self, Node},
};

/// The folder they are in.
const CHARTS: &str = "charts/";
/// How much of an archive is unpacked, in bytes: what is left out only makes a place harder to find.
const ARCHIVE_LIMIT: u64 = 20 << 20;

/// The charts inside a chart.
#[derive(Debug, Default)]
pub(super) struct InsideCharts {
    /// What the archives hold, as if they were folders.
    pub unpacked: Files,
    /// The folders in `charts/`, and the keys below which the chart outside gives them values.
    pub keys: Vec<(String, String)>,
    /// Their own values, by those keys.
    pub values: Vec<(String, Node)>,
}

impl InsideCharts {
    /// Reads the charts inside, `chart` being the `Chart.yaml` outside.
    pub(super) fn read(files: &Files, chart: &str) -> Self {
        let mut inside = Self::default();
        for (file, content) in files {
            let name = file.strip_prefix(CHARTS).unwrap_or_default();
            if name.ends_with(".tgz") && !name.contains('/') {
                inside.unpacked.extend(unpack(content));
            }
        }
        let outside = yaml::parse(chart).ok().and_then(|document| document.root);
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if let Some(yaml::Kind::Sequence(items)) = outside
            .as_ref()
            .and_then(|root| root.get("dependencies"))
            .map(|node| &node.kind)
        {
            for item in items {
                let text = |key: &str| item.get(key).and_then(Node::text).map(str::to_owned);
                if let Some(name) = text("name") {
                    let key = text("alias").unwrap_or_else(|| name.clone());
                    aliases.entry(name).or_default().push(key);
                }
            }
        }
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (file, content) in files.iter().chain(&inside.unpacked) {
            let Some((folder, CHART_FILE)) = split(file) else {
                continue;
            };
            let Some(chart) = parse(content) else {
                continue;
            };
            let name = chart.get("name").and_then(Node::text).unwrap_or(folder);
            let own = aliases.get(name).cloned();
            for key in own.unwrap_or_else(|| vec![name.to_owned()]) {
                let file = format!("{CHARTS}{folder}/{VALUES_FILE}");
                let content = files.get(&file).or_else(|| inside.unpacked.get(&file));
                if let Some(root) = content.and_then(|content| parse(content)) {
                    values.push((key.clone(), root));
                }
                keys.push((folder.to_owned(), key));
            }
        }
        Self {
            unpacked: inside.unpacked,
            keys,
            values,
        }
    }
}

/// The folder of a chart inside, and the path in it.
fn split(file: &str) -> Option<(&str, &str)> {
    file.strip_prefix(CHARTS)?.split_once('/')
}

fn parse(content: &[u8]) -> Option<Node> {
    let text = std::str::from_utf8(content).ok()?;
    let readable = (text.len() <= YAML_LIMIT).then_some(text)?;
    yaml::parse(readable).ok()?.root
}

/// The files of an archive that tell something, below `charts/`.
fn unpack(archive: &[u8]) -> Files {
    let mut found = Files::new();
    let mut archive = tar::Archive::new(GzDecoder::new(archive).take(ARCHIVE_LIMIT));
    let Ok(entries) = archive.entries() else {
        return found;
    };
    for mut entry in entries.map_while(Result::ok).take(files::COUNT_LIMIT) {
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some((_, inside)) = path.split_once('/') else {
            continue;
        };
        let tells = inside.starts_with("templates/") || [CHART_FILE, VALUES_FILE].contains(&inside);
        let mut content = Vec::new();
        if tells && entry.header().entry_type().is_file() && entry.read_to_end(&mut content).is_ok()
        {
            found.insert(format!("{CHARTS}{path}"), content);
        }
    }
    found
}
