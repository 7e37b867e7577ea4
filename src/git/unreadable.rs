//! What to do about a repository that cannot be read: that depends on why.

use std::{io, path::Path};

use crate::model::error::Error;

/// `error`, which is of the repository or worktree at `folder`, because of `err`; with a hint that fits: only what is damaged is
/// something for git-fsck(1).
pub(crate) fn explain(error: Error, folder: &Path, err: gix::Error) -> Error {
    let folder = folder.display();
    let said = err.to_string();
    let io = err.downcast_any_ref::<io::Error>().map(io::Error::kind);
    let hint = if said.contains("safe.directory") || said.contains("ownership") {
        format!("if you trust its owner: git config --global --add safe.directory {folder}")
    } else if err.is_permission_denied() || io == Some(io::ErrorKind::PermissionDenied) {
        format!("see who may read it: ls -la {folder}")
    } else if said.contains("config") {
        format!("git says what is wrong with it: git -C {folder} config --list")
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
