//! Checks out the pin of one submodule, whatever its state was.
//!
//! A repository is cloned under a temporary name, its files are written beside it, and both are renamed into place when they are
//! complete: after a killed run the state is either the old or the new one. The next run starts from what it finds.

use std::{
    fs, io,
    num::NonZeroU32,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use bstr::BString;
use gix::ObjectId;

use super::{
    location, loss,
    relocate::{self, Former},
    worktrees::{Place, Worktrees},
};
use crate::{
    files::{self, create_parent, create_parent_alike},
    fleet::parent::{Parent, has_other_url, source},
    git::{
        config_file::ConfigFile, format, index, operation, owner, path, submodule, vet::Link,
        worktree,
    },
    model::{
        error::{Error, Result},
        event::Event,
        sync::SyncOutcome,
    },
};

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
            relocate::finish(&git_dir, &work_dir)?;
            if let Err(error) = owner::check(&work_dir, &git_dir) {
                return Ok(SyncOutcome::Left(error));
            }
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
            if let Some(error) = of_another(parent, link, &git_dir)? {
                return Ok(SyncOutcome::Left(error));
            }
            return self.advance(&Place {
                parent,
                link,
                git_dir: &git_dir,
                work_dir: &work_dir,
            });
        }
        if !is_empty(&work_dir)? {
            return Ok(SyncOutcome::Left(
                Error::repository(format!("`{shown}` has files, but is not a repository"))
                    .hint(format!("move them away: mv {shown} {shown}.old")),
            ));
        }
        let git_dir = own_git_dir(parent, link)?;
        if !git_dir.join("HEAD").is_file() {
            begin("clone");
            return self.clone(parent, link, &git_dir, &work_dir);
        }
        match relocate::former(parent, &git_dir, &work_dir)? {
            Former::Kept(error) => Ok(SyncOutcome::Left(error)),
            Former::Nowhere => {
                begin("check out");
                self.check_out(parent, link, &git_dir, &work_dir)
            }
            Former::At(old) => {
                begin("move");
                relocate::relocate(&git_dir, &old, &work_dir)?;
                let outcome = self.advance(&Place {
                    parent,
                    link,
                    git_dir: &git_dir,
                    work_dir: &work_dir,
                })?;
                Ok(match outcome {
                    SyncOutcome::Current => SyncOutcome::Relocated,
                    outcome => outcome,
                })
            }
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
        let name = path::relative("submodule name", link.name())?;
        let in_place_of = |one: &PathBuf| one.join("modules").join(&name);
        let siblings: Vec<_> = parent.siblings.iter().map(in_place_of).collect();
        // What is here already is as deep as it is, and nothing is to be cut.
        let depth = match self.access.clone_from_sibling(&source, &siblings, &files)? {
            true => None,
            false => {
                let depth = self.access.depth(recommended_depth(link));
                self.access.clone(&source, None, depth, &files)?;
                depth
            }
        };
        let new_git_dir = files.join(".git");
        self.access.obtain(&new_git_dir, &source, link.pin, depth)?;
        worktree::fill(&new_git_dir, &files, link.pin)?;
        adopt(&new_git_dir, git_dir, work_dir, link.pin)?;
        self.access.note_source(&new_git_dir, &source)?;
        create_parent_alike(git_dir)?;
        // What is left of a repository without a HEAD is none.
        if git_dir.exists() {
            fs::rename(git_dir, new.path().join("broken"))
                .map_err(|err| files::cannot("write", git_dir, err))?;
        }
        fs::rename(&new_git_dir, git_dir).map_err(|err| files::cannot("write", git_dir, err))?;
        put(&files, git_dir, work_dir, link.pin)?;
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
        if let Err(error) = format::check(git_dir, git_dir) {
            return Ok(SyncOutcome::Left(error));
        }
        if let Some(operation) = operation::under_way(git_dir) {
            let error = operation::in_progress(operation, git_dir);
            return Ok(SyncOutcome::Left(error));
        }
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
        put(&files, git_dir, work_dir, link.pin)?;
        Ok(SyncOutcome::CheckedOut)
    }
}

/// Where the submodule's git directory belongs.
fn own_git_dir(parent: &Parent, link: &Link) -> Result<PathBuf> {
    let name = path::relative("submodule name", link.name())?;
    let modules = parent.git_dir.join("modules");
    match worktree::has_real_parents(&modules, &name) {
        true => Ok(modules.join(name)),
        false => Err(Error::repository(format!(
            "a symbolic link is in the way of its git directory `{}`",
            name.display()
        ))),
    }
}

