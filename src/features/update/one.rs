//! One submodule, from wherever it is to its pin.

use std::{
    fs, io,
    num::NonZeroU32,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use bstr::{BString, ByteSlice};
use gix::ObjectId;

use super::{Parent, Run};
use crate::{
    git::{
        command::git,
        config_file::ConfigFile,
        lock, path,
        repository::Repository,
        submodule,
        switch::would_lose,
        url::{self, Source},
        vet::Link,
        worktree,
    },
    interrupt,
    model::{
        error::{Error, Result},
        event::Event,
        sync::Outcome,
    },
};

/// The most that git may list of uncommitted files, in bytes: one is enough to leave them alone.
const LISTING_LIMIT: usize = 16 << 20;

/// Where the submodule's files are, or will be.
pub(super) fn work_dir(parent: &Parent, link: &Link) -> Result<PathBuf> {
    let relative = path::relative("path", link.path.as_ref())?;
    if !worktree::has_real_parents(&parent.root, &relative) {
        return Err(Error::repository(format!(
            "a symbolic link or a file stands in the way of `{}`",
            link.path
        )));
    }
    Ok(parent.root.join(relative))
}

/// How deep `.gitmodules` wants a new clone to be (gitmodules(5), `shallow`).
fn recommended_depth(link: &Link) -> Option<NonZeroU32> {
    let is_shallow = link.listed.as_ref().is_some_and(|listed| listed.is_shallow);
    is_shallow.then_some(NonZeroU32::MIN)
}

/// Where its repository comes from.
pub(super) fn source(repository: &Repository, link: &Link) -> Result<Source> {
    let listed = link.listed.as_ref();
    let name = listed.map(|listed| listed.name.as_ref());
    let url = listed.and_then(|listed| Some(listed.url.as_ref()?.as_ref()));
    url::source(repository, name, url).map_err(|error| {
        let hints = error.hints().to_vec();
        let error = Error::new(
            error.exit(),
            format!("the submodule `{}`: {error}", link.name()),
        );
        hints.into_iter().fold(error, Error::hint)
    })
}

impl Run<'_> {
    pub(super) fn bring(
        &self,
        job: usize,
        parent: &Parent,
        link: &Link,
        shown: &BString,
    ) -> Result<Outcome> {
        let begin = |doing| {
            (self.options.access.events)(Event::Started {
                job,
                name: shown.to_string(),
                doing,
            });
        };
        let work_dir = work_dir(parent, link)?;
        if let Some(git_dir) = submodule::git_dir_of(&work_dir) {
            if is_at(&git_dir, link.pin) {
                return Ok(Outcome::Current);
            }
            begin("update");
            return self.move_to(parent, link, &git_dir, &work_dir);
        }
        if !is_empty(&work_dir)? {
            return Ok(Outcome::Left(
                Error::repository(format!("there are files in `{shown}`, and no repository"))
                    .hint(format!("move them away: mv {shown} {shown}.old")),
            ));
        }
        let name = path::relative("submodule name", link.name())?;
        let modules = parent.git_dir.join("modules");
        if !worktree::has_real_parents(&modules, &name) {
            return Err(Error::repository(format!(
                "a symbolic link stands in the way of its git directory `{}`",
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
    ) -> Result<Outcome> {
        let source = source(&parent.repository, link)?;
        let new = self.folder()?;
        let files = new.path().join("files");
        let depth = recommended_depth(link);
        self.access.clone(&source, None, depth, &files)?;
        let new_git_dir = files.join(".git");
        self.access.obtain(&new_git_dir, &source, link.pin, depth)?;
        worktree::fill(&new_git_dir, &files, link.pin)?;
        adopt(&new_git_dir, git_dir, work_dir, &source, link.pin)?;
        create_parent(git_dir)?;
        // What is left of a repository without a HEAD is none.
        if git_dir.exists() {
            fs::rename(git_dir, new.path().join("broken")).map_err(|err| cannot(git_dir, err))?;
        }
        fs::rename(&new_git_dir, git_dir).map_err(|err| cannot(git_dir, err))?;
        settle(&files, git_dir, work_dir)?;
        Ok(Outcome::Cloned)
    }

    /// The files of a repository that is there.
    fn check_out(
        &self,
        parent: &Parent,
        link: &Link,
        git_dir: &Path,
        work_dir: &Path,
    ) -> Result<Outcome> {
        let source = source(&parent.repository, link)?;
        self.access.obtain(git_dir, &source, link.pin, None)?;
        if let Some(error) = would_lose(git_dir, git_dir)? {
            return Ok(Outcome::Left(error));
        }
        let new = self.folder()?;
        let files = new.path().join("files");
        fs::create_dir(&files).map_err(|err| cannot(&files, err))?;
        worktree::fill(git_dir, &files, link.pin)?;
        adopt(git_dir, git_dir, work_dir, &source, link.pin)?;
        settle(&files, git_dir, work_dir)?;
        Ok(Outcome::CheckedOut)
    }

    /// A worktree that is there moves to the pin, by git, which knows what may be overwritten.
    fn move_to(
        &self,
        parent: &Parent,
        link: &Link,
        git_dir: &Path,
        work_dir: &Path,
    ) -> Result<Outcome> {
        let from = git_head(git_dir)?;
        let has_index = git_dir.join("index").is_file();
        // On a branch, too: whoever works there stays there.
        if has_index && from == Some(link.pin) {
            return Ok(Outcome::Current);
        }
        if !has_index && !is_bare_of_files(work_dir)? {
            return Ok(Outcome::Left(
                Error::repository("its index is missing, and there are files")
                    .hint("make one, and look at what differs: git reset && git status"),
            ));
        }
        if has_index && let Some(error) = uncommitted(work_dir)? {
            return Ok(Outcome::Left(error));
        }
        if from != Some(link.pin)
            && let Some(error) = would_lose(work_dir, git_dir)?
        {
            return Ok(Outcome::Left(error));
        }
        if let Some(error) = locked(git_dir) {
            return Ok(Outcome::Left(error));
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
                Some(from) if from != link.pin => Outcome::Moved { from },
                _ => Outcome::CheckedOut,
            });
        }
        if let Some(exit) = interrupt::pending() {
            return Err(Error::new(exit, "interrupted"));
        }
        Ok(not_moved(&moved.text, work_dir))
    }

    fn folder(&self) -> Result<tempfile::TempDir> {
        tempfile::tempdir_in(self.scratch.path()).map_err(|err| cannot(self.scratch.path(), err))
    }
}

/// Whether HEAD is detached at `pin` and files were written: git leaves a repository without an index when it is stopped
/// between clone and checkout.
fn is_at(git_dir: &Path, pin: ObjectId) -> bool {
    let head = fs::read(git_dir.join("HEAD"));
    head.is_ok_and(|head| head.trim_ascii() == pin.to_string().as_bytes())
        && git_dir.join("index").is_file()
}

/// A lock that git would stop at, some of its files written: of a git at work, or of one that died.
fn locked(git_dir: &Path) -> Option<Error> {
    let locks = ["index.lock", "HEAD.lock"].map(|name| git_dir.join(name));
    let lock = locks.into_iter().find(|lock| lock.exists())?;
    Some(lock::taken(&lock))
}

/// Why git did not move a worktree: it would overwrite files, or it cannot.
fn not_moved(said: &[u8], work_dir: &Path) -> Outcome {
    let said = String::from_utf8_lossy(said).trim().to_owned();
    if let Some(lock) = lock::named_in(&said) {
        return Outcome::Left(lock::taken(lock));
    }
    let see = format!("see how it stands: git -C {} status", work_dir.display());
    match said.contains("would be overwritten") {
        true => Outcome::Left(
            Error::repository("git does not move it, since files would be lost")
                .because(said)
                .hint(see),
        ),
        false => Outcome::Failed(
            Error::repository("git cannot move it to its pin")
                .because(said)
                .hint(see),
        ),
    }
}

fn git_head(git_dir: &Path) -> Result<Option<ObjectId>> {
    let repo = gix::open_opts(git_dir, gix::open::Options::isolated()).map_err(|err| {
        Error::repository(format!("cannot open `{}`", git_dir.display()))
            .because(err)
            .hint("git finds what is damaged: git fsck")
    })?;
    Ok(repo.head_id().ok().map(gix::Id::detach))
}

/// Work that is in no commit.
fn uncommitted(work_dir: &Path) -> Result<Option<Error>> {
    let listed = git(work_dir)
        .args([
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=no",
            "--ignore-submodules=all",
        ])
        .stdout_as_data(LISTING_LIMIT)
        .run()?
        .check(|| Error::repository("git cannot tell what is uncommitted in it"))?;
    let count = listed
        .stdout
        .split_str(b"\0")
        .filter(|entry| !entry.is_empty())
        .count();
    Ok((count > 0).then(|| {
        Error::repository(format!(
            "it has uncommitted changes ({count} file{})",
            if count == 1 { "" } else { "s" }
        ))
        .hint(format!(
            "commit them, or put them aside: git -C {} stash",
            work_dir.display()
        ))
    }))
}

/// Makes a repository the submodule's: HEAD at the pin, and the way to its worktree.
fn adopt(at: &Path, git_dir: &Path, work_dir: &Path, source: &Source, pin: ObjectId) -> Result<()> {
    let mut config = ConfigFile::of(at)?;
    let way = worktree::way(git_dir, work_dir);
    config.set("core", None, "worktree", way.as_os_str().as_bytes())?;
    if at != git_dir {
        config.set("remote", Some("origin".into()), "url", &source.url)?;
    }
    config.write()?;
    fs::write(at.join("HEAD.new"), format!("{pin}\n"))
        .and_then(|()| fs::rename(at.join("HEAD.new"), at.join("HEAD")))
        .map_err(|err| cannot(at, err))
}

/// Puts finished files where they belong: an empty folder gives way.
pub(in crate::features) fn settle(files: &Path, git_dir: &Path, work_dir: &Path) -> Result<()> {
    let way = worktree::way(work_dir, git_dir);
    let mut gitfile = b"gitdir: ".to_vec();
    gitfile.extend_from_slice(way.as_os_str().as_bytes());
    gitfile.push(b'\n');
    fs::write(files.join(".git"), gitfile).map_err(|err| cannot(files, err))?;
    create_parent(work_dir)?;
    fs::rename(files, work_dir).map_err(|err| cannot(work_dir, err))
}

pub(in crate::features) fn create_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|err| cannot(parent, err)),
        None => Ok(()),
    }
}

fn is_empty(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(err) => Err(cannot(folder, err)),
    }
}

/// Whether there is nothing but `.git`.
fn is_bare_of_files(folder: &Path) -> Result<bool> {
    let entries = fs::read_dir(folder).map_err(|err| cannot(folder, err))?;
    Ok(entries.flatten().all(|entry| entry.file_name() == ".git"))
}

fn cannot(path: &Path, err: io::Error) -> Error {
    Error::unavailable(format!("cannot write `{}`", path.display())).because(err)
}
