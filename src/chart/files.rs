//! The files of a chart, as Helm would load them from its directory.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    ignore::{self, HelmIgnore},
    yaml::YamlFault,
};

/// Helm's limit for one file (`MaxDecompressedFileSize`).
pub(super) const FILE_LIMIT: u64 = 5 << 20;
/// Helm's limit for all files of a chart (`MaxDecompressedChartSize`).
pub(super) const CHART_LIMIT: u64 = 100 << 20;
/// More files and folders than any chart has.
pub(super) const COUNT_LIMIT: usize = 10_000;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Contents by path below the chart, written with `/`.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Why a file cannot be part of a chart.
#[derive(Debug)]
pub(super) enum FileRefusal {
    /// The file, and what is wrong with it.
    File(String, &'static str),
    /// A symlink that names nothing of the chart.
    Link(String),
    /// A file that Helm refuses, and why.
    Helm(String, String),
    /// A place in `.helmignore`.
    Ignore(YamlFault),
    /// The disk: the path, and what the system said.
    Io(String, io::Error),
}

/// Reads every file that `.helmignore` leaves in, but those in `left_out`, paths on this machine. As in Helm, a symlink stands for what it names, which must lie in one of
/// `roots`: nothing else is known to change with the chart.
///
/// # Errors
/// What is neither a regular file nor a folder, names that an archive cannot carry safely, more than Helm's limits.
pub(super) fn read(
    folder: &Path,
    roots: &[PathBuf],
    left_out: &[PathBuf],
) -> Result<Files, FileRefusal> {
    let canonical = |path: &PathBuf| fs::canonicalize(path).ok();
    let mut reader = ChartReader {
        roots: roots.iter().filter_map(canonical).collect(),
        left_out,
        left_out_files: left_out.iter().filter_map(canonical).collect(),
        rules: HelmIgnore::parse("").map_err(FileRefusal::Ignore)?,
        files: Files::new(),
        count: 0,
        remaining: CHART_LIMIT,
    };
    let text = reader.ignore_text(folder)?;
    reader.rules = HelmIgnore::parse(&text).map_err(FileRefusal::Ignore)?;
    let io = |error| FileRefusal::Io(folder.display().to_string(), error);
    let itself = fs::canonicalize(folder).map_err(io)?;
    reader.read_folder(folder, "", &mut vec![itself])?;
    Ok(reader.files)
}

/// Reads one chart.
struct ChartReader<'a> {
    /// What symlinks may lead into.
    roots: Vec<PathBuf>,
    /// What is no part of the chart.
    left_out: &'a [PathBuf],
    /// The same, without symlinks in the paths: no symlink of the chart may lead there.
    left_out_files: Vec<PathBuf>,
    rules: HelmIgnore,
    files: Files,
    count: usize,
    /// How many bytes the chart may still have.
    remaining: u64,
}

