//! Paths and names from a repository, made safe to join to a directory of flota.

use std::path::{Component, Path, PathBuf};

use bstr::{BStr, ByteSlice};
use gix::validate::path as valid;
use unicode_normalization::UnicodeNormalization;

use crate::model::error::{Error, Result};

/// A repository's path as a relative one of this system: no `..`, nothing absolute (`Path::join` with an absolute path
/// would drop its base). A control character is a byte like others here: git allows it, and output escapes it.
///
/// `what` is what messages call it.
pub fn relative(what: &str, path: &BStr) -> Result<PathBuf> {
    let refuse = |why: &str| {
        Err(Error::repository(format!(
            "refused the {what} `{path}`: {why}"
        )))
    };
    if path.is_empty() {
        return refuse("it is empty");
    }
    let Ok(relative) = path.to_path() else {
        return refuse("it is not a valid path on this system");
    };
    if relative
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return refuse("it leads out of its directory");
    }
    Ok(relative.to_owned())
}

/// What no file name may be: on whatever system, one that passes for `.git` on some system; a device or a drive of Windows
/// only there, since elsewhere they are names like others (Linux has files called `aux.c`).
pub const OPTIONS: valid::component::Options = valid::component::Options {
    protect_windows: cfg!(windows),
    protect_hfs: true,
    protect_ntfs: true,
};

/// One name of a tree entry, fit to become a file: refuses what git's `verify_path` refuses with `core.protectHFS` and
/// `core.protectNTFS` on (`.git` in every spelling, `..`, separators; CVE-2014-9390, CVE-2019-1352 and their kin).
pub fn component(name: &BStr) -> Result<&Path> {
    check(name, false)?;
    name.to_path()
        .map_err(|_| Error::repository(format!("`{name}` is not a valid file name on this system")))
}

/// The same of a file, or of a symbolic link, which may not be called `.gitmodules` either.
pub fn check(name: &BStr, is_symlink: bool) -> Result<()> {
    let mode = is_symlink.then_some(valid::component::Mode::Symlink);
    let passes_for_git = |part: &[u8]| {
        let found = valid::component(part.as_bstr(), mode, OPTIONS);
        matches!(found, Err(valid::component::Error::DotGitDir))
    };
    let found = valid::component(name, mode, OPTIONS).map(drop);
    let found = found.and_then(|()| {
        // A separator on Windows, and git has it everywhere (CVE-2019-1354).
        match name.split_str("\\").any(passes_for_git) {
            true => Err(valid::component::Error::DotGitDir),
            false => Ok(()),
        }
    });
    found.map_err(|why| {
        Error::repository(format!("refused the file name `{name}` of a tree"))
            .because(why.to_string())
    })
}

/// A name as the least discerning file system sees it: in lower case, composed.
pub fn folded(name: &[u8]) -> String {
    let lower = name.to_str_lossy().to_lowercase();
    lower.nfkc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_folder() {
        assert_eq!(
            relative("path", "a/b c".into()).unwrap(),
            Path::new("a/b c")
        );
        assert_eq!(relative("path", "a\nb".into()).unwrap(), Path::new("a\nb"));
        for path in ["", "..", "a/../../b", "/etc/passwd", "./a"] {
            assert!(relative("path", path.into()).is_err(), "{path:?}");
        }
    }

    #[test]
    fn no_entry_can_pass_for_a_git_folder() {
        assert_eq!(
            component("Dockerfile".into()).unwrap(),
            Path::new("Dockerfile")
        );
        for name in ["aux.c", "a\\b", "a:b", "x.", "x "] {
            assert_eq!(component(name.into()).is_ok(), !cfg!(windows), "{name:?}");
        }
        for name in [
            ".git",
            ".GIT",
            ".g\u{200c}it",
            "git~1",
            "..",
            "a/b",
            ".git\\hooks",
            ".git::$INDEX_ALLOCATION",
            ".git ",
        ] {
            assert!(component(name.into()).is_err(), "{name:?}");
        }
    }
}
