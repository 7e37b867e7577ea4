//! Checks out the pin of one submodule, whatever its state was.
//!
//! A repository is cloned under a temporary name, its files are written beside it, and both are renamed into place when they are
//! complete: after a killed run the state is either the old or the new one. The next run starts from what it finds.

use std::{fs, io, num::NonZeroU32, os::unix::ffi::OsStrExt, path::Path};

use bstr::BString;
use gix::ObjectId;
use tempfile::TempDir;

use super::{location, loss};
use crate::{
    files::{self, create_parent},
    fleet::parent::{Parent, has_other_url, source},
    git::{
        command::git, config_file::ConfigFile, network::clone::Access, path, submodule, unreadable,
        vet::Link, worktree,
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::{Event, Events},
        sync::SyncOutcome,
    },
};

/// What brings worktrees to their pins.
pub(in crate::fleet) struct Worktrees<'a> {
    /// The way to servers.
    pub access: Access<'a>,
    /// Where new clones grow: beside the fleet's git directory, so that a rename puts them in place.
    pub scratch: TempDir,
    /// Where progress goes.
    pub events: Events<'a>,
}

/// How deep `.gitmodules` wants a new clone to be (gitmodules(5), `shallow`).
fn recommended_depth(link: &Link) -> Option<NonZeroU32> {
    let is_shallow = link.listed.as_ref().is_some_and(|listed| listed.is_shallow);
    is_shallow.then_some(NonZeroU32::MIN)
}

