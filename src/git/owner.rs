//! Whose repository a worktree's gitfile leads to. A folder that was copied, or a second worktree of the fleet whose gitfile leads to
//! the first one's repository, would have flota and git work on the HEAD and the index of another folder.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use bstr::ByteSlice;

use super::config_file::ConfigFile;
use crate::model::error::{Error, Result};

/// Refuses the worktree `work_dir` where its repository, the git directory `git_dir`, says that it is that of another directory: by
/// `core.worktree` (gitrepository-layout(5)), or, of a linked worktree, by its file `gitdir` (git-worktree(1)).
///
/// A repository that names no folder is that of whichever gitfile leads to it, as for git.
///
/// # Errors
/// Repository: it is another folder's; both are named. Also when its configuration cannot be read.
pub fn check(work_dir: &Path, git_dir: &Path) -> Result<()> {
    let Some(owner) = owner(work_dir, git_dir)? else {
        return Ok(());
    };
    if is_same(&owner, work_dir) {
        return Ok(());
    }
    let shown = |path: &Path| {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        path.display().to_string()
    };
    let is_linked = git_dir.join("gitdir").exists();
    Err(other(
        &shown(work_dir),
        &shown(git_dir),
        &shown(&owner),
        is_linked,
    ))
}

/// The error for a worktree whose repository is that of the folder `owner`.
fn other(work_dir: &str, git_dir: &str, owner: &str, is_linked: bool) -> Error {
    let error = Error::repository(format!(
        "the repository of `{work_dir}` is that of another directory: `{git_dir}` belongs to `{owner}`"
    ));
    if is_linked {
        return error.hint(format!(
            "if `{work_dir}` is a copy, remove it, and add a worktree: flota worktree add DIR"
        ));
    }
    error
        .hint(format!(
            "if it is a copy, move it away (mv {0} {0}.old); flota update gives the service a repository of its own",
            quoted(work_dir)
        ))
        .hint(format!(
            "if it was moved here, and nothing is at `{owner}`: git --git-dir={} config core.worktree {}",
            quoted(git_dir),
            quoted(work_dir)
        ))
}

fn quoted(path: &str) -> String {
    shlex::try_quote(path).map_or_else(|_| path.to_owned(), |quoted| quoted.into_owned())
}

/// The folder that the repository names as its worktree; none where it names none.
fn owner(work_dir: &Path, git_dir: &Path) -> Result<Option<PathBuf>> {
    if let Ok(gitfile) = fs::read(git_dir.join("gitdir")) {
        let gitfile = git_dir.join(gitfile.trim_ascii().to_path_lossy());
        let owner = gitfile.parent().map(ToOwned::to_owned);
        // A worktree that was moved is found again by git where it is now; its old folder is nobody's.
        return Ok(owner.filter(|_| gitfile.exists()));
    }
    // A folder's own `.git`: nothing else leads there.
    if is_same(git_dir, &work_dir.join(".git")) && work_dir.join(".git").is_dir() {
        return Ok(None);
    }
    let config = fs::read(git_dir.join("config")).unwrap_or_default();
    if let Some(way) = usual(&config) {
        return Ok(Some(git_dir.join(way.to_path_lossy())));
    }
    for file in ["config.worktree", "config"] {
        let path = git_dir.join(file);
        let Ok(text) = fs::read(&path) else { continue };
        let config = ConfigFile::parse(path, &text)?;
        if let Some(way) = config.value("core", None, "worktree") {
            return Ok(Some(git_dir.join(way.to_path_lossy())));
        }
    }
    Ok(None)
}

/// `core.worktree` as git and flota write it, once in the file and without quotes: then the rest of the file need not be read.
fn usual(config: &[u8]) -> Option<&[u8]> {
    const KEY: &str = "\tworktree = ";
    let at = config.find(KEY)?;
    let value = config[at + KEY.len()..].lines().next()?;
    let is_plain =
        value.find_byteset(b"\"\\;#").is_none() && config.find_iter("worktree").count() == 1;
    is_plain.then_some(value)
}

/// Whether both are the same folder, whatever way leads there.
fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::exit::Exit;

    #[test]
    fn a_repository_is_that_of_the_folder_it_names() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let at = |name: &str| root.join(name);
        for folder in ["f/web", "f/copy", "f/.git/modules/web", "old/.git"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let git_dir = at("f/.git/modules/web");
        for (config, of_web, of_copy) in [
            ("", true, true),
            ("[core]\n\tbare = false\n", true, true),
            ("[core]\n\tworktree = ../../../web\n", true, false),
            ("[core]\nworktree=\"../../../web\" # here\n", true, false),
            ("[core]\n\tworktree = ../../../nowhere\n", false, false),
            // The last one counts.
            (
                "[core]\n\tworktree = ../../../web\n\tworktree = ../../../copy\n",
                false,
                true,
            ),
        ] {
            fs::write(git_dir.join("config"), config).unwrap();
            for (folder, want) in [("f/web", of_web), ("f/copy", of_copy)] {
                let done = check(&at(folder), &git_dir);
                assert_eq!(done.is_ok(), want, "{config:?} {folder}");
                if let Err(error) = done {
                    assert_eq!(error.exit(), Exit::Repository);
                    for named in [at(folder), git_dir.clone()] {
                        let named = named.canonicalize().unwrap();
                        let named = named.display().to_string();
                        assert!(error.to_string().contains(&named), "{error}");
                    }
                }
            }
        }
        let absolute = format!("[core]\n\tworktree = {}\n", at("f/web").display());
        fs::write(git_dir.join("config"), absolute).unwrap();
        check(&at("f/web"), &git_dir).unwrap();
        // Where the configuration of a worktree has a file of its own.
        fs::write(git_dir.join("config"), "").unwrap();
        let own = "[core]\n\tworktree = ../../../web\n";
        fs::write(git_dir.join("config.worktree"), own).unwrap();
        check(&at("f/web"), &git_dir).unwrap();
        assert!(check(&at("f/copy"), &git_dir).is_err());
        check(&at("old"), &at("old/.git")).unwrap();
    }

    #[test]
    fn a_linked_worktree_is_that_of_its_gitfile() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let git_dir = at("first/.git/worktrees/second");
        for folder in [&git_dir, &at("second"), &at("copy")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(at("second/.git"), "").unwrap();
        for way in [
            at("second/.git").display().to_string(),
            "../../../../second/.git".to_owned(),
        ] {
            fs::write(git_dir.join("gitdir"), way + "\n").unwrap();
            check(&at("second"), &git_dir).unwrap();
            assert!(check(&at("copy"), &git_dir).is_err());
        }
        // Moved: nothing is at the old place any more.
        fs::remove_dir_all(at("second")).unwrap();
        check(&at("copy"), &git_dir).unwrap();
    }
}
