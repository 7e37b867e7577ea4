//! Files of flota's own (locks, caches), opened without following a symbolic link that lies in their place: it could lead to a file
//! that somebody else chose, and a lock is written to.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;

/// How such a file is opened; what it is opened for is to be added.
fn without_links() -> OpenOptions {
    let mut options = File::options();
    options.custom_flags(OFlags::NOFOLLOW.bits() as i32);
    options
}

/// A file for reading and writing, such as a lock's; it is made if it is missing, and keeps what is in it.
///
/// # Errors
/// What the system says: `ELOOP` where a symbolic link is in its place.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = without_links();
    let options = options.create(true).truncate(false);
    options.read(true).write(true).open(path)
}

/// A file that is there, for reading.
///
/// # Errors
/// As [`open_or_create`].
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    without_links().read(true).open(path)
}

/// All of such a file.
///
/// # Errors
/// As [`open_or_create`].
pub(crate) fn read_own(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_own(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_link_is_not_followed_and_what_it_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("theirs"), "theirs").unwrap();
        symlink(at("theirs"), at("link")).unwrap();
        symlink(at("new"), at("dangling")).unwrap();
        for link in ["link", "dangling"] {
            assert!(open_or_create(&at(link)).is_err(), "{link}");
            assert!(read_own(&at(link)).is_err(), "{link}");
        }
        assert_eq!(fs::read(at("theirs")).unwrap(), b"theirs");
        assert!(!at("new").exists());
        open_or_create(&at("lock")).unwrap();
        assert_eq!(read_own(&at("lock")).unwrap(), b"");
        assert_eq!(read_own(&at("theirs")).unwrap(), b"theirs");
    }
}