impl ChartReader<'_> {
    /// Reads what is in `folder`, which is called `name` in the chart (empty for the chart itself). `above` are this folder and
    /// those it was reached through, without symlinks in their paths.
    fn read_folder(
        &mut self,
        folder: &Path,
        name: &str,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), FileRefusal> {
        let io = |error| FileRefusal::Io(name.to_owned(), error);
        let entries = fs::read_dir(folder).map_err(io)?;
        let mut entries = entries.collect::<io::Result<Vec<_>>>().map_err(io)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry_name(name, &entry.file_name())?;
            self.count += 1;
            if self.count > COUNT_LIMIT {
                let what = "is one file too many: a chart has 10000 at most";
                return Err(FileRefusal::File(name, what));
            }
            let path = entry.path();
            // Without what a broken link names, only its own name can be ignored.
            let is_folder = path.is_dir();
            if self.rules.ignores(&name, is_folder) {
                continue;
            }
            if !is_folder && self.left_out.contains(&path) {
                continue;
            }
            let path = self.resolve(path, &name)?;
            if is_folder {
                let itself = fs::canonicalize(&path).map_err(io)?;
                if above.contains(&itself) {
                    let what = "is a symlink to a folder that it is in";
                    return Err(FileRefusal::File(name, what));
                }
                above.push(itself);
                self.read_folder(&path, &name, above)?;
                above.pop();
            } else {
                let content = read_file(&path, &name)?;
                let size = content.len() as u64;
                self.remaining = self.remaining.checked_sub(size).ok_or_else(|| {
                    let what = "makes the chart larger than Helm's limit of 100 MiB";
                    FileRefusal::File(name.clone(), what)
                })?;
                self.files.insert(name, content);
            }
        }
        Ok(())
    }

    fn ignore_text(&self, folder: &Path) -> Result<String, FileRefusal> {
        let path = folder.join(ignore::FILE);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(String::new());
        }
        let content = read_file(&self.resolve(path, ignore::FILE)?, ignore::FILE)?;
        String::from_utf8(content)
            .map_err(|_| FileRefusal::File(ignore::FILE.into(), "is not UTF-8"))
    }

    /// What a path names.
    fn resolve(&self, path: PathBuf, name: &str) -> Result<PathBuf, FileRefusal> {
        let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if !is_link {
            return Ok(path);
        }
        let target = fs::canonicalize(&path).ok();
        // A change of that file is no change of the chart to flota.
        if target
            .as_ref()
            .is_some_and(|target| self.left_out_files.contains(target))
        {
            let what =
                "is a symlink to the values of an environment, which are no part of the chart";
            return Err(FileRefusal::File(name.into(), what));
        }
        target
            .filter(|target| self.roots.iter().any(|root| target.starts_with(root)))
            .ok_or_else(|| FileRefusal::Link(name.into()))
    }
}

/// The content of a regular file, which is no symlink.
fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, FileRefusal> {
    let refuse = |what| FileRefusal::File(name.into(), what);
    let io = |error| FileRefusal::Io(name.into(), error);
    if !fs::symlink_metadata(path).map_err(io)?.is_file() {
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
    Ok(without_mark(content))
}

/// What Helm packs of a file: it drops a byte order mark.
pub(super) fn without_mark(mut content: Vec<u8>) -> Vec<u8> {
    if content.starts_with(BYTE_ORDER_MARK) {
        content.drain(..BYTE_ORDER_MARK.len());
    }
    content
}

/// The path below the chart of what is called `entry` in `folder`, if every reader of archives takes it for that path and no
/// other.
fn entry_name(folder: &str, entry: &OsStr) -> Result<String, FileRefusal> {
    let join = |entry: &str| match folder {
        "" => entry.to_owned(),
        folder => format!("{folder}/{entry}"),
    };
    let refuse = |what| Err(FileRefusal::File(join(&entry.to_string_lossy()), what));
    match entry.to_str() {
        None => refuse("has a name that is not UTF-8"),
        // Helm takes a name that begins so for a way out of the chart.
        Some(name) if name.starts_with("..") => refuse("has a name that begins with `..`"),
        Some(name) if name.contains(|c: char| c == '\\' || c.is_control()) => {
            refuse("has a name with a backslash or a control character")
        }
        Some(name) if folder.is_empty() && name.len() == 2 && name.ends_with(':') => {
            refuse("has a name that is a drive on Windows")
        }
        Some(name) => Ok(join(name)),
    }
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
        match read(folder, &[folder.to_owned()], &[]).unwrap_err() {
            FileRefusal::Link(name) => (name, "is a symlink".into()),
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
        let files = read(folder.path(), &[], &[]).unwrap();
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
        assert_eq!(read(folder.path(), &[], &[]).unwrap().len(), 2);
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
        assert_eq!(
            read(folder.path(), &[], &[]).unwrap()["big"].len() as u64,
            FILE_LIMIT
        );
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
