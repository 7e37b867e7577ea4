//! Packs that arrive: written, indexed, every object's hash checked.

use std::{
    io::BufRead,
    path::{Path, PathBuf},
};

use crate::{
    interrupt,
    model::error::{Error, Result},
};

/// The largest object taken in, in bytes: more is no source code.
pub(super) const OBJECT_LIMIT: usize = 256 << 20;

/// A pack's two files, where they were written.
pub(super) struct Received {
    pub data: PathBuf,
    pub index: PathBuf,
    pub objects: u64,
}

/// Writes a pack and its index into `folder`; none when the pack is empty.
///
/// # Errors
/// Work: the pack is damaged, or refers to objects that it does not hold.
pub(super) fn receive(
    pack: &mut dyn BufRead,
    folder: &Path,
    hash: gix::hash::Kind,
) -> Result<Option<Received>> {
    let written = gix_pack::Bundle::write_to_directory(
        pack,
        Some(folder),
        &mut gix::progress::Discard,
        interrupt::flag(),
        None::<gix::odb::Handle>,
        hash,
        gix_pack::bundle::write::Options {
            thread_limit: Some(1),
            alloc_limit_bytes: Some(OBJECT_LIMIT),
            ..Default::default()
        },
    )
    .map_err(|err| Error::work("the pack it sent is damaged").because(err))?;
    let files = written.data_path.zip(written.index_path);
    Ok(files.map(|(data, index)| Received {
        data,
        index,
        objects: written.index.num_objects.into(),
    }))
}
