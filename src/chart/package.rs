//! The archive: the same files give the same bytes on every machine.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use super::{CHART_FILE, VALUES_FILE, files::Files};

/// The operating system a gzip header names when it names none (RFC 1952).
const UNKNOWN_SYSTEM: u8 = 255;

/// Packs the files as `NAME/…`: `Chart.yaml`, `values.yaml`, then the others by name. Regular files with mode 0644,
/// owner 0, and `created` (seconds since the epoch) as their time.
///
/// # Errors
/// A name that no archive can carry.
pub fn archive(name: &str, files: &Files, created: i64) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN_SYSTEM)
        .write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(gzip);
    let first = [CHART_FILE, VALUES_FILE];
    let leading = first.iter().filter_map(|name| files.get_key_value(*name));
    let others = files
        .iter()
        .filter(|(name, _)| !first.contains(&name.as_str()));
    for (file, content) in leading.chain(others) {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(content.len() as u64);
        // A date before the epoch has no form in a tar header.
        header.set_mtime(u64::try_from(created).unwrap_or(0));
        archive.append_data(&mut header, format!("{name}/{file}"), content.as_slice())?;
    }
    archive.into_inner()?.finish()
}

/// `sha256:…` of the bytes.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Writes a file that appears whole or not at all, replacing one of that name.
///
/// # Errors
/// What the system says.
pub fn write(folder: &Path, file_name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    // Readable as any file that is made here; the umask applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".chart-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let path = folder.join(file_name);
    file.persist(&path)?;
    // The new name is on disk only with its folder.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn files(names: &[&str]) -> Files {
        names
            .iter()
            .map(|name| ((*name).to_owned(), name.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn entries_are_in_order_and_without_traces_of_the_machine() {
        let long = format!("templates/{}.yaml", "long-".repeat(30));
        let files = files(&[
            "values.yaml",
            "a.txt",
            "Chart.yaml",
            "templates/a.yaml",
            ".helmignore",
            &long,
        ]);
        let bytes = archive("color", &files, 1_700_000_000).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let mut names = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert_eq!(header.mode().unwrap(), 0o644);
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 1_700_000_000);
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            assert_eq!(format!("color/{content}"), name);
            names.push(content);
        }
        assert_eq!(
            names,
            [
                "Chart.yaml",
                "values.yaml",
                ".helmignore",
                "a.txt",
                "templates/a.yaml",
                &long
            ]
        );
    }

    #[test]
    fn bytes_are_the_same_everywhere() {
        let bytes = archive("color", &files(&["Chart.yaml", "values.yaml", "z"]), 0).unwrap();
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        assert_eq!(
            digest(&bytes),
            "sha256:8c19d2b2a802ffd6f8e493bb28ababce8defb00c722125efafbce857de5901f3"
        );
        assert_eq!(
            archive("color", &files(&["Chart.yaml", "values.yaml", "z"]), -1).unwrap(),
            bytes
        );
    }

    #[test]
    fn a_file_appears_under_its_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/out");
        write(&out, "a-1.0.0+x.tgz", b"old").unwrap();
        let path = write(&out, "a-1.0.0+x.tgz", b"new").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    }
}
