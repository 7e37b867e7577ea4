//! What the headers of a layer's archive say: its files without their bytes. It is read once and kept by the layer's digest.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType, Header, PaxExtensions};

use super::percent;
use crate::{
    container::embedded::tree::Owner,
    interrupt,
    model::digest::{hex, oci_digest},
};

/// Raised when a kept listing of before would say something else.
const VERSION: u32 = 1;

/// A layer that unpacks to more than this many bytes is refused.
const UNPACKED: u64 = 32 << 30;

/// A layer with more entries than this is refused.
const ENTRIES: usize = 1_000_000;

/// What a name or an entry's further fields may have, in bytes.
const FIELDS: u64 = 1 << 20;

/// How the name of a deleted file begins (image specification, "Whiteouts").
const WHITEOUT: &[u8] = b".wh.";

/// The name that hides everything which lower layers have in its folder.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What else the first layered file system kept for itself.
const RESERVED: &[u8] = b".wh..wh.";

/// The files of one layer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listing {
    version: u32,
    /// The digest of the archive before compression.
    pub(super) diff_id: String,
    /// In the archive's order.
    pub(super) entries: Vec<ListedEntry>,
}

/// One entry of the archive.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListedEntry {
    /// Below the image's root, clean.
    #[serde(with = "percent")]
    pub(super) path: PathBuf,
    /// What it is.
    pub(super) kind: ListedKind,
    /// Permission bits, at most `0o7777`.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether it has extended attributes, such as capabilities.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) attributes: bool,
}

