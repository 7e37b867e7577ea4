//! The archive: the same files give the same bytes on every machine.

use std::io;

use flate2::{Compression, GzBuilder};

use super::{
    files::Files,
    request::{CHART_FILE, VALUES_FILE},
};

/// The operating system a gzip header names when it names none (RFC 1952).
const UNKNOWN_SYSTEM: u8 = 255;

/// The time of every file, in seconds since the Unix epoch. It says nothing: a commit's date would give the same content another
/// digest after a cherry-pick.
const TIME: u64 = 0;

/// Packs the files as `NAME/…`: `Chart.yaml`, `values.yaml`, then the others by name. Regular files with mode 0644,
/// owner 0 and one fixed time. Who changes the bytes raises `CHART_EPOCH` in `model/identity.rs`.
///
/// # Errors
/// A name that no archive can carry.
pub(super) fn write(name: &str, files: &Files) -> io::Result<Vec<u8>> {
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
        header.set_mtime(TIME);
        archive.append_data(&mut header, format!("{name}/{file}"), content.as_slice())?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::model::digest;

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
        let bytes = write("color", &files).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let mut names = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert_eq!(header.mode().unwrap(), 0o644);
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 0);
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
        let bytes = write("color", &files(&["Chart.yaml", "values.yaml", "z"])).unwrap();
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        assert_eq!(
            digest::oci_digest(&bytes),
            "sha256:8c19d2b2a802ffd6f8e493bb28ababce8defb00c722125efafbce857de5901f3"
        );
    }
}
