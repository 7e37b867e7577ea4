//! Recognises the archives that `ADD` unpacks.

use std::{
    fs::File,
    io::{self, Read, Seek},
};

/// What the compressions begin with whose insides are not looked at here: bzip2, xz, zstd.
const COMPRESSED: [&[u8]; 3] = [b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];

/// Whether Docker would unpack `file`: a tar archive, as it is or compressed.
pub(super) fn is_archive(mut file: File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref().take(6).read_to_end(&mut start)?;
    file.rewind()?;
    if COMPRESSED.iter().any(|magic| start.starts_with(magic)) {
        return Ok(true);
    }
    match start.starts_with(&[0x1f, 0x8b]) {
        true => Ok(begins_as_tar(flate2::read::GzDecoder::new(file))),
        false => Ok(begins_as_tar(file)),
    }
}

/// Whether the first header's checksum is right. Raw entries: no long name is read into memory.
fn begins_as_tar(reader: impl Read) -> bool {
    let mut archive = tar::Archive::new(reader);
    let first = archive.entries().map(|entries| entries.raw(true).next());
    matches!(first, Ok(Some(Ok(_))))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn tar() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(1);
        builder.append_data(&mut header, "a", &b"a"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn archives_are_told_by_content() {
        for archive in [tar(), gzip(&tar()), b"BZh91AY".into(), b"\xfd7zXZ\0".into()] {
            assert!(is_archive(file(&archive)).unwrap());
        }
        for plain in [
            vec![],
            b"text".to_vec(),
            vec![b'x'; 2048],
            gzip(b"text"),
            b"\x1f\x8b".into(),
            vec![0; 1024],
        ] {
            assert!(!is_archive(file(&plain)).unwrap());
        }
    }
}
