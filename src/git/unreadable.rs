//! What to do about a repository that cannot be read: that depends on why.

use std::{io, path::Path};

use crate::model::error::Error;

/// What is said of a lock that somebody else has.
const WAITS: [&str; 2] = [".lock'", "lock for resource"];

/// What is said of formats that are not known.
const UNKNOWN: [&str; 3] = ["nsupported", "not supported", "Cannot handle"];

/// `error`, which is of the repository or worktree at `folder`, because of `err`; with a hint that fits: only what is damaged is
/// something for git-fsck(1).
pub(crate) fn explain(error: Error, folder: &Path, err: gix::Error) -> Error {
    let folder = folder.display();
    let said = with_sources(&err);
    let io = err.downcast_any_ref::<io::Error>().map(io::Error::kind);
    let hint = if said.contains("safe.directory") || said.contains("ownership") {
        format!("if you trust its owner: git config --global --add safe.directory {folder}")
    } else if err.is_permission_denied() || io == Some(io::ErrorKind::PermissionDenied) {
        format!("see who may read it: ls -la {folder}")
    } else if said.contains("config") {
        format!("git says what is wrong with it: git -C {folder} config --list")
    } else if WAITS
        .iter()
        .chain(&UNKNOWN)
        .any(|words| said.contains(words))
    {
        // Somebody else is at work there, or git knows what this flota does not: nothing is damaged.
        return error.because(err);
    } else if matches!(
        io,
        None | Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
    ) {
        format!("see what is damaged: git -C {folder} fsck")
    } else {
        // A disk that fails, too many open files: the cause says it.
        return error.because(err);
    };
    error.because(err).hint(hint)
}

/// All that is said, from the outermost to what is behind everything.
fn with_sources(err: &gix::Error) -> String {
    let mut said = err.to_string();
    let mut below = std::error::Error::source(err);
    while let Some(source) = below {
        said += "\n";
        said += &source.to_string();
        below = source.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use io::ErrorKind as Kind;

    use super::*;

    #[test]
    fn only_damage_is_something_for_fsck() {
        let said = |said: &str| io::Error::other(said.to_owned());
        for (err, hint) in [
            (Kind::PermissionDenied.into(), Some("ls -la")),
            (Kind::NotFound.into(), None),
            (Kind::NotADirectory.into(), None),
            (Kind::WouldBlock.into(), None),
            (Kind::AlreadyExists.into(), None),
            (Kind::StorageFull.into(), None),
            (Kind::InvalidData.into(), Some("fsck")),
            (Kind::UnexpectedEof.into(), Some("fsck")),
            (said("the config is odd"), Some("config --list")),
            (said("see safe.directory"), Some("safe.directory")),
        ] {
            let told = format!("{err:?}");
            let error = explain(
                Error::repository("cannot read it"),
                Path::new("web"),
                gix::Error::from_error(err),
            );
            let hints = error.hints().join(" ");
            match hint {
                Some(hint) => assert!(hints.contains(hint), "{told}: {hints}"),
                None => assert_eq!(hints, "", "{told}"),
            }
        }
        // What is no fault of the file system.
        for (said, is_damage) in [
            ("A commit could not be decoded", true),
            (
                "Could not decode a line in shallow file as hex-encoded object hash",
                true,
            ),
            ("An object with id 1111 could not be found", true),
            ("The lock for resource 'index' could not be obtained", false),
            ("Could not acquire '/x/index.lock'", false),
            ("Unsupported repository format version 2", false),
            ("the reference storage `reftable` is not supported", false),
            ("Cannot handle objects formatted as \"sha3\"", false),
        ] {
            let error = explain(
                Error::repository("cannot read it"),
                Path::new("web"),
                gix::Error::from_error(Said(said)),
            );
            let hints = error.hints().join(" ");
            assert_eq!(hints.contains("fsck"), is_damage, "{said}: {hints}");
        }
    }

    #[derive(Debug)]
    struct Said(&'static str);

    impl std::fmt::Display for Said {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Said {}
}
