//! Patches between two commits of one repository, as git writes them. Contents that are not here come from the server, where the
//! repository is one that git completes: a partial clone, or a store of flota's own.

use std::{ffi::OsString, path::PathBuf};

use bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::ObjectId;

use super::{
    command::{PATIENCE, ServerCommand},
    configuration::Configuration,
    store,
};
use crate::{
    git::{command::git, remote, repository::Repository, sharing, url},
    model::{
        diff::DiffNumbers,
        error::{Error, Result},
    },
};

/// The most that a patch of one service may take, in bytes.
const LIMIT: usize = 256 << 20;

/// Where the objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchSource {
    /// In the git directory of a submodule that is checked out.
    Own(PathBuf),
    /// In a repository on this machine that is not the fleet's: nothing is written there.
    Borrowed(PathBuf),
    /// In flota's own store of what the submodule with this name and this listed URL has.
    Fetched {
        /// Its git directory.
        git_dir: PathBuf,
        /// The name in the fleet's `.gitmodules`.
        name: Option<BString>,
        /// The URL there.
        url: Option<BString>,
    },
}

/// The patch that leads from the files of `from` to those of `to`, and its numbers; without a commit, from or to no files at all.
/// Its paths are below `prefix`.
///
/// # Errors
/// Repository: a file is neither here nor at the server. Work: it is larger than flota reads.
pub fn between(
    fleet: &Repository,
    source: &PatchSource,
    [from, to]: [Option<ObjectId>; 2],
    prefix: &BStr,
) -> Result<(DiffNumbers, Vec<u8>)> {
    let args = arguments(fleet, [from, to], prefix);
    let failed = || Error::repository("git cannot tell what differs in it");
    let output = match source {
        PatchSource::Borrowed(git_dir) => {
            let command = git(git_dir).args(["--git-dir=.", "--work-tree=."]);
            let command = command.env("GIT_NO_LAZY_FETCH", "1").args(args);
            let output = command.stdout_as_data(LIMIT).run()?;
            output.check(failed)?.stdout
        }
        PatchSource::Own(git_dir) => {
            let repo = gix::open(git_dir).map_err(|err| {
                Error::repository(format!("cannot open `{}`", git_dir.display())).because(err)
            })?;
            let remote = remote::name(&repo);
            let command = git(git_dir).args(["--git-dir=.", "--work-tree=."]);
            ServerCommand::of_user(command, &repo, remote.as_ref(), false)
                .args(args)
                .read(LIMIT)
                .map_err(|fault| fault.raise(failed()))?
        }
        PatchSource::Fetched { git_dir, name, url } => {
            let [name, url] = [name, url].map(|text| text.as_ref().map(AsRef::as_ref));
            let source = url::source(fleet, name, url)?;
            let configuration = Configuration::of_fleet(&fleet.to_local()?);
            // What git brings is written there.
            let _lock = store::hold(git_dir, sharing::of(&fleet.to_local()?))?;
            ServerCommand::in_store(git_dir, &source, &configuration, PATIENCE)
                .completing()
                .args(args)
                .read(LIMIT)
                .map_err(|fault| fault.raise(failed()))?
        }
    };
    divided(&output).ok_or_else(|| Error::work("git's list of what differs cannot be read"))
}

/// A comparison of two trees in which nothing runs that a configuration names.
fn arguments(fleet: &Repository, ends: [Option<ObjectId>; 2], prefix: &BStr) -> Vec<OsString> {
    let empty = || ObjectId::empty_tree(fleet.object_hash());
    let ends = ends.map(|end| end.unwrap_or_else(empty).to_string());
    let side = |option: &str| {
        let bytes = [option.as_bytes(), prefix].concat();
        bytes.into_os_string_lossy()
    };
    let words = [
        "diff",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--submodule=short",
        "--ignore-submodules=none",
        "--numstat",
        "--patch",
        "-z",
    ];
    let mut args: Vec<_> = words.map(OsString::from).into();
    args.extend(["--src-prefix=a/", "--dst-prefix=b/"].map(side));
    args.extend(ends.map(OsString::from));
    args.push("--".into());
    args
}

/// What git-diff(1) prints for `--numstat --patch -z`: the numbers of each file, an empty entry, and the patch.
fn divided(output: &[u8]) -> Option<(DiffNumbers, Vec<u8>)> {
    let mut numbers = DiffNumbers::default();
    let mut rest = output;
    loop {
        if rest.is_empty() {
            return Some((numbers, Vec::new()));
        }
        let (entry, after) = rest.split_once_str(b"\0")?;
        rest = after;
        if entry.is_empty() {
            return Some((numbers, rest.to_owned()));
        }
        let mut fields = entry.splitn_str(3, b"\t");
        // `-` of a binary file.
        let mut lines = || {
            let digits = fields.next()?;
            Some(digits.to_str().ok()?.parse().unwrap_or_default())
        };
        let (added, removed): (usize, usize) = (lines()?, lines()?);
        numbers.files += 1;
        numbers.added += added;
        numbers.removed += removed;
        if fields.next()?.is_empty() {
            // A file that moved: both its paths follow.
            let (_, after) = rest.split_once_str(b"\0")?;
            rest = after.split_once_str(b"\0")?.1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_before_the_patch() {
        for (output, files, added, removed, patch) in [
            (&b""[..], 0, 0, 0, &b""[..]),
            (b"1\t2\ta\tb\0\0diff --git", 1, 1, 2, b"diff --git"),
            (b"-\t-\tb\0\0Binary", 1, 0, 0, b"Binary"),
            (b"1\t0\t\0a\0c d\0\x33\t4\tx\0\0d\0iff", 2, 4, 4, b"d\0iff"),
        ] {
            let numbers = DiffNumbers {
                files,
                added,
                removed,
            };
            assert_eq!(divided(output), Some((numbers, patch.to_owned())));
        }
        for damaged in [&b"1\t2\ta"[..], b"x\0", b"1\t0\t\0a\0"] {
            assert_eq!(divided(damaged), None, "{:?}", damaged.as_bstr());
        }
    }
}
