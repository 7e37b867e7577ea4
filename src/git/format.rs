//! The format of a repository: what `core.repositoryFormatVersion` and `extensions.*` ask of everybody who reads it
//! (git-config(1); Documentation/technical/repository-version of git). Whoever does not know an extension must not go on: of
//! refs that are kept in another way, nothing would be seen, and HEAD would look like that of an empty repository.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bstr::{BString, ByteSlice};
use gix::config::{File, Source, file::Metadata};

use crate::model::error::{Error, Result};

/// The newest version of the format that there is.
const NEWEST: i64 = 1;

/// What flota makes of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// It has a meaning in version 0 too, from before extensions needed version 1.
    Old,
    /// It needs version 1.
    New,
    /// It needs version 1, and these values alone are known.
    Of(&'static [&'static str]),
    /// Nobody here knows it.
    Unknown,
}

/// The extensions by name, in small letters.
fn extension(name: &str) -> Extension {
    match name {
        "noop" | "preciousobjects" | "partialclone" | "worktreeconfig" => Extension::Old,
        "noop-v1" | "relativeworktrees" => Extension::New,
        "objectformat" => Extension::Of(&["sha1", "sha256"]),
        "refstorage" => Extension::Of(&["files"]),
        _ => Extension::Unknown,
    }
}

/// Refuses the repository with the git directory `git_dir` if its format is not known here; `folder` is where people know it.
///
/// # Errors
/// Repository: so it is, with the extension's name; or its configuration is damaged. Unavailable: that cannot be read.
pub fn check(git_dir: &Path, folder: &Path) -> Result<()> {
    let path = common_dir(git_dir).join("config");
    let text = match fs::read(&path) {
        Ok(text) => text,
        // As for git, it is a repository of version 0.
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(err) => {
            let error = Error::unavailable(format!("cannot read `{}`", path.display()));
            return Err(error.because(err));
        }
    };
    let config =
        File::from_bytes_no_includes(&text, Metadata::from(Source::Local), Default::default())
            .map_err(|err| {
                Error::repository(format!("cannot read `{}`", path.display())).because(err)
            })?;
    allow(&config, folder)
}

/// Where a linked worktree's configuration is, too (gitrepository-layout(5), `commondir`).
fn common_dir(git_dir: &Path) -> PathBuf {
    match fs::read(git_dir.join("commondir")) {
        Ok(way) => git_dir.join(way.trim_ascii().to_path_lossy()),
        Err(_) => git_dir.to_owned(),
    }
}

fn allow(config: &File, folder: &Path) -> Result<()> {
    let folder = folder.display();
    let version = config.integer("core.repositoryFormatVersion");
    let version = version.map_err(|err| {
        Error::repository(format!(
            "core.repositoryFormatVersion of `{folder}` is not a number"
        ))
        .because(err)
    })?;
    let version = version.unwrap_or_default();
    if !(0..=NEWEST).contains(&version) {
        return Err(Error::repository(format!(
            "the format of the repository `{folder}` is version {version}, which flota does not know"
        )));
    }
    for (name, value) in extensions(config) {
        let refuse = |what: &str| {
            Error::repository(format!(
                "the repository `{folder}` has `extensions.{name} = {value}`, {what}"
            ))
        };
        match (extension(&name.to_ascii_lowercase()), version) {
            (Extension::Old, _) | (Extension::New, 1) | (Extension::Unknown, 0) => {}
            (Extension::Of(known), 1) => {
                if known.iter().any(|known| value == *known) {
                    continue;
                }
                if !name.eq_ignore_ascii_case("refStorage") {
                    return Err(refuse("which flota does not know"));
                }
                return Err(refuse("and flota reads refs in files only").hint(format!(
                    "convert it, with git 2.46 or newer: git -C {folder} refs migrate --ref-format=files"
                )));
            }
            (Extension::New | Extension::Of(_), _) => {
                return Err(
                    refuse("which git knows in format version 1 alone").hint(format!(
                        "set the version: git -C {folder} config core.repositoryFormatVersion 1"
                    )),
                );
            }
            (Extension::Unknown, _) => return Err(refuse("which flota does not know")),
        }
    }
    Ok(())
}