impl Worktrees<'_> {
    /// Brings the submodule, as the run's `job`; `shown` is its path from the fleet's root.
    pub(in crate::fleet) fn bring(
        &self,
        job: usize,
        parent: &Parent,
        link: &Link,
        shown: &BString,
    ) -> Result<SyncOutcome> {
        let begin = |doing| {
            (self.events)(Event::Started {
                job,
                name: shown.to_string(),
                doing,
            });
        };
        let work_dir = location::of(&parent.root, link.path.as_ref())?;
        if let Some(git_dir) = submodule::git_dir_of(&work_dir) {
            if is_at(&git_dir, link.pin) {
                if has_other_url(&parent.repository, link)? {
                    let source = source(&parent.repository, link)?;
                    if source.is_replaced {
                        begin("update");
                        self.access.follow(&git_dir, &source)?;
                    }
                }
                return Ok(SyncOutcome::Current);
            }
            begin("update");
            return self.move_to(parent, link, &git_dir, &work_dir);
        }
        if !is_empty(&work_dir)? {
            return Ok(SyncOutcome::Left(
                Error::repository(format!("`{shown}` has files, but is not a repository"))
                    .hint(format!("move them away: mv {shown} {shown}.old")),
            ));
        }
        let name = path::relative("submodule name", link.name())?;
        let modules = parent.git_dir.join("modules");
        if !worktree::has_real_parents(&modules, &name) {
            return Err(Error::repository(format!(
                "a symbolic link is in the way of its git directory `{}`",
                name.display()
            )));
        }
        let git_dir = modules.join(name);
        if git_dir.join("HEAD").is_file() {
            begin("check out");
            self.check_out(parent, link, &git_dir, &work_dir)
        } else {
            begin("clone");
            self.clone(parent, link, &git_dir, &work_dir)
        }
    }

    /// A new repository and its files, made under a temporary name.
    fn clone(
        &self,
        parent: &Parent,
        link: &Link,
        git_dir: &Path,
        work_dir: &Path,
    ) -> Result<SyncOutcome> {
        let source = source(&parent.repository, link)?;
        let new = self.folder()?;
        let files = new.path().join("files");
        let depth = recommended_depth(link);
        self.access.clone(&source, None, depth, &files)?;
        let new_git_dir = files.join(".git");
        self.access.obtain(&new_git_dir, &source, link.pin, depth)?;
        worktree::fill(&new_git_dir, &files, link.pin)?;
        adopt(&new_git_dir, git_dir, work_dir, link.pin)?;
        self.access.note_source(&new_git_dir, &source)?;
        create_parent(git_dir)?;
        // What is left of a repository without a HEAD is none.
        if git_dir.exists() {
            fs::rename(git_dir, new.path().join("broken"))
                .map_err(|err| files::cannot("write", git_dir, err))?;
        }
        fs::rename(&new_git_dir, git_dir).map_err(|err| files::cannot("write", git_dir, err))?;
        settle(&files, git_dir, work_dir)?;
        Ok(SyncOutcome::Cloned)
    }

    /// The files of a repository that is there.
    fn check_out(
        &self,
        parent: &Parent,
        link: &Link,
        git_dir: &Path,
        work_dir: &Path,
    ) -> Result<SyncOutcome> {
        let source = source(&parent.repository, link)?;
        self.access.obtain(git_dir, &source, link.pin, None)?;
        if let Some(error) = loss::unreachable_commits(git_dir, git_dir)? {
            return Ok(SyncOutcome::Left(error));
        }
        let new = self.folder()?;
        let files = new.path().join("files");
        fs::create_dir(&files).map_err(|err| files::cannot("write", &files, err))?;
        worktree::fill(git_dir, &files, link.pin)?;
        adopt(git_dir, git_dir, work_dir, link.pin)?;
        settle(&files, git_dir, work_dir)?;
        Ok(SyncOutcome::CheckedOut)
    }

    /// A worktree that is there moves to the pin, by git, which knows what may be overwritten.
    fn move_to(
        &self,
        parent: &Parent,
        link: &Link,
        git_dir: &Path,
        work_dir: &Path,
    ) -> Result<SyncOutcome> {
        let from = git_head(git_dir)?;
        let has_index = git_dir.join("index").is_file();
        // On a branch, too: whoever works there stays there.
        if has_index && from == Some(link.pin) {
            return Ok(SyncOutcome::Current);
        }
        if !has_index && !is_bare_of_files(work_dir)? {
            return Ok(SyncOutcome::Left(
                Error::repository("its index is missing, but its worktree has files")
                    .hint("create one, and see what differs: git reset && git status"),
            ));
        }
        if has_index && let Some(error) = loss::uncommitted(work_dir)? {
            return Ok(SyncOutcome::Left(error));
        }
        if from != Some(link.pin)
            && let Some(error) = loss::unreachable_commits(work_dir, git_dir)?
        {
            return Ok(SyncOutcome::Left(error));
        }
        if let Some(error) = loss::locked(git_dir) {
            return Ok(SyncOutcome::Left(error));
        }
        let source = source(&parent.repository, link)?;
        self.access.obtain(git_dir, &source, link.pin, None)?;
        let mut command =
            git(work_dir).args(["-c", "advice.detachedHead=false", "checkout", "--quiet"]);
        if !has_index {
            command = command.arg("--force");
        }
        let pin = link.pin.to_string();
        // Its words are looked at, and have to be the ones known here.
        let moved = command
            .args(["--no-recurse-submodules", "--detach", &pin, "--"])
            .env("LC_ALL", "C")
            .run()?;
        if moved.success() {
            return Ok(match from {
                Some(from) if from != link.pin => SyncOutcome::Moved { from },
                _ => SyncOutcome::CheckedOut,
            });
        }
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted"));
        }
        Ok(loss::not_moved(&moved.text, work_dir))
    }

    fn folder(&self) -> Result<TempDir> {
        tempfile::tempdir_in(self.scratch.path())
            .map_err(|err| files::cannot("write", self.scratch.path(), err))
    }
}

/// Whether HEAD is detached at `pin` and files were written: git leaves a repository without an index when it is stopped
/// between clone and checkout.
fn is_at(git_dir: &Path, pin: ObjectId) -> bool {
    let head = fs::read(git_dir.join("HEAD"));
    head.is_ok_and(|head| head.trim_ascii() == pin.to_string().as_bytes())
        && git_dir.join("index").is_file()
}

