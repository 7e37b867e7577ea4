//! Disks without room: the one fault that befalls all that is written at the time, whoever writes it.

use std::{
    error::Error as _,
    io::{self, ErrorKind},
};

use crate::model::error::Error;

/// What the system says where a disk, or what a user may have of it, is full; and what git says without the system's words. In lower
/// case, as programs in Go have them.
const WORDS: [&str; 5] = [
    "no space left on device",
    "file too large",
    "disk quota exceeded",
    "out of diskspace",
    "failed to write new configuration file",
];

/// The error for `said`, if it says that there is no room; `what` is what there was no room for.
pub(crate) fn no_room(what: &str, said: &str) -> Option<Error> {
    let words = said.to_lowercase();
    let is_it = WORDS.iter().any(|word| words.contains(word));
    is_it.then(|| {
        Error::unavailable(format!("no space is left for {what}"))
            .because(io::Error::new(ErrorKind::StorageFull, said.to_owned()))
            .hint("see how much space is left: df -h .")
    })
}

/// Whether it is because of a full disk.
pub(crate) fn is_full(error: &Error) -> bool {
    let mut below = error.source();
    while let Some(cause) = below {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        if let Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) =
            kind
        {
            return true;
        }
        below = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{files, model::exit::Exit};

    #[test]
    fn only_a_full_disk_is_full() {
        for (said, want) in [
            ("fatal: write error: No space left on device", true),
            ("write /var/lib/docker/x: no space left on device", true),
            ("error: unable to write file: Disk quota exceeded", true),
            ("fatal: cannot pwrite: File too large", true),
            ("fatal: sha1 file 'x' write error. Out of diskspace", true),
            (
                "error: failed to write new configuration file x/config.lock",
                true,
            ),
            ("fatal: unable to access 'https://x/'", false),
            ("", false),
        ] {
            let error = no_room("web", said);
            assert_eq!(error.is_some(), want, "{said}");
            if let Some(error) = error {
                assert_eq!(error.exit(), Exit::Unavailable, "{said}");
                assert!(is_full(&error), "{said}");
            }
        }
        for (kind, want) in [
            (ErrorKind::StorageFull, true),
            (ErrorKind::QuotaExceeded, true),
            (ErrorKind::FileTooLarge, true),
            (ErrorKind::PermissionDenied, false),
        ] {
            let error = files::cannot("write", "x".as_ref(), kind.into());
            assert_eq!(is_full(&error), want, "{kind}");
        }
        assert!(!is_full(&Error::unavailable("no git")));
    }
}
