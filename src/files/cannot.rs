//! What the system says of a file, as an error with a hint.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use rustix::io::Errno;

use crate::model::error::Error;

/// The error for a file or folder that cannot be used: `verb` says for what ("write", "read", "remove", "write into").
///
/// It is unavailable (exit 3). What helps is hinted at where the cause itself says what is wrong: no room, no permission, a
/// read-only file system, too many open files.
pub(crate) fn cannot(verb: &str, path: &Path, err: io::Error) -> Error {
    let shown = path.display();
    let message = match err.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("cannot {verb} `{shown}`: no space is left")
        }
        _ => format!("cannot {verb} `{shown}`"),
    };
    let hint = hint(path, &err);
    // Which file was being written then is chance: who meets the same full disk says the same.
    let cause = match err.kind() {
        ErrorKind::StorageFull => Errno::NOSPC.into(),
        ErrorKind::QuotaExceeded => Errno::DQUOT.into(),
        _ => err,
    };
    let error = Error::unavailable(message).because(cause);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(path: &Path, err: &io::Error) -> Option<String> {
    // A path that no shell can take is not part of a command.
    let quoted = |path: &Path| Some(shlex::try_quote(path.to_str()?).ok()?.into_owned());
    let existing = || path.ancestors().find(|above| above.exists());
    match err.kind() {
        ErrorKind::StorageFull => Some(format!(
            "see how full the disk is: df -h {}",
            quoted(existing()?)?
        )),
        ErrorKind::QuotaExceeded => Some("see what your account may use: quota -s".to_owned()),
        ErrorKind::ReadOnlyFilesystem => Some(format!(
            "the file system is mounted read-only; see where: df {}",
            quoted(existing()?)?
        )),
        ErrorKind::PermissionDenied => Some(format!(
            "see the permissions: ls -ld {}",
            quoted(existing()?)?
        )),
        _ => match Errno::from_io_error(err)? {
            Errno::MFILE => Some("allow more open files: ulimit -n 4096".to_owned()),
            Errno::NFILE => Some("too many files are open on this machine".to_owned()),
            Errno::LOOP => Some(format!(
                "a symbolic link is in its place, and flota does not follow it: rm {}",
                quoted(path)?
            )),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_hint() {
        let of = |errno: Errno| cannot("write", Path::new("/nowhere/at all"), errno.into());
        for (errno, hint) in [
            (Errno::NOSPC, "see how full the disk is: df -h /"),
            (Errno::DQUOT, "see what your account may use: quota -s"),
            (
                Errno::ROFS,
                "the file system is mounted read-only; see where: df /",
            ),
            (Errno::ACCESS, "see the permissions: ls -ld /"),
            (Errno::PERM, "see the permissions: ls -ld /"),
            (Errno::MFILE, "allow more open files: ulimit -n 4096"),
            (Errno::NFILE, "too many files are open on this machine"),
            (
                Errno::LOOP,
                "a symbolic link is in its place, and flota does not follow it: rm '/nowhere/at all'",
            ),
        ] {
            assert_eq!(of(errno).hints(), [hint], "{errno}");
        }
        assert!(of(Errno::NOTDIR).hints().is_empty());
        assert_eq!(
            of(Errno::NOSPC).to_string(),
            "cannot write `/nowhere/at all`: no space is left"
        );
        assert_eq!(
            of(Errno::NOTDIR).to_string(),
            "cannot write `/nowhere/at all`"
        );
    }

    #[test]
    fn a_path_in_a_hint_is_quoted_for_the_shell() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("it's $(here)");
        std::fs::create_dir(&odd).unwrap();
        let error = cannot("write", &odd.join("file"), Errno::NOSPC.into());
        let quoted = shlex::try_quote(odd.to_str().unwrap())
            .unwrap()
            .into_owned();
        assert_eq!(
            error.hints(),
            [format!("see how full the disk is: df -h {quoted}")]
        );
    }
}
