//! The oldest git that flota supports. What flota, its templates and its tests use came with these versions:
//!
//! | git | new in this version |
//! |---|---|
//! | 2.29 | `fetch --stdin`, `--no-write-fetch-head`, `--no-auto-maintenance`; `fetch.negotiationAlgorithm=noop` |
//! | 2.31 | `GIT_CONFIG_COUNT`: settings, and the URL, that are no arguments |
//! | 2.32 | `GIT_CONFIG_GLOBAL` (tests) |
//! | 2.38 | `safe.bareRepository`; an older one does not refuse a bare repository inside another repository |
//! | 2.39 | the oldest that the tests run with |
//!
//! Of newer versions it uses only what is optional: `transfer.bundleURI` (2.40; an older one follows no
//! server's list of bundles), `GIT_NO_LAZY_FETCH` (2.39.4 and 2.45; one between them may fetch more than it was told). Not to
//! be used: `git config set` (2.46), `git init --ref-format` (2.45); before 2.42 `git commit` does not see a staged
//! submodule that `diff.ignoreSubmodules` hides.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::{
    model::error::{Error, Result},
    process::Command,
};

/// The oldest that works, as major and minor number.
const OLDEST: (u32, u32) = (2, 39);

/// How long its answer may be, in bytes.
const ANSWER_LIMIT: usize = 1 << 12;

/// Whether the git on `PATH` is young enough: asked once, before the first is started. An older one would end with words about
/// an option that nobody gave it, or pass over a setting that protects.
///
/// # Errors
/// Unavailable: it is too old or not installed.
pub(super) fn check() -> Result<()> {
    static IS_FIT: Mutex<bool> = Mutex::new(false);
    let mut is_fit = IS_FIT.lock().unwrap_or_else(PoisonError::into_inner);
    if !*is_fit {
        let asked = Command::new("git")
            .arg("version")
            .current_dir(Path::new("/"))
            .stdout_as_data(ANSWER_LIMIT)
            .run()?;
        judge(&String::from_utf8_lossy(&asked.stdout))?;
        *is_fit = true;
    }
    Ok(())
}

/// A version that cannot be read is nobody's fault, and may be a young one.
fn judge(answer: &str) -> Result<()> {
    let version = answer.trim().trim_start_matches("git version ");
    let mut numbers = version.split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Ok(());
    };
    if (major, minor) >= OLDEST {
        return Ok(());
    }
    let (needed_major, needed_minor) = OLDEST;
    Err(Error::unavailable(format!(
        "git {version} is too old: flota needs git {needed_major}.{needed_minor} or newer"
    ))
    .hint("see which git this is: command -v git")
    .hint(
        "install a newer one (https://git-scm.com/downloads), or put its directory first on PATH",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (answer, is_fit) in [
            ("git version 1.8.3.1\n", false),
            ("git version 2.9.5\n", false),
            ("git version 2.38.5\n", false),
            ("git version 2.39.0\n", true),
            ("git version 2.39.5 (Apple Git-154)\n", true),
            ("git version 2.30.1 (Apple Git-130)\n", false),
            ("git version 2.50.1.windows.1\n", true),
            ("git version 2.55.GIT\n", true),
            ("git version 2.100.0-rc1\n", true),
            ("git version 3.0.0\n", true),
            // Of a build without its tags, and of nothing known.
            ("git version v2\n", true),
            ("something else\n", true),
            ("", true),
        ] {
            assert_eq!(judge(answer).is_ok(), is_fit, "{answer:?}");
        }
        let error = judge("git version 2.30.2\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "git 2.30.2 is too old: flota needs git 2.39 or newer"
        );
    }
}
