//! The charts that a chart depends on: Helm does not install one without them, and packaging fetches nothing.

use super::{
    files::Files,
    metadata::{self, Metadata},
    request::{CHART_FILE, YAML_LIMIT},
    yaml::{self, Node},
};

/// Where charts of `apiVersion: v1` name their dependencies.
const REQUIREMENTS_FILE: &str = "requirements.yaml";

/// The names of the charts that are depended on and do not lie in `charts/`, neither as a folder nor as `NAME-….tgz`.
pub(super) fn missing(files: &Files, metadata: &Metadata<'_>) -> Vec<String> {
    let mut wanted = metadata.dependencies();
    if metadata.api_version == "v1" {
        let requirements = files
            .get(REQUIREMENTS_FILE)
            .and_then(|content| read(content));
        wanted.extend(requirements.iter().flat_map(metadata::dependencies));
    }
    let mut folders = Vec::new();
    let mut archives = Vec::new();
    for (file, content) in files {
        match file
            .strip_prefix("charts/")
            .map(|file| file.split_once('/'))
        {
            Some(Some((_, CHART_FILE))) => folders.extend(read(content)),
            Some(None) if file.ends_with(".tgz") => archives.push(&file["charts/".len()..]),
            _ => {}
        }
    }
    let is_named = |chart: &Node, name: &str| chart.get("name").and_then(Node::text) == Some(name);
    wanted.retain(|name| {
        let archive = format!("{name}-");
        !folders.iter().any(|chart| is_named(chart, name))
            && !archives.iter().any(|file| file.starts_with(&archive))
    });
    wanted
}

/// A file's YAML; one that cannot be read names nothing.
fn read(content: &[u8]) -> Option<Node> {
    let text = std::str::from_utf8(content).ok()?;
    let readable = (text.len() <= YAML_LIMIT).then_some(text)?;
    yaml::parse(readable).ok()?.root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_of(chart: &str, files: &[(&str, &str)]) -> Vec<String> {
        let files = files
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()))
            .collect();
        missing(&files, &Metadata::read(chart).unwrap())
    }

    #[test]
    fn a_dependency_is_a_folder_by_its_chart_s_name_or_an_archive_by_its_own() {
        let chart =
            "apiVersion: v2\nname: a\ndependencies: [{name: x}, {name: y}, {name: z}, {name: w}]\n";
        let files = [
            ("charts/other/Chart.yaml", "name: x\n"),
            ("charts/y-1.2.3.tgz", ""),
            ("charts/z/values.yaml", "name: z\n"),
            ("charts/deep/charts/w/Chart.yaml", "name: w\n"),
        ];
        assert_eq!(missing_of(chart, &files), ["z", "w"]);
    }

    #[test]
    fn requirements_count_for_v1_only() {
        let requirements = [("requirements.yaml", "dependencies: [{name: x}]\n")];
        assert_eq!(
            missing_of("apiVersion: v1\nname: a\n", &requirements),
            ["x"]
        );
        assert!(missing_of("apiVersion: v2\nname: a\n", &requirements).is_empty());
    }
}
