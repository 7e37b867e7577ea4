//! Files of a layer, taken out of its archive one after the other.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use crate::{container::embedded::tree::PackedFile, interrupt};

/// Writes each of `files` into the file that `path` names. `archive` is their layer's before compression, and read once.
pub(super) fn write(
    mut archive: impl Read,
    files: &[&PackedFile],
    path: impl Fn(&PackedFile) -> PathBuf,
) -> io::Result<()> {
    let mut files = files.to_vec();
    files.sort_by_key(|file| file.offset);
    files.dedup_by_key(|file| file.offset);
    let mut at = 0;
    for file in files {
        if interrupt::pending().is_some() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let between = file.offset.saturating_sub(at);
        exactly(&mut archive, between, &mut io::sink())?;
        exactly(&mut archive, file.size, &mut File::create(path(file))?)?;
        at = file.offset + file.size;
    }
    Ok(())
}

fn exactly(from: &mut impl Read, count: u64, into: &mut impl io::Write) -> io::Result<()> {
    match io::copy(&mut from.take(count), into)? == count {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
