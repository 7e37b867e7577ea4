//! The files of a chart, as Helm would load them from its directory.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use walkdir::{DirEntry, WalkDir};

use super::{ignore, yaml::YamlFault};

/// Helm's limit for one file (`MaxDecompressedFileSize`).
const FILE_LIMIT: u64 = 5 << 20;
/// Helm's limit for all files of a chart (`MaxDecompressedChartSize`).
const CHART_LIMIT: u64 = 100 << 20;
/// More files and folders than any chart has.
pub(super) const COUNT_LIMIT: usize = 10_000;

/// Contents by path below the chart, written with `/`.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Why a file cannot be part of a chart.
#[derive(Debug)]
pub(super) enum FileRefusal {
    /// The file, and what is wrong with it.
    File(String, &'static str),
    /// A place in `.helmignore`.
    Ignore(YamlFault),
    /// The disk: the path, and what the system said.
    Io(String, io::Error),
}

/// Reads every file that `.helmignore` leaves in.
///
/// # Errors
/// Symlinks and whatever else is not a regular file, names that an archive cannot carry safely, more than Helm's limits.
pub(super) fn read(folder: &Path) -> Result<Files, FileRefusal> {
    let rules = ignore::HelmIgnore::parse(&ignore_text(folder)?).map_err(FileRefusal::Ignore)?;
    let mut files = Files::new();
    let mut count = 0;
    let mut remaining = CHART_LIMIT;
    let mut walk = WalkDir::new(folder)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        let entry =
            entry.map_err(|error| FileRefusal::Io(folder.display().to_string(), error.into()))?;
        let name = name(folder, &entry)?;
        count += 1;
        if count > COUNT_LIMIT {
            return Err(FileRefusal::File(
                name,
                "is one file too many: a chart has 10000 at most",
            ));
        }
        let is_folder = entry.file_type().is_dir();
        if rules.ignores(&name, is_folder) {
            if is_folder {
                walk.skip_current_dir();
            }
        } else if !is_folder {
            let content = read_file(entry.path(), &name)?;
            remaining = remaining.checked_sub(content.len() as u64).ok_or_else(|| {
                FileRefusal::File(
                    name.clone(),
                    "makes the chart larger than Helm's limit of 100 MiB",
                )
            })?;
            files.insert(name, content);
        }
    }
    Ok(files)
}

fn ignore_text(folder: &Path) -> Result<String, FileRefusal> {
    let path = folder.join(ignore::FILE);
    if fs::symlink_metadata(&path).is_err() {
        return Ok(String::new());
    }
    let content = read_file(&path, ignore::FILE)?;
    String::from_utf8(content).map_err(|_| FileRefusal::File(ignore::FILE.into(), "is not UTF-8"))
}

fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, FileRefusal> {
    let refuse = |what| FileRefusal::File(name.into(), what);
    let io = |error| FileRefusal::Io(name.into(), error);
    let metadata = fs::symlink_metadata(path).map_err(io)?;
    if metadata.is_symlink() {
        return Err(refuse("is a symlink; a chart holds regular files only"));
    }
    if !metadata.is_file() {
        return Err(refuse("is not a regular file"));
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(io)?;
    if content.len() as u64 > FILE_LIMIT {
        return Err(refuse("is larger than Helm's limit of 5 MiB for a file"));
    }
    Ok(content)
}

/// The path below the chart, if every reader of archives takes it for that path and no other.
fn name(folder: &Path, entry: &DirEntry) -> Result<String, FileRefusal> {
    let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
    let lossy = path.to_string_lossy();
    let refuse = |what| Err(FileRefusal::File(lossy.clone().into_owned(), what));
    let mut parts = Vec::new();
    for part in path {
        match part.to_str() {
            None => return refuse("has a name that is not UTF-8"),
            // Helm takes a name that begins so for a way out of the chart.
            Some(part) if part.starts_with("..") => {
                return refuse("has a name that begins with `..`");
            }
            Some(part) if part.contains(|c: char| c == '\\' || c.is_control()) => {
                return refuse("has a name with a backslash or a control character");
            }
            Some(part) => parts.push(part),
        }
    }
    if parts
        .first()
        .is_some_and(|part| part.len() == 2 && part.ends_with(':'))
    {
        return refuse("has a name that is a drive on Windows");
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn refused(folder: &Path) -> (String, String) {
        match read(folder).unwrap_err() {
            FileRefusal::File(name, what) => (name, what.into()),
            other => (String::new(), format!("{other:?}")),
        }
    }

    #[test]
    fn ignored_files_and_folders_are_left_out() {
        let folder = chart(&[
            (".helmignore", "*.bak\nprivate/\n"),
            ("Chart.yaml", ""),
            ("a.bak", ""),
            ("private/x", ""),
            ("charts/sub/Chart.yaml", ""),
            ("templates/.swp", ""),
            ("templates/a.yaml", "x"),
        ]);
        let files = read(folder.path()).unwrap();
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                ".helmignore",
                "Chart.yaml",
                "charts/sub/Chart.yaml",
                "templates/a.yaml"
            ]
        );
        assert_eq!(files["templates/a.yaml"], b"x");
    }

    #[cfg(unix)]
    #[test]
    fn symlinks_are_refused_unless_ignored() {
        for name in [
            "Chart.lock",
            "values.yaml",
            ".helmignore",
            "templates/a.yaml",
            "charts/sub",
        ] {
            let folder = chart(&[("Chart.yaml", ""), ("templates/b", ""), ("charts/c", "")]);
            std::os::unix::fs::symlink("/etc/hostname", folder.path().join(name)).unwrap();
            let (file, what) = refused(folder.path());
            assert_eq!(file, name);
            assert!(what.contains("is a symlink"), "{what}");
        }
        let folder = chart(&[("Chart.yaml", ""), (".helmignore", "link")]);
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        assert_eq!(read(folder.path()).unwrap().len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_an_archive_cannot_carry_are_refused() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        for (name, what) in [
            (&b"..x"[..], "begins with `..`"),
            (b"a\\b", "backslash"),
            (b"a\nb", "control"),
            (b"a\xff", "not UTF-8"),
            (b"C:", "drive"),
        ] {
            // A Mac's file system takes text alone.
            if cfg!(target_os = "macos") && what == "not UTF-8" {
                continue;
            }
            let folder = chart(&[("Chart.yaml", "")]);
            fs::write(folder.path().join(OsStr::from_bytes(name)), "").unwrap();
            let (_, said) = refused(folder.path());
            assert!(said.contains(what), "{said}");
        }
    }

    #[test]
    fn sizes_and_counts_are_limited() {
        let folder = chart(&[("Chart.yaml", "")]);
        File::create(folder.path().join("big"))
            .unwrap()
            .set_len(FILE_LIMIT + 1)
            .unwrap();
        assert_eq!(refused(folder.path()).0, "big");
        File::create(folder.path().join("big"))
            .unwrap()
            .set_len(FILE_LIMIT)
            .unwrap();
        assert_eq!(read(folder.path()).unwrap()["big"].len() as u64, FILE_LIMIT);
        for index in 0..20 {
            let file = File::create(folder.path().join(format!("big{index:02}"))).unwrap();
            file.set_len(FILE_LIMIT).unwrap();
        }
        assert_eq!(refused(folder.path()).0, "big19");
        let folder = chart(&[]);
        for index in 0..=COUNT_LIMIT {
            File::create(folder.path().join(format!("{index:05}"))).unwrap();
        }
        assert!(refused(folder.path()).1.contains("too many"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused() {
        let folder = chart(&[("Chart.yaml", "")]);
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
        assert_eq!(
            refused(folder.path()),
            ("s".into(), "is not a regular file".into())
        );
    }
}
