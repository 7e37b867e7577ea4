//! The bytes of files, wherever they lie: in the context, in the Dockerfile, in layers of base images.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    base::Bases,
    change::Layer,
    context::Context,
    tree::{Kind, PackedFile, TooManyLinks, Tree},
};
use crate::{
    container::layout::Layout,
    model::error::{Error, Result},
};

/// The most that is read of a file of names, in bytes.
const TEXT: u64 = 4 << 20;

/// Where the bytes of a build's files come from.
pub(super) struct Contents<'a> {
    context: &'a Context,
    bases: &'a Bases,
    /// Files that were taken out of layers.
    unpacked: TempDir,
}

impl<'a> Contents<'a> {
    /// Files of `context`, and of `bases`: those that lie packed are unpacked beside the blobs of `layout`, where the space is.
    pub(super) fn new(context: &'a Context, bases: &'a Bases, layout: &Layout) -> Result<Self> {
        Ok(Self {
            context,
            bases,
            unpacked: layout.temporary_folder()?,
        })
    }

    /// Takes the files of `layers` that lie in layers of base images out of these: each of them is read once.
    pub(super) fn unpack<'b>(&self, layers: impl Iterator<Item = &'b Layer>) -> Result<()> {
        let mut packed: BTreeMap<&str, Vec<&PackedFile>> = BTreeMap::new();
        for entry in layers.flat_map(BTreeMap::values) {
            if let Kind::Packed(file) = &entry.kind {
                packed.entry(&file.layer.digest).or_default().push(file);
            }
        }
        let mut packed = packed.values();
        packed.try_for_each(|files| self.bases.unpack(files, |file| self.place(file)))
    }

    /// Opens a file, which was taken out of its layer before, if it lies in one.
    pub(super) fn open(&self, kind: &Kind) -> io::Result<File> {
        match kind {
            Kind::File(path, _) => self.context.open(path),
            Kind::Packed(file) => File::open(self.place(file)),
            _ => Err(io::Error::other("it is not a file")),
        }
    }

    /// The text of the file at `path` in `tree`; nothing where it is not there.
    ///
    /// # Errors
    /// It cannot be read, or has more than 4 MiB.
    pub(super) fn text(&self, tree: &Tree, path: &str) -> Result<String> {
        let unreadable =
            |cause: io::Error| Error::work(format!("cannot read {path}")).because(cause);
        let relative = Path::new(path.trim_start_matches('/'));
        let found = tree
            .resolve(relative)
            .map_err(|TooManyLinks| Error::work(format!("{path} leads in a circle")))?;
        let Some(entry) = tree.get(&found) else {
            return Ok(String::new());
        };
        let mut text = Vec::new();
        match &entry.kind {
            Kind::Inline(text) => return Ok(text.to_string()),
            Kind::Packed(file) if file.size <= TEXT => {
                self.bases.unpack(&[file], |file| self.place(file))?;
                File::open(self.place(file)).and_then(|mut file| file.read_to_end(&mut text))
            }
            Kind::Packed(_) => Err(io::Error::other("it is too large")),
            kind => self
                .open(kind)
                .and_then(|file| file.take(TEXT).read_to_end(&mut text)),
        }
        .map_err(unreadable)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn place(&self, file: &PackedFile) -> PathBuf {
        let digest = file.layer.digest.replace(':', "-");
        self.unpacked
            .path()
            .join(format!("{digest}-{}", file.offset))
    }
}
