//! The archives in `charts/`, read as Helm reads them (`LoadArchiveFiles` in Helm 4's `pkg/chart/loader/archive`).

use std::io::Read;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::super::files::{COUNT_LIMIT, FILE_LIMIT, Files, without_mark};

/// The files of an archive, without the folder around them. `remaining` is how many bytes may still be unpacked.
///
/// # Errors
/// What Helm says of an archive that it does not take, in our words.
pub(super) fn unpack(archive: &[u8], remaining: &mut u64) -> Result<Files, String> {
    let damaged = |error: std::io::Error| format!("is no archive that Helm unpacks: {error}");
    let mut archive = tar::Archive::new(MultiGzDecoder::new(archive));
    let mut files = Files::new();
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        let is_folder = kind == EntryType::Directory || entry.path_bytes().ends_with(b"/");
        if is_folder || kind == EntryType::XGlobalHeader {
            continue;
        }
        let raw = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| "holds a name that is not UTF-8".to_owned())?;
        let name = inside(&raw).map_err(|what| format!("holds `{raw}`: {what}"))?;
        let limit = FILE_LIMIT.min(*remaining);
        let mut content = Vec::new();
        entry
            .take(limit + 1)
            .read_to_end(&mut content)
            .map_err(damaged)?;
        if content.len() as u64 > limit || count >= COUNT_LIMIT {
            return Err("unpacks to more than Helm's limits: 5 MiB a file, 100 MiB in all".into());
        }
        *remaining -= content.len() as u64;
        files.insert(name, without_mark(content));
    }
    if files.is_empty() {
        return Err("is an archive without files".into());
    }
    Ok(files)
}

/// The path in the chart of an entry, whose first part is the folder of the chart.
fn inside(entry: &str) -> Result<String, &'static str> {
    let delimiter = if entry.contains('\\') { '\\' } else { '/' };
    let (folder, path) = entry.split_once(delimiter).unwrap_or((entry, ""));
    if folder == "Chart.yaml" {
        return Err("Chart.yaml must be in a folder of the archive");
    }
    let path = path.replace(delimiter, "/");
    if path.starts_with('/') {
        return Err("a path from the root");
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Err("a path that leads out of the chart"),
            ".." => {}
            part => parts.push(part),
        }
    }
    match parts.first() {
        None => Err("a file that is in no folder"),
        Some(first) if first.starts_with("..") => Err("a path that leads out of the chart"),
        Some(first) if parts.len() > 1 && first.len() == 2 && first.ends_with(':') => {
            Err("a drive on Windows")
        }
        Some(_) => Ok(parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_stay_inside() {
        for (entry, path) in [
            ("web/Chart.yaml", "Chart.yaml"),
            ("web/./templates//a.yaml", "templates/a.yaml"),
            ("web/a/../b", "b"),
            ("web\\templates\\a.yaml", "templates/a.yaml"),
        ] {
            assert_eq!(inside(entry).as_deref(), Ok(path));
        }
        for entry in [
            "web",
            "web/",
            "Chart.yaml",
            "web//etc/x",
            "web/../x",
            "web/..x",
            "web/c:/x",
            "web/a/../../x",
        ] {
            assert!(inside(entry).is_err(), "{entry}");
        }
    }
}