impl ListedEntry {
    /// Who it belongs to.
    pub(super) fn owner(&self) -> Owner {
        Owner {
            uid: self.uid,
            gid: self.gid,
        }
    }
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ListedKind {
    Directory,
    /// Its bytes begin at `offset` of the archive.
    File {
        offset: u64,
        size: u64,
    },
    Symlink(#[serde(with = "percent")] PathBuf),
    /// Another name of a file that is there.
    Link(#[serde(with = "percent")] PathBuf),
    /// A device or a pipe.
    Special,
    /// The path is deleted from lower layers.
    Whiteout,
    /// What lower layers have in this folder is deleted.
    Opaque,
}

impl Listing {
    /// Reads the archive `source` to its end.
    ///
    /// # Errors
    /// It is damaged, too large, or has something that is not understood here; the text says what.
    pub(super) fn read(source: impl Read) -> io::Result<Self> {
        let source = Hashing {
            source,
            hash: Sha256::new(),
            left: UNPACKED,
        };
        let mut archive = Archive::new(source);
        let mut entries = Vec::new();
        let mut fields = FurtherFields::default();
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            if interrupt::pending().is_some() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let header = entry.header().clone();
            match header.entry_type() {
                EntryType::GNULongName => fields.path = Some(text(&mut entry)?),
                EntryType::GNULongLink => fields.target = Some(text(&mut entry)?),
                EntryType::XHeader => fields.extend(&bounded(&mut entry)?)?,
                EntryType::XGlobalHeader => FurtherFields::of_all(&bounded(&mut entry)?)?,
                _ => {
                    let offset = entry.raw_file_position();
                    entries.extend(listed(&header, offset, std::mem::take(&mut fields))?);
                }
            }
            if entries.len() > ENTRIES {
                return Err(refused(format!("it has more than {ENTRIES} files")));
            }
        }
        let mut source = archive.into_inner();
        io::copy(&mut source, &mut io::sink())?;
        Ok(Self {
            version: VERSION,
            diff_id: format!("sha256:{}", hex(&source.hash.finalize())),
            entries,
        })
    }

    /// The text of a file to be kept: a digest of what follows, on a line of its own.
    pub(super) fn to_text(&self) -> serde_json::Result<Vec<u8>> {
        let text = serde_json::to_vec(self)?;
        Ok([oci_digest(&text).as_bytes(), b"\n", &text].concat())
    }

    /// A listing that was kept as `text`; None for one of another version, for a damaged one, and for what is none.
    pub(super) fn kept(text: &[u8]) -> Option<Self> {
        let end = text.iter().position(|&byte| byte == b'\n')?;
        let (digest, text) = (&text[..end], &text[end + 1..]);
        if digest != oci_digest(text).as_bytes() {
            return None;
        }
        let kept: Self = serde_json::from_slice(text).ok()?;
        Some(kept).filter(|kept| kept.version == VERSION)
    }
}

/// What stands before an entry and is about it: names that are too long for its header, and the fields of POSIX' `pax` format.
#[derive(Default)]
struct FurtherFields {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    attributes: bool,
}

impl FurtherFields {
    fn extend(&mut self, bytes: &[u8]) -> io::Result<()> {
        for field in PaxExtensions::new(bytes) {
            let field = field?;
            let value = field.value_bytes();
            match field.key_bytes() {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.target = Some(value.to_vec()),
                b"size" => self.size = Some(number(value)?),
                b"uid" => self.uid = Some(number(value)?),
                b"gid" => self.gid = Some(number(value)?),
                key if key.starts_with(b"SCHILY.xattr.")
                    || key.starts_with(b"LIBARCHIVE.xattr.") =>
                {
                    self.attributes = true;
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(sparse()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Fields for all entries that follow: comments and times only.
    fn of_all(bytes: &[u8]) -> io::Result<()> {
        for field in PaxExtensions::new(bytes) {
            let field = field?;
            if [&b"path"[..], b"linkpath", b"size", b"uid", b"gid"].contains(&field.key_bytes()) {
                let key = String::from_utf8_lossy(field.key_bytes()).into_owned();
                return Err(refused(format!("it gives all files one `{key}`")));
            }
        }
        Ok(())
    }
}

fn listed(header: &Header, offset: u64, further: FurtherFields) -> io::Result<Option<ListedEntry>> {
    let written = further
        .path
        .unwrap_or_else(|| header.path_bytes().into_owned());
    let path = clean(&written)?;
    let size = header.entry_size()?;
    if further.size.is_some_and(|further| further != size) {
        let shown = path.display();
        return Err(refused(format!("/{shown} has more than 8 GiB")));
    }
    let target = further
        .target
        .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
    let target = || {
        let target = target.clone().unwrap_or_default();
        PathBuf::from(OsString::from_vec(target))
    };
    let kind = match header.entry_type() {
        EntryType::Directory => ListedKind::Directory,
        // As the oldest archives write it.
        EntryType::Regular if written.ends_with(b"/") => ListedKind::Directory,
        EntryType::Regular | EntryType::Continuous => ListedKind::File { offset, size },
        EntryType::Symlink => ListedKind::Symlink(target()),
        EntryType::Link => ListedKind::Link(clean(target().as_os_str().as_bytes())?),
        EntryType::Char | EntryType::Block | EntryType::Fifo => ListedKind::Special,
        EntryType::GNUSparse => return Err(sparse()),
        other => {
            let kind = other.as_byte();
            let shown = path.display();
            return Err(refused(format!(
                "/{shown} is an entry of the unknown kind {kind}"
            )));
        }
    };
    let Some((path, kind)) = whiteout(path, kind)? else {
        return Ok(None);
    };
    let id = |id: u64| u32::try_from(id).map_err(|_| refused(format!("{id} is no user or group")));
    Ok(Some(ListedEntry {
        path,
        kind,
        mode: header.mode()? & 0o7777,
        uid: id(further.uid.map_or_else(|| header.uid(), Ok)?)?,
        gid: id(further.gid.map_or_else(|| header.gid(), Ok)?)?,
        attributes: further.attributes,
    }))
}

/// An entry that says what is deleted is that; nothing for the root itself, and for what only the first layered file system read.
fn whiteout(path: PathBuf, kind: ListedKind) -> io::Result<Option<(PathBuf, ListedKind)>> {
    let Some(name) = path.file_name() else {
        return Ok(None);
    };
    let name = name.as_bytes();
    let Some(deleted) = name.strip_prefix(WHITEOUT) else {
        return Ok(Some((path, kind)));
    };
    if name == OPAQUE {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        return Ok(Some((folder, ListedKind::Opaque)));
    }
    if name.starts_with(RESERVED) {
        return Ok(None);
    }
    match deleted {
        b"" | b"." | b".." => Err(refused(format!("/{} deletes nothing", path.display()))),
        deleted => {
            let deleted = OsStr::from_bytes(deleted);
            Ok(Some((path.with_file_name(deleted), ListedKind::Whiteout)))
        }
    }
}

/// A path of the archive without `.` and slashes at its ends.
fn clean(path: &[u8]) -> io::Result<PathBuf> {
    let path = OsStr::from_bytes(path);
    let mut clean = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                let shown = Path::new(path).display();
                return Err(refused(format!("`{shown}` leads out of the image")));
            }
            _ => {}
        }
    }
    Ok(clean)
}

fn bounded(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(FIELDS + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > FIELDS {
        true => Err(refused("a name or an attribute is too long".to_owned())),
        false => Ok(bytes),
    }
}

/// A name, which ends with a zero byte.
fn text(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = bounded(entry)?;
    let end = bytes.iter().position(|&byte| byte == 0);
    bytes.truncate(end.unwrap_or(bytes.len()));
    Ok(bytes)
}

fn number(value: &[u8]) -> io::Result<u64> {
    let number = str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| refused("a size, user or group is not a number".to_owned()))
}

fn sparse() -> io::Error {
    refused("it has sparse files".to_owned())
}

fn refused(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Hashes what is read, and stops where it is too much.
struct Hashing<R> {
    source: R,
    hash: Sha256,
    left: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left =
            left.ok_or_else(|| refused(format!("it unpacks to more than {UNPACKED} bytes")))?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