fn git_head(git_dir: &Path) -> Result<Option<ObjectId>> {
    let repo = gix::open_opts(git_dir, gix::open::Options::isolated()).map_err(|err| {
        let error = Error::repository(format!("cannot open `{}`", git_dir.display()));
        unreadable::explain(error, git_dir, err)
    })?;
    Ok(repo.head_id().ok().map(gix::Id::detach))
}

/// Makes a repository the submodule's: HEAD at the pin, and the way to its worktree.
fn adopt(at: &Path, git_dir: &Path, work_dir: &Path, pin: ObjectId) -> Result<()> {
    let mut config = ConfigFile::of(at)?;
    let way = worktree::way(git_dir, work_dir);
    config.set("core", None, "worktree", way.as_os_str().as_bytes())?;
    config.write()?;
    fs::write(at.join("HEAD.new"), format!("{pin}\n"))
        .and_then(|()| fs::rename(at.join("HEAD.new"), at.join("HEAD")))
        .map_err(|err| files::cannot("write", at, err))
}

/// Puts finished files where they belong: an empty folder gives way.
pub(in crate::fleet) fn settle(files: &Path, git_dir: &Path, work_dir: &Path) -> Result<()> {
    let way = worktree::way(work_dir, git_dir);
    let mut gitfile = b"gitdir: ".to_vec();
    gitfile.extend_from_slice(way.as_os_str().as_bytes());
    gitfile.push(b'\n');
    fs::write(files.join(".git"), gitfile).map_err(|err| files::cannot("write", files, err))?;
    create_parent(work_dir)?;
    fs::rename(files, work_dir).map_err(|err| files::cannot("write", work_dir, err))
}

fn is_empty(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(err) => Err(files::cannot("write", folder, err)),
    }
}

/// Whether there is nothing but `.git`.
fn is_bare_of_files(folder: &Path) -> Result<bool> {
    let entries = fs::read_dir(folder).map_err(|err| files::cannot("write", folder, err))?;
    Ok(entries.flatten().all(|entry| entry.file_name() == ".git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_empty_unless_something_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("full/sub")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        fs::write(at("file"), "").unwrap();
        for (name, want) in [
            ("missing", true),
            ("empty", true),
            ("full", false),
            ("file", false),
        ] {
            assert_eq!(is_empty(&at(name)).unwrap(), want, "{name}");
        }
        // What cannot be seen is not taken for empty.
        assert!(is_empty(&at(&"x".repeat(300))).is_err());
    }

    #[test]
    fn a_worktree_without_files_has_its_gitfile_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_bare_of_files(dir.path()).unwrap());
        fs::write(dir.path().join(".git"), "").unwrap();
        assert!(is_bare_of_files(dir.path()).unwrap());
        fs::write(dir.path().join(".gitignore"), "").unwrap();
        assert!(!is_bare_of_files(dir.path()).unwrap());
        assert!(is_bare_of_files(&dir.path().join("missing")).is_err());
    }

    #[test]
    fn a_repository_is_at_its_pin_when_head_is_detached_there_and_files_were_written() {
        let pin = ObjectId::null(gix::hash::Kind::Sha1);
        let other = ObjectId::empty_tree(gix::hash::Kind::Sha1);
        for (head, has_index, want) in [
            (format!("{pin}\n"), true, true),
            (pin.to_string(), true, true),
            (format!("{pin}\n"), false, false),
            (format!("{other}\n"), true, false),
            ("ref: refs/heads/main\n".into(), true, false),
            (String::new(), true, false),
        ] {
            let git_dir = tempfile::tempdir().unwrap();
            fs::write(git_dir.path().join("HEAD"), &head).unwrap();
            if has_index {
                fs::write(git_dir.path().join("index"), "").unwrap();
            }
            assert_eq!(is_at(git_dir.path(), pin), want, "{head:?} {has_index}");
        }
        assert!(!is_at(Path::new("/nowhere"), pin));
    }
}