/// Says so where the folder of the submodule has another's repository, while its own lies elsewhere: two changed places.
fn of_another(parent: &Parent, link: &Link, git_dir: &Path) -> Result<Option<Error>> {
    let own = own_git_dir(parent, link)?;
    if !own.join("HEAD").is_file() || own.canonicalize().ok() == git_dir.canonicalize().ok() {
        return Ok(None);
    }
    let path = parent.path_of(link);
    Ok(Some(
        Error::repository(format!(
            "its folder has the repository `{}`, and its own is `{}`",
            git_dir.display(),
            own.display()
        ))
        .hint(format!("move the folder away: mv {path} {path}.old")),
    ))
}

/// Whether HEAD is detached at `pin` and files were written: git leaves a repository without an index when it is stopped
/// between clone and checkout.
fn is_at(git_dir: &Path, pin: ObjectId) -> bool {
    let head = fs::read(git_dir.join("HEAD"));
    head.is_ok_and(|head| head.trim_ascii() == pin.to_string().as_bytes())
        && index::begins_well(git_dir, pin.kind())
}

/// Makes a repository the submodule's: HEAD at the pin, and the way to its worktree.
fn adopt(at: &Path, git_dir: &Path, work_dir: &Path, pin: ObjectId) -> Result<()> {
    let way = worktree::way(git_dir, work_dir);
    if at == git_dir {
        worktree::note(at, &way)?;
    } else {
        let mut config = ConfigFile::of(at)?;
        config.set("core", None, "worktree", way.as_os_str().as_bytes())?;
        config.write()?;
    }
    files::replace(&at.join("HEAD"), format!("{pin}\n").as_bytes())
        .map_err(|err| files::cannot("write", at, err))
}

/// Puts the finished files of `pin` where they belong. A folder that is on another file system, or is one (a mount point), does not give
/// way: they are written into it again, and the gitfile that makes it a worktree goes last.
fn put(files: &Path, git_dir: &Path, work_dir: &Path, pin: ObjectId) -> Result<()> {
    use io::ErrorKind::{CrossesDevices, ResourceBusy};
    let cannot = |err| files::cannot("write", work_dir, err);
    let way = worktree::way(work_dir, git_dir);
    worktree::write_gitfile(files, &way)?;
    create_parent(work_dir)?;
    match fs::rename(files, work_dir) {
        Err(err) if matches!(err.kind(), CrossesDevices | ResourceBusy) => {}
        done => return done.map_err(cannot),
    }
    fs::create_dir_all(work_dir).map_err(cannot)?;
    let written = worktree::fill(git_dir, work_dir, pin)
        .and_then(|()| worktree::write_gitfile(work_dir, &way));
    if written.is_err() {
        // It was empty; the reason why it is so again is the one to tell.
        let entries = fs::read_dir(work_dir).into_iter().flatten().flatten();
        for entry in entries {
            let path = entry.path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
    written
}

/// Puts finished files where they belong: an empty folder gives way.
pub(in crate::fleet) fn settle(files: &Path, git_dir: &Path, work_dir: &Path) -> Result<()> {
    let way = worktree::way(work_dir, git_dir);
    worktree::write_gitfile(files, &way)?;
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
    fn a_repository_is_at_its_pin_when_head_is_detached_there_and_files_were_written() {
        let pin = ObjectId::null(gix::hash::Kind::Sha1);
        let other = ObjectId::empty_tree(gix::hash::Kind::Sha1);
        // Version 2, without entries and without a checksum.
        let empty = [&b"DIRC\0\0\0\x02\0\0\0\0"[..], &[0; 20]].concat();
        let sound = Some(&empty[..]);
        for (head, index, want) in [
            (format!("{pin}\n"), sound, true),
            (pin.to_string(), sound, true),
            (format!("{pin}\n"), None, false),
            (format!("{pin}\n"), Some(&[][..]), false),
            (format!("{pin}\n"), Some(&[0; 32]), false),
            (format!("{other}\n"), sound, false),
            ("ref: refs/heads/main\n".into(), sound, false),
            (String::new(), sound, false),
        ] {
            let git_dir = tempfile::tempdir().unwrap();
            fs::write(git_dir.path().join("HEAD"), &head).unwrap();
            if let Some(index) = index {
                fs::write(git_dir.path().join("index"), index).unwrap();
            }
            let found = is_at(git_dir.path(), pin);
            assert_eq!(found, want, "{head:?} {index:?}");
        }
        assert!(!is_at(Path::new("/nowhere"), pin));
    }
}
