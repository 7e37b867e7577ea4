//! Where a service keeps its chart.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::model::{
    error::{Error, Result},
    settings::ChangeSettings,
};

const CHART_FILE: &str = "Chart.yaml";
/// The folder whose own `Chart.yaml` makes it a chart; otherwise charts are its subfolders.
const CONFIG: &str = "config";
/// The folder whose subfolders are charts.
const CHARTS: &str = "charts";

/// The folder of a service's chart: `config/`, or `config/NAME/`, or `charts/NAME/`, whichever has a `Chart.yaml`.
/// Of several the one named like the service is taken; `config/` itself counts as named so.
///
/// # Errors
/// No chart, or several and not exactly one named like the service; a symlink on the way; a folder that cannot be read.
pub fn find(source: &Path, service: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    let config = source.join(CONFIG);
    if is_chart(&config, service)? {
        // The folders below are then parts of that chart.
        found.push(config.clone());
    } else {
        found.extend(charts_in(&config, service)?);
    }
    found.extend(charts_in(&source.join(CHARTS), service)?);

    // A service's own name is the last part of its path.
    let own_name = service.rsplit('/').next().unwrap_or(service);
    let named = |folder: &&PathBuf| **folder == config || folder.ends_with(own_name);
    let listed = || -> Vec<_> {
        found
            .iter()
            .map(|folder| relative(source, folder))
            .collect()
    };
    match (&found[..], &found.iter().filter(named).collect::<Vec<_>>()[..]) {
        ([only], _) => Ok(only.clone()),
        (_, [named]) => Ok((*named).clone()),
        ([], _) => Err(Error::work(format!(
            "{service}: no chart: looked for config/{CHART_FILE}, config/*/{CHART_FILE} and charts/*/{CHART_FILE}"
        ))
        .hint(format!("a chart made by `helm create {own_name}` in charts/ is found"))),
        _ => Err(Error::work(format!(
            "{service}: several charts, and none of them has the name of the service: {}",
            listed().join(", ")
        ))
        .hint(format!("rename the one to package to charts/{own_name}"))),
    }
}

/// The folders of a service that belong to its configuration.
pub(super) fn roots(source: &Path) -> [PathBuf; 2] {
    [CONFIG, CHARTS].map(|folder| source.join(folder))
}

/// The files of a service that hold the values of these environments: a deployment takes them, and no chart.
pub(super) fn values_of(source: &Path, environments: &[String]) -> Vec<PathBuf> {
    let config = source.join(CONFIG);
    let files = environments.iter();
    files
        .map(|environment| config.join(ChangeSettings::values_file(environment)))
        .collect()
}

/// A folder as messages name it.
pub(super) fn relative(source: &Path, folder: &Path) -> String {
    let relative = folder.strip_prefix(source).unwrap_or(folder);
    relative.display().to_string()
}

fn charts_in(folder: &Path, service: &str) -> Result<Vec<PathBuf>> {
    if !is_folder(folder, service)? {
        return Ok(Vec::new());
    }
    let mut charts = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, service, error))? {
        let path = entry
            .map_err(|error| unreadable(folder, service, error))?
            .path();
        if is_chart(&path, service)? {
            charts.push(path);
        }
    }
    charts.sort();
    Ok(charts)
}

/// Whether this is a folder with a `Chart.yaml`, of whatever kind: reading the chart refuses one that is no file.
fn is_chart(folder: &Path, service: &str) -> Result<bool> {
    Ok(is_folder(folder, service)? && fs::symlink_metadata(folder.join(CHART_FILE)).is_ok())
}

/// Symlinks are refused here, where a link would lead out of the service before anything else is looked at.
fn is_folder(path: &Path, service: &str) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(Error::work(format!(
            "{service}: {} is a symlink; a chart must be a directory of its own",
            path.display()
        ))
        .hint("replace the link with the directory; links in a chart, to files of the service's config/ or charts/, are packed as what they name")),
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(path, service, error)),
    }
}

fn unreadable(path: &Path, service: &str, error: io::Error) -> Error {
    Error::unavailable(format!("{service}: cannot read {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(charts: &[&str]) -> tempfile::TempDir {
        let source = tempfile::tempdir().unwrap();
        for chart in charts {
            fs::create_dir_all(source.path().join(chart)).unwrap();
            fs::write(source.path().join(chart).join(CHART_FILE), "").unwrap();
        }
        source
    }

    fn found(charts: &[&str]) -> Result<String, String> {
        let source = with(charts);
        find(source.path(), "team/color")
            .map(|folder| relative(source.path(), &folder))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_chart_is_found_in_each_of_its_places() {
        assert_eq!(found(&["config"]).unwrap(), "config");
        assert_eq!(found(&["config/x"]).unwrap(), "config/x");
        assert_eq!(found(&["charts/x"]).unwrap(), "charts/x");
        assert_eq!(
            found(&["config", "config/x", "config/charts/y"]).unwrap(),
            "config"
        );
    }

    #[test]
    fn of_several_the_one_named_like_the_service_is_taken() {
        assert_eq!(
            found(&["charts/a", "charts/color", "config/b"]).unwrap(),
            "charts/color"
        );
        assert_eq!(found(&["charts/a", "config"]).unwrap(), "config");
        assert_eq!(
            found(&["charts/b", "charts/a"]).unwrap_err(),
            "team/color: several charts, and none of them has the name of the service: charts/a, charts/b"
        );
        assert!(
            found(&["charts/color", "config/color"])
                .unwrap_err()
                .contains("several")
        );
    }

    #[test]
    fn none_is_an_error_that_says_where_it_was_looked_for() {
        let error = found(&["charts/a/b", "other"]).unwrap_err();
        assert!(
            error.contains("config/Chart.yaml, config/*/Chart.yaml and charts/*/Chart.yaml"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_on_the_way_is_refused() {
        let outside = with(&["secret"]);
        for link in ["config", "charts/color"] {
            let source = with(&["charts/other"]);
            std::os::unix::fs::symlink(outside.path().join("secret"), source.path().join(link))
                .unwrap();
            let error = find(source.path(), "color").unwrap_err().to_string();
            assert!(error.contains("is a symlink"), "{error}");
        }
    }
}
