//! `git` itself, for what gix lacks: making repositories, committing, pushing, linking submodules.

use std::{ffi::OsString, path::Path};

use super::{lock, version};
use crate::{
    model::error::{Error, Result},
    process::Command,
};

/// Runs nothing of a repository's own choosing, and takes no file name that another system would hold for `.git`.
const SAFE: [&str; 4] = [
    "core.fsmonitor=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "safe.bareRepository=explicit",
];

/// `git` at work in `dir`, with hooks and other programs of the repository switched off.
pub fn git(dir: &Path) -> Command {
    git_of_user(dir).args(["-c", "core.hooksPath=/dev/null"])
}

/// The same with the user's hooks, for what a user asks to be committed or pushed in a repository of their own.
pub fn git_of_user(dir: &Path) -> Command {
    let config = SAFE.iter().flat_map(|setting| ["-c", setting]);
    as_user(dir).args(config)
}

/// `git` at work in `dir` as its user runs it: with the hooks, the editor and the signing key of the repository, which must be
/// the user's own.
pub fn as_user(dir: &Path) -> Command {
    Command::new("git")
        .only_after(version::check)
        .current_dir(dir)
        // What flota has git create is to be read by flota, whatever `init.defaultRefFormat` says.
        .env("GIT_DEFAULT_REF_FORMAT", "files")
}

/// Runs `command`; `doing` is what it is for, as it stands after "cannot".
///
/// # Errors
/// Work: it fails. Repository: it stops at a lock.
pub fn run(command: Command, doing: impl Into<String>) -> Result<()> {
    let doing = doing.into();
    let output = command.run()?;
    if !output.success()
        && let Some(lock) = lock::named_in(&String::from_utf8_lossy(&output.text))
    {
        return Err(lock::taken(lock));
    }
    output.check(|| Error::work(format!("cannot {doing}")))?;
    Ok(())
}

/// A path as an argument that can be no option.
pub fn argument(path: &Path) -> OsString {
    if path.is_absolute() {
        path.into()
    } else {
        Path::new(".").join(path).into()
    }
}
