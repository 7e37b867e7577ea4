//! Content that a worktree holds in another form than the repository, in ways that only git knows (gitattributes(5)).
//!
//! gix reads and writes line endings and the user's own filters as git does. `working-tree-encoding` it knows for some encodings,
//! and not as git writes them (no byte order mark, other names); `ident` it expands in another way. Such files are git's to write
//! and to compare.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bstr::{BStr, BString, ByteSlice};
use gix::{
    attrs::StateRef,
    index::{State, entry::Mode},
    worktree::stack::state::attributes::Source,
};

use super::{command::git, path};
use crate::{
    files,
    model::error::{Error, Result},
    process::Command,
};

/// The attributes that say so.
const OF_GIT: [&str; 2] = ["working-tree-encoding", "ident"];

/// The attributes of one directory.
pub(super) const FILE: &str = ".gitattributes";

/// Whether some attributes of the repository say so of some file: those in its `index`, or in its worktree `root` where they are
/// there, and those of the user. Most repositories have none of them, and that is quickly told.
pub(super) fn is_mentioned(repo: &gix::Repository, index: &State, root: Option<&Path>) -> bool {
    let says_so = |text: &[u8]| OF_GIT.iter().any(|name| text.contains_str(name));
    let in_file = |path: PathBuf| fs::read(path).is_ok_and(|text| says_so(&text));
    let mut in_tree = index.entries().iter().filter(|entry| {
        let path = entry.path(index);
        path == FILE || path.ends_with(b"/.gitattributes")
    });
    let mut of_user = elsewhere(repo).into_iter();
    of_user.any(in_file)
        || in_tree.any(|entry| {
            let in_worktree = root.and_then(|root| {
                let path = path::relative("path", entry.path(index)).ok()?;
                fs::read(root.join(path)).ok()
            });
            let text = in_worktree.or_else(|| Some(repo.find_object(entry.id).ok()?.data.clone()));
            text.is_some_and(|text| says_so(&text))
        })
}

/// Files with attributes that lie outside of the worktree.
fn elsewhere(repo: &gix::Repository) -> Vec<PathBuf> {
    let of_user = repo.config_snapshot().trusted_path("core.attributesFile");
    let of_user = of_user.ok().flatten().map(|path| path.to_path_buf());
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    };
    let usual = || {
        let folder =
            variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
        Some(folder?.join("git/attributes"))
    };
    let own = repo.common_dir().join("info/attributes");
    let system = variable("GIT_ATTR_NOSYSTEM").is_none();
    let system = system.then(|| PathBuf::from("/etc/gitattributes"));
    [Some(own), of_user.or_else(usual), system]
        .into_iter()
        .flatten()
        .collect()
}

/// The files of `index` that are git's to write.
///
/// # Errors
/// Attributes cannot be read.
pub(super) fn files_of_git(repo: &gix::Repository, index: &State) -> gix::Result<Vec<BString>> {
    if !is_mentioned(repo, index, None) {
        return Ok(Vec::new());
    }
    let mut paths = Vec::<BString>::new();
    for_each_with(repo, index, &OF_GIT, |path, state| {
        let is_said = !matches!(state, StateRef::Unspecified | StateRef::Unset);
        if is_said && paths.last().is_none_or(|last| last != path) {
            paths.push(path.to_owned());
        }
    })?;
    Ok(paths)
}

/// Gives `each` the files of `index` with what the attributes say of each of `names`.
///
/// # Errors
/// Attributes cannot be read.
pub(super) fn for_each_with(
    repo: &gix::Repository,
    index: &State,
    names: &[&str],
    mut each: impl FnMut(&BStr, StateRef<'_>),
) -> gix::Result<()> {
    let mut attributes = repo.attributes_only(index, Source::IdMapping)?;
    let mut found = attributes.selected_attribute_matches(names.iter().copied());
    for entry in index.entries() {
        if !matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE) {
            continue;
        }
        let path = entry.path(index);
        let at = attributes
            .at_entry(path, Some(entry.mode))
            .map_err(gix::Error::from_error)?;
        found.reset();
        at.matching_attributes(&mut found);
        for said in found.iter_selected() {
            each(path, said.assignment.state);
        }
    }
    Ok(())
}

/// git in the worktree `root` of `git_dir`, wherever that says that its worktree is.
pub(super) fn git_in(git_dir: &Path, root: &Path) -> Command {
    let git_dir = std::path::absolute(git_dir).unwrap_or_else(|_| git_dir.to_owned());
    git(root)
        .arg("--git-dir")
        .arg(git_dir)
        .arg("--work-tree=.")
        .env("GIT_NO_LAZY_FETCH", "1")
}

/// Lets git write the files at `paths` into the worktree `root` of `git_dir` anew, whose index lists them.
///
/// # Errors
/// Work: git does not write them. Unavailable: what is there cannot be removed.
pub(super) fn write(git_dir: &Path, root: &Path, paths: &[BString]) -> Result<()> {
    write_by(git_in(git_dir, root), root, paths, || {
        Error::work("its files cannot be written")
            .hint("see what its attributes say: git check-attr --all PATH")
    })
}

/// The same by `git`, a command of [`git_in`], and with an error of the caller's own where it does not write them.
pub(super) fn write_by(
    git: Command,
    root: &Path,
    paths: &[BString],
    failed: impl FnOnce() -> Error,
) -> Result<()> {
    let mut listed = Vec::new();
    for path in paths {
        // git leaves alone what is as old as the index says.
        let file = root.join(path::relative("path", path.as_ref())?);
        match fs::remove_file(&file) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                return Err(files::cannot("write", &file, err));
            }
            _ => {}
        }
        listed.extend_from_slice(path);
        listed.push(0);
    }
    git.args(["checkout-index", "--force", "--index", "-z", "--stdin"])
        .input(listed)
        .run()?
        .check(failed)?;
    Ok(())
}
