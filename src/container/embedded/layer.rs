//! A layer as a compressed archive whose bytes depend on nothing but its entries and one date.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::{
    change::Layer,
    tree::{Kind, PackedFile, TreeEntry},
};
use crate::model::digest;

/// gzip's "unknown operating system" (RFC 1952, section 2.3.1): the header must not tell where it was made.
const UNKNOWN_SYSTEM: u8 = 255;

/// Writes `layer` into `blob` and returns the digest of the archive before compression (`sha256:…`). Every entry gets the time
/// `created`, in seconds since the Unix epoch; `open` gives the bytes of a file
/// that the Dockerfile does not hold.
pub(super) fn write(
    layer: &Layer,
    created: i64,
    open: impl Fn(&Kind) -> io::Result<File>,
    blob: impl Write,
) -> io::Result<String> {
    let gzip = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let compressed = gzip.write(blob, Compression::default());
    let mut archive = Builder::new(Hashing {
        compressed,
        hash: Sha256::new(),
    });
    let time = u64::try_from(created).unwrap_or(0);
    for (path, entry) in layer {
        append(&mut archive, path, entry, time, &open).map_err(|cause| {
            io::Error::new(cause.kind(), format!("{}: {cause}", path.display()))
        })?;
    }
    let Hashing { compressed, hash } = archive.into_inner()?;
    compressed.finish()?.flush()?;
    Ok(format!("sha256:{}", digest::hex(&hash.finalize())))
}

fn append(
    archive: &mut Builder<impl Write>,
    path: &Path,
    entry: &TreeEntry,
    time: u64,
    open: impl Fn(&Kind) -> io::Result<File>,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(entry.owner.uid.into());
    header.set_gid(entry.owner.gid.into());
    header.set_mtime(time);
    header.set_size(0);
    match &entry.kind {
        Kind::Directory => {
            header.set_entry_type(EntryType::Directory);
            archive.append_data(&mut header, path.join(""), io::empty())
        }
        Kind::Symlink(target) => {
            header.set_entry_type(EntryType::Symlink);
            archive.append_link(&mut header, path, target)
        }
        Kind::Inline(text) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, path, text.as_bytes())
        }
        Kind::File(_, size) | Kind::Packed(PackedFile { size, .. }) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
            let exactly = Exactly {
                file: open(&entry.kind)?,
                left: *size,
            };
            archive.append_data(&mut header, path, exactly)
        }
        Kind::Special => Err(io::Error::other(
            "neither a file nor a directory nor a symlink",
        )),
    }
}

/// A file that must still have the size its header says: else what follows it in the archive would be misread.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        let ended_early = read == 0 && self.left > 0 && !buffer.is_empty();
        match left {
            Some(left) if !ended_early => self.left = left,
            _ => return Err(io::Error::other("it changed while it was read")),
        }
        Ok(read)
    }
}

/// Hashes what goes into the compression.
struct Hashing<W: Write> {
    compressed: GzEncoder<W>,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.compressed.write(buffer)?;
        self.hash.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.compressed.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::container::embedded::tree::Owner;

    fn layer() -> Layer {
        let owner = Owner {
            uid: 4_000_000,
            gid: 7,
        };
        let long = "d/".repeat(80) + "file";
        let entries: [(PathBuf, Kind, u32); 4] = [
            ("a".into(), Kind::Directory, 0o755),
            (
                "a/link".into(),
                Kind::Symlink("../x".repeat(50).into()),
                0o777,
            ),
            ("a/text".into(), Kind::Inline("text\n".into()), 0o4755),
            (long.into(), Kind::Inline("".into()), 0o644),
        ];
        entries
            .into_iter()
            .map(|(path, kind, mode)| (path, TreeEntry { kind, mode, owner }))
            .collect()
    }

    fn written(layer: &Layer) -> (Vec<u8>, String) {
        let mut blob = Vec::new();
        let nothing = |_: &Kind| Err(io::ErrorKind::NotFound.into());
        let digest = write(layer, 1_700_000_000, nothing, &mut blob).unwrap();
        (blob, digest)
    }

    /// Pinned: the same bytes on every machine, with every version of the libraries, or images change their digests.
    #[test]
    fn bytes_are_what_they_always_were() {
        let (blob, digest) = written(&layer());
        assert_eq!(&blob[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        let blob = digest::sha256_hex(&blob);
        assert_eq!(
            (blob.as_str(), digest.as_str()),
            (
                "c8b9fb37c9fbbcfac6f332b6ef3db18e6e8796f219ce722b6ee1fe545708270d",
                "sha256:8d5f679ce0396c1b1e86eadf949eb6a1c142261d7216dde90e9773d1172027f2"
            )
        );
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let (blob, _) = written(&layer());
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*blob));
        let layer = layer();
        let mut count = 0;
        for (entry, (path, expected)) in archive.entries().unwrap().zip(&layer) {
            let entry = entry.unwrap();
            assert_eq!(entry.path().unwrap(), *path);
            assert_eq!(entry.header().mode().unwrap(), expected.mode);
            assert_eq!(entry.header().uid().unwrap(), 4_000_000);
            assert_eq!(entry.header().mtime().unwrap(), 1_700_000_000);
            if let Kind::Symlink(target) = &expected.kind {
                assert_eq!(entry.link_name().unwrap().unwrap(), *target);
            }
            count += 1;
        }
        assert_eq!(count, layer.len());
    }

    #[test]
    fn a_file_that_changes_is_an_error() {
        for size in [3, 5] {
            let kind = Kind::File("f".into(), size);
            let entry = TreeEntry {
                kind,
                mode: 0o644,
                owner: Owner::default(),
            };
            let open = |_: &Kind| {
                let mut file = tempfile::tempfile()?;
                file.write_all(b"four")?;
                io::Seek::rewind(&mut file)?;
                Ok(file)
            };
            let layer = Layer::from([("f".into(), entry)]);
            let error = write(&layer, 0, open, Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), "f: it changed while it was read");
        }
    }
}