/// Name and value of each, as they are written; an extension without a value is on.
fn extensions(config: &File) -> Vec<(String, BString)> {
    let mut all = Vec::new();
    for section in config.sections_by_name("extensions").into_iter().flatten() {
        for name in section.value_names() {
            let value = section.value(&name).unwrap_or_else(|| "true".into());
            all.push((name, value));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a repository with this configuration.
    fn told(config: &str) -> String {
        let git_dir = tempfile::tempdir().unwrap();
        fs::write(git_dir.path().join("config"), config).unwrap();
        match check(git_dir.path(), "web".as_ref()) {
            Ok(()) => "known".into(),
            Err(error) => error.to_string(),
        }
    }

    /// Every extension that git has a name for, in both versions of the format.
    #[test]
    fn an_extension_is_known_or_refused_by_name() {
        const KNOWN: &str = "known";
        const NEEDS_1: &str = "format version 1 alone";
        const UNKNOWN: &str = "which flota does not know";
        for (extension, in_0, in_1) in [
            ("noop = true", KNOWN, KNOWN),
            ("preciousObjects = true", KNOWN, KNOWN),
            ("partialClone = origin", KNOWN, KNOWN),
            ("worktreeConfig = true", KNOWN, KNOWN),
            ("worktreeConfig", KNOWN, KNOWN),
            ("noop-v1 = true", NEEDS_1, KNOWN),
            ("relativeWorktrees = true", NEEDS_1, KNOWN),
            ("objectFormat = sha1", NEEDS_1, KNOWN),
            ("OBJECTFORMAT = sha256", NEEDS_1, KNOWN),
            ("objectFormat = sha3", NEEDS_1, UNKNOWN),
            ("refStorage = files", NEEDS_1, KNOWN),
            ("refStorage = reftable", NEEDS_1, "refs in files only"),
            ("refstorage = reftable", NEEDS_1, "refs in files only"),
            ("compatObjectFormat = sha256", KNOWN, UNKNOWN),
            ("submodulePathConfig = true", KNOWN, UNKNOWN),
            ("ofTomorrow = true", KNOWN, UNKNOWN),
        ] {
            for (version, want) in [(0, in_0), (1, in_1)] {
                let told = told(&format!(
                    "[core]\n\trepositoryformatversion = {version}\n[extensions]\n\t{extension}\n"
                ));
                assert!(told.contains(want), "{extension}, {version}: {told}");
                let name = extension.split(' ').next().unwrap();
                assert!(want == KNOWN || told.contains(name), "{told}");
            }
        }
    }

    #[test]
    fn a_version_that_nobody_knows_is_refused() {
        for (config, want) in [
            ("", "known"),
            ("[core]\n\tbare = false\n", "known"),
            ("[core]\n\trepositoryformatversion = 2\n", "version 2"),
            ("[core]\n\trepositoryformatversion = -1\n", "version -1"),
            ("[core]\n\trepositoryformatversion = one\n", "not a number"),
            ("[core\n", "cannot read"),
            // In a submodule's section it says nothing of this repository.
            (
                "[submodule \"extensions\"]\n\trefStorage = reftable\n",
                "known",
            ),
        ] {
            assert!(told(config).contains(want), "{config}: {}", told(config));
        }
        let nowhere = tempfile::tempdir().unwrap();
        assert!(check(nowhere.path(), nowhere.path()).is_ok());
    }

    #[test]
    fn a_linked_worktree_has_the_format_of_its_repository() {
        let git_dir = tempfile::tempdir().unwrap();
        let worktree = git_dir.path().join("worktrees/one");
        fs::create_dir_all(&worktree).unwrap();
        fs::write(worktree.join("commondir"), "../..\n").unwrap();
        fs::write(
            git_dir.path().join("config"),
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n",
        )
        .unwrap();
        let error = check(&worktree, "web".as_ref()).unwrap_err();
        assert!(
            error.hints()[0].contains("git -C web refs migrate"),
            "{error}"
        );
    }
}
